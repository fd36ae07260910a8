//! The sums as tables for a terminal: totals with small charts, days, rules.

use jiff::civil::Date;

use crate::context::Context;
use crate::exit::Result;
use crate::metrics::measure::{Measure, measures_of};
use crate::metrics::tallies::{RuleTally, Tallies, days_between};
use crate::metrics::tally::Tally;
use crate::report::note;
use crate::text::columns::{cut, width};
use crate::text::numbers::{count, counted, float, long, rate, share, whole};
use crate::text::paint::room;
use crate::text::safe::safe_bytes;
use crate::text::spark::sparkline;
use crate::text::tables::{fitting, table};
use crate::text::times::now_ms;

/// Longest small chart, and the shortest that tells anything.
const SPARKS: usize = 40;
const FEW_SPARKS: usize = 10;
/// Rules and days that the text shows; JSON has all.
const SHOWN_RULES: usize = 20;
const SHOWN_DAYS: usize = 31;
/// Columns of the longest rule, and what the rest of its row takes.
const LONGEST_RULE: usize = 40;
const NUMBERS: usize = 48;

/// Prints all of it.
pub(crate) fn print(context: &mut Context, tallies: &Tallies) -> Result<()> {
    let mut blocks = vec![summary(context, tallies)];
    if !tallies.days.is_empty() {
        blocks.push(days(context, tallies));
    }
    if tallies.total.events > 0.0
        && (tallies.total.violations > 0.0 || tallies.total.calls < tallies.total.events)
    {
        blocks.push(rules(context, tallies));
    }
    for (position, block) in blocks.iter().enumerate() {
        if position > 0 {
            context.out.line("")?;
        }
        for line in block {
            context.out.line(line)?;
        }
    }
    Ok(())
}

/// Bars for which there is room beside the rest of a table.
fn sparks_beside(rest: &[Vec<String>]) -> usize {
    let used = table(rest, true).iter().map(|line| width(line)).max().unwrap_or(0);
    room().map_or(SPARKS, |room| room.saturating_sub(used + 2).clamp(FEW_SPARKS, SPARKS))
}

/// Puts a last column that stands to the left beside a table.
fn beside(lines: &[String], last: &[String]) -> Vec<String> {
    let columns = lines.iter().map(|line| width(line)).max().unwrap_or(0);
    lines
        .iter()
        .zip(last)
        .map(|(line, last)| {
            format!("{}  {last}", crate::text::columns::pad(line, columns)).trim_end().to_owned()
        })
        .collect()
}

fn summary(context: &Context, tallies: &Tallies) -> Vec<String> {
    let total = &tallies.total;
    let measures = measures_of(total);
    let mut rows = vec![vec![String::new(), "All".to_owned()]];
    rows.push(vec!["Events".to_owned(), count(whole(total.events))]);
    rows.extend(
        measures.iter().map(|measure| vec![measure.label.to_owned(), measure.show(measure.value(total))]),
    );
    let (step, list) = tallies.stretches(sparks_beside(&rows));
    let spark = |value: &dyn Fn(&Tally) -> Option<f64>, top: Option<f64>| {
        let values: Vec<_> =
            list.iter().map(|(_, tally)| value(tally).filter(|_| tally.events > 0.0)).collect();
        context.paint.cyan(&sparkline(&values, top))
    };
    let title = if step == 1 { "A bar a day".to_owned() } else { format!("A bar for {step} days") };
    let mut charts = vec![context.paint.dim(&title), spark(&|tally| Some(tally.events), None)];
    charts.extend(
        measures
            .iter()
            .map(|measure: &Measure| spark(&|tally| measure.value(tally), measure.is_share.then_some(1.0))),
    );
    beside(&table(&rows, true), &charts)
}

fn days(context: &Context, tallies: &Tallies) -> Vec<String> {
    let measures = measures_of(&tallies.total);
    let today = context.zone.day(now_ms());
    let hidden = tallies.days.len().saturating_sub(SHOWN_DAYS);
    let mut head = vec![format!("Day ({})", context.zone.name()), "Events".to_owned()];
    head.extend(measures.iter().map(|measure| measure.short.to_owned()));
    let mut rows = vec![head];
    let mut partial = false;
    for (day, tally) in tallies.days.iter().skip(hidden) {
        let open = today.is_some_and(|today| *day >= today);
        partial |= open;
        let mut row = vec![format!("{day}{}", if open { " *" } else { "" }), count(whole(tally.events))];
        row.extend(measures.iter().map(|measure| measure.show(measure.value(tally))));
        rows.push(row);
    }
    let (rows, left_out) = fitting(&rows, room());
    let mut lines = table(&rows, true);
    if let Some(head) = lines.first_mut() {
        *head = context.paint.dim(head);
    }
    if partial {
        lines.push(context.paint.dim("* not over yet"));
    }
    if hidden > 0 {
        let earlier = counted(long(hidden), "earlier day");
        lines.push(context.paint.dim(&format!("{earlier}: --json or --html shows all")));
    }
    if left_out > 0 {
        note(&format!(
            "{} not shown: the terminal is narrow; --json has all.",
            counted(long(left_out), "column")
        ));
    }
    lines
}

fn rules(context: &Context, tallies: &Tallies) -> Vec<String> {
    let ranking = tallies.ranking();
    if ranking.is_empty() {
        return vec!["No rule was broken.".to_owned()];
    }
    let longest = room().map_or(LONGEST_RULE, |room| room.saturating_sub(NUMBERS).clamp(12, LONGEST_RULE));
    let mut rows = vec![["Broken rule", "Times", "Cost", "Score", "Corrected"].map(str::to_owned).to_vec()];
    for rule in ranking.iter().take(SHOWN_RULES) {
        rows.push(vec![
            cut(&safe_bytes(&rule.id), longest),
            count(whole(rule.frequency)),
            rate(rule.cost()),
            rate(rule.score()),
            share(rule.corrected / rule.frequency),
        ]);
    }
    let (step, list) = tallies.stretches(sparks_beside(&rows));
    let mut trends = vec![context.paint.dim("Trend")];
    let first = list.first().map(|(day, _)| *day);
    for rule in ranking.iter().take(SHOWN_RULES) {
        trends.push(context.paint.yellow(&trend(rule, first, step, list.len())));
    }
    let mut lines = beside(&table(&rows, true), &trends);
    let hidden = ranking.len().saturating_sub(SHOWN_RULES);
    if hidden > 0 {
        lines.push(context.paint.dim(&format!("{}: --json shows all", counted(long(hidden), "more rule"))));
    }
    lines
}

fn trend(rule: &RuleTally, first: Option<Date>, step: i32, count: usize) -> String {
    let mut values = vec![0.0; count];
    let Some(first) = first else { return String::new() };
    for (day, times) in &rule.days {
        let place = usize::try_from(days_between(first, *day) / step.max(1)).unwrap_or(0);
        if let Some(value) = values.get_mut(place) {
            *value += float(u64::from(*times));
        }
    }
    let values: Vec<_> = values.into_iter().map(Some).collect();
    sparkline(&values, None)
}
