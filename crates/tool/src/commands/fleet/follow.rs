//! `fleet follow`: the events of all machines, as they arrive in the store.
//!
//! Invariant: each event once, and what was evicted unseen is said.

use fleet::follower::{Batch, Follower, From};
use fleet::following::{Following, Look};
use fleet::{pause, run as run_on, unless};

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
    let follower = Follower::new(&place.ledger, from);
    let mut last = None;
    let ended = run_on(follow(&mut context, &place, &filter, follower, &signals, &mut last))?;
    if let Some(cursor) = last {
        note(&format!("Go on with: {}", context.call_with(&format!("follow --from {cursor}"))));
    }
    ended.map(|()| Exit::Done)
}

async fn follow(
    context: &mut Context,
    place: &Place,
    filter: &Filter,
    follower: Follower,
    signals: &Signals,
    last: &mut Option<String>,
) -> Result<()> {
    let view = (View::new(context), filter);
    let mut following = Following::new(follower);
    while !signals.any() {
        match following.look(&place.settings).await? {
            Look::Batches(batches) => {
                for batch in &batches {
                    show(context, &view, batch)?;
                    *last = Some(batch.position.to_string());
                }
                context.out.flush()?;
            }
            Look::Lost(error) => note(&format!("{} It is tried again.", safe(&error.to_string()))),
        }
        let _ = unless(&|| signals.any(), pause(following.pause())).await;
    }
    Ok(())
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
