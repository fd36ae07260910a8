//! `fleet reship`: the next shipping offers what the folder holds again, all of it or from a time on.
//!
//! For a store that lost events and does not know it, as after a restore by hand. What is there already is known by its
//! bytes.
//!
//! Invariant: each event of the log that has the time or a later one is offered again; older ones may be.

use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::engine::Engine;
use crate::exit::{Exit, Failure, Result};
use crate::json::compose::Object;
use crate::text::numbers::bytes;

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    let since = args.filters.only_since(&context.zone, &context.call_with("reship"))?;
    context.must_exist_with("reship")?;
    let engine = Engine::at(&context.folder.path);
    if !engine.ships()? {
        let message = format!("the folder {} does not ship", context.folder.shown());
        return Err(Failure::usage(message, context.call_with("init --url URL")));
    }
    let Some(outgoing) = engine.outgoing()? else {
        let folder = context.folder.shown();
        return Err(Failure::Locked(format!("another process ships {folder}; end it, and call this again")));
    };
    match since {
        Some(since) => outgoing.offer_again_since(since)?,
        None => outgoing.offer_again()?,
    }
    let pending = outgoing.pending()?;
    if context.json {
        let mut said = Object::new();
        said.count("pendingBytes", pending);
        context.out.json(&said.text())?;
    } else {
        context.out.line(&format!(
            "{} are offered again by: {}",
            bytes(pending),
            context.call_with("ship --once")
        ))?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}
