//! `fleet doctor`: each step of the way to the store.
//!
//! Invariant: it changes nothing. A step that is in the way makes the exit code 1; no connection at all makes it 5.

use fleet::examination::{Finding, Outcome, examine};
use fleet::run as run_on;

use super::place::Place;
use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::json::compose::{Object, array};
use crate::report::note;
use crate::text::safe::safe;
use crate::text::tables::table;

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    let place = Place::chosen(&context, args)?;
    note(&format!("The store: {}", safe(&place.settings.place())));
    let findings = run_on(examine(&place.settings, &place.ledger))?;
    if context.json {
        let items = findings.iter().map(|Finding { step, outcome, text }| {
            let mut said = Object::new();
            said.string("step", step).string("outcome", word(*outcome)).string("text", text);
            said.text()
        });
        context.out.json(&array(items))?;
    } else {
        let row =
            |it: &Finding| vec![word(it.outcome).to_owned(), it.step.to_owned(), safe(&it.text).into_owned()];
        let rows: Vec<_> = findings.iter().map(row).collect();
        for line in table(&rows, false) {
            context.out.line(&line)?;
        }
    }
    context.out.flush()?;
    let bad = |it: &&Finding| it.outcome == Outcome::Bad;
    if let Some(it) = findings.iter().filter(bad).find(|it| it.step == "connection") {
        return Err(Failure::Unreachable(safe(&it.text).into_owned()));
    }
    Ok(Exit::found(findings.iter().any(|it| bad(&it))))
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Good => "good",
        Outcome::Note => "note",
        Outcome::Bad => "bad",
    }
}
