//! `fleet init`: the schema and the ledger, unless they are there, and a folder that ships.
//!
//! Invariant: doing it again changes nothing but what the call says anew. A folder ships only once the store has been
//! reached.

use fleet::protocol::Calls;
use fleet::schema::{Installed, create_ledger, install};
use fleet::{Code, Connection, run as run_on};

use super::place::{Kept, Place, schema};
use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::engine::Engine;
use crate::exit::{Exit, Failure, Result};
use crate::json::compose::Object;
use crate::report::note;
use crate::text::safe::safe;

/// Lanes of a new ledger.
const LANES: i16 = 8;

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    if args.sql {
        let schema = schema(args, Kept::read(&context.folder)?.schema)?;
        context.out.bytes(schema.sql().as_bytes())?;
        context.out.bytes(schema.advice().as_bytes())?;
        context.out.flush()?;
        return Ok(Exit::Done);
    }
    context.folder.not_a_file(&context.call)?;
    let place = Place::chosen(&context, args)?;
    note(&format!("The store: {}", safe(&place.settings.place())));
    let (installed, created) = run_on(prepare(&place))??;
    let engine = Engine::at(&context.folder.path);
    engine.begin_shipping()?;
    place.keep(&context.folder)?;
    let schema_was = if installed == Installed::Now { "created" } else { "there" };
    let ledger_was = if created { "created" } else { "there" };
    if context.json {
        let mut said = Object::new();
        said.string("place", &place.settings.place())
            .string("schema", schema_was)
            .string("ledger", ledger_was)
            .string("folder", &context.folder.path.to_string_lossy());
        context.out.json(&said.text())?;
    } else {
        let schema = place.ledger.schema.name();
        context.out.line(&format!("schema  {schema}: {schema_was}"))?;
        context.out.line(&format!("ledger  {}: {ledger_was}", safe(&place.ledger.name)))?;
        context.out.line(&format!(
            "folder  {} ships with: guidance-ledger fleet ship --once",
            context.folder.shown()
        ))?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}

async fn prepare(place: &Place) -> Result<(Installed, bool)> {
    let connection = Connection::open(&place.settings.clone().for_writing()).await?;
    let installed = install(&connection, &place.ledger.schema).await.map_err(for_an_administrator)?;
    // A writer may not look for ledgers but by saying hello, nor create one.
    let hello = Calls::new(&connection, &place.ledger).hello(uuid::Uuid::nil()).await;
    match hello {
        Ok(_) => Ok((installed, false)),
        Err(error) if error.code() == Code::Ledger => {
            let created = create_ledger(&connection, &place.ledger.schema, &place.ledger.name, LANES);
            Ok((installed, created.await.map_err(for_an_administrator)?))
        }
        Err(error) => Err(error.into()),
    }
}

fn for_an_administrator(error: fleet::Error) -> Failure {
    if error.code() != Code::Denied {
        return error.into();
    }
    let message = safe(&error.to_string()).into_owned();
    Failure::Unreachable(format!(
        "{message}\nThis user may not create it. For an administrator: guidance-ledger fleet init --sql"
    ))
}
