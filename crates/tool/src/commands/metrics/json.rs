//! The sums as JSON: those of the library's methods, per day, per kind of work, and the ranking of rules.

use crate::call::looking::By;
use crate::context::Context;
use crate::json::compose::{Object, array, string};
use crate::metrics::tallies::{RuleTally, Tallies};
use crate::metrics::tally::Tally;
use crate::text::numbers::whole;
use crate::text::times::now_ms;

fn ratio(part: f64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| part / of)
}

/// The rates under the names of `computeMetrics()`, null where there is nothing to count.
fn rates(object: &mut Object, tally: &Tally) {
    object
        .count("events", whole(tally.events))
        .count("violations", whole(tally.violations))
        .maybe("violationRate", ratio(tally.violations, tally.events).map(|rate| rate * 10.0))
        .maybe("selfCorrectionRate", ratio(tally.corrected, tally.violations))
        .maybe("reworkLines", ratio(tally.rework, tally.events))
        .maybe("acceptanceRate", ratio(tally.accepted, tally.judged))
        .maybe("testPassRate", ratio(tally.tests_passed, tally.tests_run));
}

/// All of it as one object.
pub(crate) fn all(context: &Context, tallies: &Tallies) -> Vec<u8> {
    let total = &tallies.total;
    let mut metrics = Object::new();
    let none = if total.events > 0.0 { 1.0 } else { 0.0 };
    metrics
        .number("violationRate", ratio(total.violations, total.events).map_or(0.0, |rate| rate * 10.0))
        .number("selfCorrectionRate", ratio(total.corrected, total.violations).unwrap_or(none))
        .number("reworkLines", ratio(total.rework, total.events).unwrap_or(0.0))
        .count("clarifyingQuestions", 0)
        .count("taskCount", whole(total.events));
    let mut sums = Object::new();
    rates(&mut sums, total);
    let today = context.zone.day(now_ms());
    let days = tallies.days.iter().map(|(day, tally)| {
        let mut object = Object::new();
        object.string("day", &day.to_string());
        rates(&mut object, tally);
        object.boolean("partial", today.is_some_and(|today| *day >= today)).text()
    });
    let intents = tallies.groups(By::Intent).into_iter().map(|(intent, tally)| {
        let mut object = Object::new();
        object.string("intent", &intent);
        rates(&mut object, &tally);
        object.text()
    });
    let ranking = tallies.ranking().into_iter().map(|rule: &RuleTally| {
        let mut object = Object::new();
        object
            .raw("ruleId", string(&rule.id))
            .count("frequency", whole(rule.frequency))
            .number("cost", rule.cost())
            .number("score", rule.score())
            .count("corrected", whole(rule.corrected));
        object.text()
    });
    let mut said = Object::new();
    said.string("folder", &context.folder.path.to_string_lossy())
        .object("metrics", &metrics)
        .object("total", &sums)
        .string("zone", &context.zone.name())
        .raw("days", array(days))
        .raw("intents", array(intents))
        .raw("ranking", array(ranking))
        .count("irregular", tallies.irregular)
        .count("undated", tallies.undated)
        .count("implausible", tallies.implausible);
    if total.calls > 0.0 {
        said.object("calls", &calls(total));
    }
    said.text()
}

/// What hook events tell.
pub(crate) fn calls(tally: &Tally) -> Object {
    let mut calls = Object::new();
    calls
        .count("calls", whole(tally.calls))
        .count("failures", whole(tally.failures))
        .count("edits", whole(tally.edits))
        .count("editsAgain", whole(tally.edits_again))
        .count("linesChanged", whole(tally.lines));
    calls
}
