//! `fleet migrate`: the schema in this program's version.
//!
//! Invariant: no other command changes a schema that is there. Old functions stay, so that older programs go on.

use fleet::schema::{STEPS, VERSION, migrate};
use fleet::{Connection, run as run_on};

use super::place::{Kept, Place, schema};
use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::exit::{Exit, Result};
use crate::json::compose::Object;

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    if args.sql {
        let schema = schema(args, Kept::read(&context.folder)?.schema)?;
        context.out.line(&format!("-- Steps to version {VERSION} of the schema: {}.", STEPS.len()))?;
        for step in STEPS {
            context.out.bytes(schema.step(step).as_bytes())?;
        }
        context.out.flush()?;
        return Ok(Exit::Done);
    }
    let place = Place::chosen(&context, args)?;
    let before = run_on(async {
        let connection = Connection::open(&place.settings.clone().for_writing()).await?;
        migrate(&connection, &place.ledger.schema, STEPS, VERSION).await
    })??;
    if context.json {
        let mut said = Object::new();
        said.number("before", before.into()).number("version", VERSION.into());
        context.out.json(&said.text())?;
    } else if before == VERSION {
        context.out.line(&format!("The schema is of version {VERSION} already."))?;
    } else {
        context.out.line(&format!("The schema is of version {VERSION} now; it was of version {before}."))?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}
