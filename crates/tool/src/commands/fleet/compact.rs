//! `fleet compact`: removes the oldest events from the store.
//!
//! Invariant: only this command does, and only when a person asks. What was removed does not come back: the store knows
//! up to where it evicted.

use fleet::operator::Operator;
use fleet::protocol::Calls;
use fleet::{Connection, run as run_on};
use uuid::Uuid;

use super::place::Place;
use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::json::compose::Object;
use crate::report::note;
use crate::text::numbers::counted;
use crate::text::question::confirm;
use crate::text::safe::safe;

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    let Some(keep) = args.max_events else {
        let call = context.call_with("compact --max-events 1000000 --dry-run");
        return Err(Failure::usage("how many events to keep is not said", call));
    };
    let keep = i64::try_from(keep).unwrap_or(i64::MAX);
    let place = Place::chosen(&context, args)?;
    note(&format!("The store: {}, ledger {}", safe(&place.settings.place()), safe(&place.ledger.name)));
    let excess = run_on(async {
        let connection = Connection::open(&place.settings.clone().for_writing()).await?;
        Calls::new(&connection, &place.ledger).hello(Uuid::nil()).await?;
        Operator::new(&connection, &place.ledger).excess(keep).await
    })??;
    let excess = u64::try_from(excess).unwrap_or(0);
    if args.dry_run || excess == 0 {
        return show(&mut context, excess, args.dry_run);
    }
    let question =
        format!("Remove the {} of all machines from the store, for ever?", counted(excess, "oldest event"));
    let call = context.call_with(&format!("compact --max-events {keep} --yes"));
    if !confirm(&question, args.yes, call)? {
        note("Nothing was removed.");
        return Ok(Exit::Findings);
    }
    let gone = run_on(async {
        let connection = Connection::open(&place.settings.clone().for_writing()).await?;
        Operator::new(&connection, &place.ledger).evict(keep).await
    })??;
    show(&mut context, u64::try_from(gone).unwrap_or(0), false)
}

fn show(context: &mut Context, events: u64, only_counted: bool) -> Result<Exit> {
    if context.json {
        let mut said = Object::new();
        said.count("evicted", events).boolean("dryRun", only_counted);
        context.out.json(&said.text())?;
    } else {
        let would = if only_counted { "would be removed" } else { "removed" };
        context.out.line(&format!("{} {would}", counted(events, "event")))?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}
