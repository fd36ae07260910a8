//! `metrics --by`: one row for each group, with intervals.

use super::json::calls;
use crate::call::looking::By;
use crate::context::Context;
use crate::exit::Result;
use crate::json::compose::{Object, array};
use crate::metrics::measure::{Measure, measures_of};
use crate::metrics::tallies::Tallies;
use crate::metrics::tally::Tally;
use crate::report::note;
use crate::text::columns::{cut, pad};
use crate::text::numbers::{count, counted, json as number, long, whole};
use crate::text::paint::room;
use crate::text::tables::{fitting, table};

/// Groups that the text shows; JSON has all.
const SHOWN: usize = 40;
/// Columns of the longest name.
const LONGEST: usize = 40;

fn name_of(by: By) -> &'static str {
    match by {
        By::Day => "day",
        By::Guidance => "guidance",
        By::Session => "session",
        By::Agent => "agent",
        By::Tool => "tool",
        By::Intent => "intent",
        By::Rule => "rule",
    }
}

/// A group as JSON.
pub(crate) fn group_json(key: &str, tally: &Tally, measures: &[Measure]) -> Object {
    let mut group = Object::new();
    let mut intervals = Object::new();
    group.string("key", key).count("events", whole(tally.events));
    for measure in measures {
        group.maybe(measure.key, measure.value(tally));
        let interval = measure
            .interval(tally)
            .map_or_else(|| b"null".to_vec(), |(low, high)| array([number(low), number(high)]));
        intervals.raw(measure.key, interval);
    }
    let (from, to) = tally.span();
    group.maybe("from", from).maybe("to", to).object("interval", &intervals);
    if tally.calls > 0.0 {
        group.object("calls", &calls(tally));
    }
    group
}

/// All rates, in JSON always the same.
fn all_measures(tallies: &Tallies) -> Vec<Measure> {
    let calls = crate::metrics::measure::CALL_MEASURES.into_iter().filter(|_| tallies.total.calls > 0.0);
    crate::metrics::measure::MEASURES.into_iter().chain(calls).collect()
}

/// All groups as one object.
pub(crate) fn json(_context: &Context, tallies: &Tallies, by: By) -> Vec<u8> {
    let measures = all_measures(tallies);
    let groups =
        tallies.groups(by).into_iter().map(|(key, tally)| group_json(&key, &tally, &measures).text());
    let mut said = Object::new();
    said.string("by", name_of(by)).raw("groups", array(groups));
    said.count("irregular", tallies.irregular)
        .count("undated", tallies.undated)
        .count("implausible", tallies.implausible)
        .text()
}

/// All groups as a table.
pub(crate) fn print(context: &mut Context, tallies: &Tallies, by: By) -> Result<()> {
    let groups = tallies.groups(by);
    if groups.is_empty() {
        return context.out.line(match by {
            By::Rule if tallies.total.events > 0.0 => "No rule was broken.",
            _ if tallies.total.events > 0.0 => "No event says.",
            _ => "There are no events.",
        });
    }
    let room = room();
    let longest = room.map_or(LONGEST, |room| (room / 3).clamp(12, LONGEST));
    let measures = measures_of(&tallies.total);
    let mut head = vec![title(name_of(by)), "Events".to_owned()];
    head.extend(measures.iter().map(|measure| measure.short.to_owned()));
    let mut rows = vec![head];
    // Of days the newest tell most, of others the first.
    let skipped = if by == By::Day { groups.len().saturating_sub(SHOWN) } else { 0 };
    for (key, tally) in groups.iter().skip(skipped).take(SHOWN) {
        let mut row = vec![cut(key, longest), count(whole(tally.events))];
        row.extend(measures.iter().map(|measure| show(measure, tally)));
        rows.push(row);
    }
    let (rows, left_out) = fitting(&rows, room);
    for (position, line) in table(&rows, true).iter().enumerate() {
        let line = if position == 0 { context.paint.dim(line) } else { line.clone() };
        context.out.line(&line)?;
    }
    let hidden = groups.len().saturating_sub(SHOWN);
    if hidden > 0 {
        context.out.line(
            &context.paint.dim(&format!("{}: --json shows all", counted(long(hidden), "more group"))),
        )?;
    }
    if left_out > 0 {
        note(&format!(
            "{} not shown: the terminal is narrow; --json has all.",
            counted(long(left_out), "column")
        ));
    }
    Ok(())
}

/// A rate with how far off it may be at most: `3.1 ±0.4`.
fn show(measure: &Measure, tally: &Tally) -> String {
    let value = measure.value(tally);
    let Some((low, high)) = measure.interval(tally).filter(|_| value.is_some()) else {
        return measure.show(value);
    };
    let half = value.map_or(0.0, |value| (high - value).max(value - low));
    let reach = if measure.is_share { format!("{:.0}", half * 100.0) } else { measure.show(Some(half)) };
    format!("{} {}", measure.show(value), pad(&format!("±{reach}"), 4))
}

fn title(name: &str) -> String {
    let mut chars = name.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}
