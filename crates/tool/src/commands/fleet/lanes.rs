//! `fleet lanes`: more lanes for a ledger. Never fewer.

use fleet::operator::Operator;
use fleet::{Code, Connection, run as run_on};

use super::place::Place;
use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::json::compose::Object;
use crate::text::safe::safe;

/// The store takes no more.
const MOST: u64 = 256;

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    let Some(lanes) = args.number.filter(|lanes| (1..=MOST).contains(lanes)) else {
        return Err(Failure::usage(format!("a ledger has 1 to {MOST} lanes"), context.call_with("lanes 16")));
    };
    let place = Place::chosen(&context, args)?;
    let lanes = i16::try_from(lanes).unwrap_or(i16::MAX);
    let before = run_on(async {
        let connection = Connection::open(&place.settings.clone().for_writing()).await?;
        Operator::new(&connection, &place.ledger).add_lanes(lanes).await
    })?;
    let before = before.map_err(|error| match error.code() {
        // That is what was asked for, not the events.
        Code::Refused => Failure::usage(safe(error.message()), context.call_with("status --remote")),
        _ => error.into(),
    })?;
    if context.json {
        let mut said = Object::new();
        said.number("before", before.into()).number("lanes", lanes.into());
        context.out.json(&said.text())?;
    } else {
        context.out.line(&format!("lanes  {before} before, {lanes} now"))?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}
