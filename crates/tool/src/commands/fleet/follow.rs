//! `fleet follow`: the events of all machines, as they arrive in the store.
//!
//! Invariant: each event once, and what was evicted unseen is said. A connection that is lost is made anew; the place is
//! kept.

use std::time::Duration;

use fleet::follower::{Batch, Follower, From};
use fleet::{Class, Connection, Error, run as run_on};

use super::place::Place;
use crate::call::fleet::FleetArgs;
use crate::commands::tail::View;
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::log::fields::Fields;
use crate::log::filter::Filter;
use crate::report::note;
use crate::signals::Signals;
use crate::text::numbers::counted_as;
use crate::text::safe::safe;

/// Pauses between two looks, from busy to quiet.
const LOOKS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(400));
/// The pause after a failure.
const AGAIN: Duration = Duration::from_secs(2);

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    let from = match args.from.as_deref() {
        None | Some("now") => From::Now,
        Some("start") => From::Start,
        Some(cursor) => {
            let wrong = |_| {
                let call = context.call_with("follow --from start");
                Failure::usage("--from is start, now, or a cursor that this command gave", call)
            };
            From::After(cursor.parse().map_err(wrong)?)
        }
    };
    let filter = args.filters.filter(&context.zone, &context.call)?;
    let place = Place::chosen(&context, args)?;
    note(&format!(
        "Follows {}, ledger {}; Ctrl-C ends it.",
        safe(&place.settings.place()),
        safe(&place.ledger.name)
    ));
    let signals = Signals::watch();
    let mut follower = Follower::new(&place.ledger, from);
    let mut last = None;
    let ended = run_on(follow(&mut context, &place, &filter, &mut follower, &signals, &mut last))?;
    if let Some(cursor) = last {
        note(&format!("Go on with: {}", context.call_with(&format!("follow --from {cursor}"))));
    }
    ended.map(|()| Exit::Done)
}

async fn follow(
    context: &mut Context,
    place: &Place,
    filter: &Filter,
    follower: &mut Follower,
    signals: &Signals,
    last: &mut Option<String>,
) -> Result<()> {
    let view = (View::new(context), filter);
    let mut ever = false;
    while !signals.any() {
        let error = match Connection::open(&place.settings).await {
            Ok(connection) => match follower.begin(&connection).await {
                Ok(()) => {
                    ever = true;
                    match read(context, &view, &connection, follower, signals, last).await? {
                        Some(error) => error,
                        None => return Ok(()),
                    }
                }
                Err(error) => error,
            },
            Err(error) => error,
        };
        // A store that was never there was named wrongly, or is away; a call that was just made is told.
        if !ever || error.code().class() == Class::Person {
            return Err(error.into());
        }
        note(&format!("{} It is tried again.", safe(&error.to_string())));
        pause(AGAIN, signals).await;
    }
    Ok(())
}

/// Prints what comes over one connection. What ends it; `None` if that was a signal.
async fn read(
    context: &mut Context,
    view: &(View, &Filter),
    connection: &Connection,
    follower: &mut Follower,
    signals: &Signals,
    last: &mut Option<String>,
) -> Result<Option<Error>> {
    let mut wait = LOOKS.0;
    while !signals.any() {
        let batches = match follower.next(connection).await {
            Ok(batches) => batches,
            Err(error) => return Ok(Some(error)),
        };
        wait = if batches.is_empty() { (wait * 2).min(LOOKS.1) } else { LOOKS.0 };
        for batch in &batches {
            show(context, view, batch)?;
            *last = Some(batch.position.to_string());
        }
        context.out.flush()?;
        if batches.is_empty() {
            pause(wait, signals).await;
        }
    }
    Ok(None)
}

fn show(context: &mut Context, (view, filter): &(View, &Filter), batch: &Batch) -> Result<()> {
    if batch.missed > 0 {
        let said = counted_as(batch.missed, "event was", "events were");
        note(&format!("{said} removed unseen."));
    }
    for event in &batch.events {
        let fields = Fields::of(event);
        if filter.matches(&fields) {
            view.show(&fields, &mut context.out)?;
        }
    }
    Ok(())
}

async fn pause(span: Duration, signals: &Signals) {
    const HEED: Duration = Duration::from_millis(50);
    let mut left = span;
    while !left.is_zero() && !signals.any() {
        let step = left.min(HEED);
        fleet::pause(step).await;
        left = left.saturating_sub(step);
    }
}
