//! The metrics as one page that needs nothing else.
//!
//! Invariants: the page loads nothing and names no address; its only script and style are those whose hashes its policy
//! holds; whatever events say is text. All of it can be read without the script, which adds sorting, filtering and
//! the values under the pointer.

mod axis;
mod chart;
mod data_table;
mod policy;
mod tile;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::call::looking::By;
use crate::metrics::measure::measures_of;
use crate::metrics::tallies::Tallies;
use crate::metrics::weeks::last_weeks;
use crate::text::numbers::{count, counted, whole};
use crate::text::times::Zone;

use chart::Chart;
use data_table::{Rows, group_table, rule_table};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");
/// Bars of a chart at most.
const BARS: usize = 120;

/// What the page is about.
pub(crate) struct About<'a> {
    pub(crate) folder: &'a str,
    /// The conditions in words.
    pub(crate) filters: &'a [String],
    pub(crate) zone: &'a Zone,
    pub(crate) now: f64,
}

/// The page's text.
pub(crate) fn page(tallies: &Tallies, about: &About<'_>) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy::policy(SCRIPT, STYLE));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Metrics – guidance-ledger" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header { h1 { "What the agents did" } (head(tallies, about)) }
                main { (content(tallies, about)) }
                footer { p { "Written by guidance-ledger " (env!("CARGO_PKG_VERSION")) " at " (about.zone.show(about.now)) "." } }
                div id="tip" role="status" hidden {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string() + "\n"
}

fn head(tallies: &Tallies, about: &About<'_>) -> Markup {
    let zone = about.zone.name();
    html! {
        p class="folder" { (about.folder) }
        @if let Some((first, last)) = tallies.span() {
            p {
                @if first == last { (first.to_string()) } @else { (first.to_string()) " to " (last.to_string()) }
                " (" (zone) ") · " (counted(whole(tallies.total.events), "event"))
                @if tallies.total.calls > 0.0 { " · " (counted(whole(tallies.total.calls), "tool call")) }
            }
        }
        @if !about.filters.is_empty() { p { "Only: " (about.filters.join(" · ")) } }
        @for note in left_out(tallies) { p class="note" { (note) } }
    }
}

/// What is not in the sums or not in the charts.
fn left_out(tallies: &Tallies) -> Vec<String> {
    let mut notes = Vec::new();
    if tallies.irregular > 0 {
        notes.push(format!("{} of irregular shape left out.", counted(tallies.irregular, "event")));
    }
    let lost = tallies.undated + tallies.implausible;
    if lost > 0 && !tallies.days.is_empty() {
        notes.push(format!(
            "{} without a plausible time: in the sums, but on no day of the charts.",
            counted(lost, "event")
        ));
    }
    notes
}

fn content(tallies: &Tallies, about: &About<'_>) -> Markup {
    if tallies.total.events == 0.0 {
        let text =
            if about.filters.is_empty() { "Nothing was recorded here yet." } else { "No event matches." };
        return html! { section class="card empty" { p { (text) } } };
    }
    html! {
        (tiles(tallies, about))
        @if tallies.days.is_empty() {
            section class="card empty" { p { "No event has a time that can be drawn." } }
        } @else {
            (charts(tallies, about))
        }
        (tables(tallies, about))
    }
}

fn tiles(tallies: &Tallies, about: &About<'_>) -> Markup {
    let weeks = about.zone.day(about.now).and_then(|today| last_weeks(tallies, today));
    html! {
        section aria-labelledby="sums" {
            h2 id="sums" { "In all" }
            div class="tiles" {
                @for measure in measures_of(&tallies.total) { (tile::tile(&measure, &tallies.total, weeks.as_ref())) }
            }
            @if let Some(weeks) = &weeks {
                p class="note" {
                    "The week is the seven whole days to " (weeks.end.to_string()) ", the week before the seven before. "
                    "A day that is not over counts for neither."
                }
            } @else {
                p class="note" { "Two whole weeks are needed to say how a week compares with the one before." }
            }
        }
    }
}

fn charts(tallies: &Tallies, about: &About<'_>) -> Markup {
    let (step, stretches) = tallies.stretches(BARS);
    let today = about.zone.day(about.now);
    let marks = chart::guidance_marks(tallies, about.zone, &stretches, step);
    let base = Chart { stretches: &stretches, step, today, marks: &marks };
    html! {
        section aria-labelledby="time" {
            h2 id="time" { "Over time" }
            p class="note" {
                @if step == 1 { "A bar or dot for each day." } @else { "A bar or dot for each " (step) " days." }
                " Arrow keys, a tap or the pointer show values."
                @if !marks.is_empty() { " Dashed lines: the guidance changed; the table of guidance says to what." }
            }
            div class="charts" {
                (base.events())
                @for measure in measures_of(&tallies.total) { (base.rates(&measure)) }
            }
        }
    }
}

fn tables(tallies: &Tallies, about: &About<'_>) -> Markup {
    let table = |title: &str, by: By, name: &str| {
        let groups = tallies.groups(by);
        group_table(&Rows { title, name, by, groups: &groups, total: &tallies.total, zone: about.zone })
    };
    html! {
        section aria-labelledby="groups" {
            h2 id="groups" { "Who and what" }
            p class="note" {
                "Small print: where the true rate lies in 19 of 20 cases. The fewer events, the wider. "
                "A click on a head sorts."
            }
            (table("Guidance", By::Guidance, "Hash"))
            (rule_table(&tallies.ranking()))
            (table("Agents", By::Agent, "Agent"))
            (table("Sessions", By::Session, "Session"))
            (table("Tools", By::Tool, "Tool"))
            (table("Kinds of work", By::Intent, "Kind"))
            @if !tallies.days.is_empty() { (table("Days", By::Day, "Day")) }
            p class="note" { (count(whole(tallies.total.events))) " events in all." }
        }
    }
}
