//! Tables of groups: each cell a rate with its interval.
//!
//! In a narrow window a table scrolls sideways and says so; a long name is shortened, and shown whole where the pointer
//! rests. The script sorts by the cells' values and filters by the names.

use maud::{Markup, html};

use crate::call::looking::By;
use crate::metrics::measure::{Measure, measures_of};
use crate::metrics::tallies::RuleTally;
use crate::metrics::tally::Tally;
use crate::text::numbers::{count, json, long, rate, share, whole};
use crate::text::safe::safe_bytes;
use crate::text::times::Zone;

/// Rows of a table at most.
const MOST: usize = 1000;
/// Rows from which on a filter is of use.
const MANY: usize = 10;

/// What a table shows.
pub(crate) struct Rows<'a> {
    pub(crate) title: &'a str,
    pub(crate) name: &'a str,
    pub(crate) by: By,
    pub(crate) groups: &'a [(String, Tally)],
    pub(crate) total: &'a Tally,
    pub(crate) zone: &'a Zone,
}

/// The table of some groups; nothing if there are none.
pub(crate) fn group_table(rows: &Rows<'_>) -> Markup {
    if rows.groups.is_empty() {
        return html! {};
    }
    let measures = measures_of(rows.total);
    let dated = rows.by == By::Guidance;
    let day = |time: Option<f64>| {
        time.and_then(|time| rows.zone.day(time)).map_or_else(|| "–".to_owned(), |day| day.to_string())
    };
    // Of days the newest stand first.
    let mut groups: Vec<_> = rows.groups.iter().enumerate().collect();
    if rows.by == By::Day {
        groups.reverse();
    }
    let head = html! {
        th scope="col" { button type="button" { (rows.name) } }
        @if dated {
            th scope="col" { button type="button" { "First day" } }
            th scope="col" { button type="button" { "Last day" } }
        }
        th scope="col" class="number" { button type="button" { "Events" } }
        @for measure in &measures { th scope="col" class="number" { button type="button" { (measure.short) } } }
    };
    let body = html! {
        @for (number, (name, tally)) in groups.iter().take(MOST) {
            tr {
                th scope="row" class="name" data-v=(name) data-tip=(name) {
                    @if dated { b { "G" (number + 1) } " " } (name)
                }
                @if dated {
                    @let (from, to) = tally.span();
                    td { (day(from)) }
                    td { (day(to)) }
                }
                td class="number" data-v=(json(tally.events)) { (count(whole(tally.events))) }
                @for measure in &measures { (cell(measure, tally)) }
            }
        }
    };
    framed(rows.title, groups.len(), &head, &body)
}

fn cell(measure: &Measure, tally: &Tally) -> Markup {
    let value = measure.value(tally);
    let interval = measure.interval(tally).filter(|_| value.is_some());
    html! {
        td class="number" data-v=(value.map_or_else(String::new, json)) {
            (measure.show(value))
            @if interval.is_some() { small { (measure.show_interval(interval)) } }
        }
    }
}

/// The table of broken rules.
pub(crate) fn rule_table(ranking: &[&RuleTally]) -> Markup {
    if ranking.is_empty() {
        return html! {
            div class="card data" { h3 { "Rules that cost most" } p class="empty" { "No rule was broken." } }
        };
    }
    let head = html! {
        th scope="col" { button type="button" { "Rule" } }
        @for title in ["Times", "Cost", "Score", "Corrected"] {
            th scope="col" class="number" { button type="button" { (title) } }
        }
    };
    let body = html! {
        @for rule in ranking.iter().take(MOST) {
            @let name = safe_bytes(&rule.id);
            tr {
                th scope="row" class="name" data-v=(name) data-tip=(name) { (name) }
                td class="number" data-v=(json(rule.frequency)) { (count(whole(rule.frequency))) }
                td class="number" data-v=(json(rule.cost())) { (rate(rule.cost())) }
                td class="number" data-v=(json(rule.score())) { (rate(rule.score())) }
                td class="number" data-v=(json(rule.corrected / rule.frequency)) { (share(rule.corrected / rule.frequency)) }
            }
        }
    };
    framed("Rules that cost most", ranking.len(), &head, &body)
}

fn framed(title: &str, rows: usize, head: &Markup, body: &Markup) -> Markup {
    html! {
        div class="card data" {
            h3 { (title) " " small { (count(long(rows))) } }
            @if rows > MANY {
                label class="filter" { "Filter " input type="search" aria-label=(format!("Filter {title}")); }
            }
            div class="scroll" tabindex="0" role="region" aria-label=(title) {
                table { thead { tr { (head) } } tbody { (body) } }
            }
            p class="note sideways" { "The table scrolls sideways." }
            @if rows > MOST { p class="note" { "The first " (count(long(MOST))) " are shown; metrics --by --json has all." } }
        }
    }
}
