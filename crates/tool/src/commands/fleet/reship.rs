//! `fleet reship`: the next shipping offers all that the folder holds again.
//!
//! For a store that lost events and does not know it, as after a restore by hand. What is there already is known by its
//! bytes.

use crate::context::Context;
use crate::engine::Engine;
use crate::exit::{Exit, Failure, Result};
use crate::json::compose::Object;
use crate::text::numbers::bytes;

pub(crate) fn run(mut context: Context) -> Result<Exit> {
    context.must_exist()?;
    let engine = Engine::at(&context.folder.path);
    if !engine.ships()? {
        let message = format!("the folder {} does not ship", context.folder.shown());
        return Err(Failure::usage(message, context.call_with("init --url URL")));
    }
    let Some(outgoing) = engine.outgoing()? else {
        let folder = context.folder.shown();
        return Err(Failure::Locked(format!("another process ships {folder}; end it, and call this again")));
    };
    outgoing.offer_again()?;
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
