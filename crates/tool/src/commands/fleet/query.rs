//! `fleet query`: the events of all machines, in the order of time.
//!
//! Invariant: memory is bounded by a page. A connection that is lost is an error: what was printed cannot be told from a
//! whole answer otherwise.

use fleet::reader::{Reader, Wanted};
use fleet::{Connection, run as run_on};

use super::place::Place;
use crate::call::fleet::FleetArgs;
use crate::commands::tail::View;
use crate::context::Context;
use crate::exit::{Exit, Result};
use crate::log::fields::Fields;
use crate::report::note;
use crate::text::safe::safe;

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    let filter = args.filters.filter(&context.zone, &context.call)?;
    let place = Place::chosen(&context, args)?;
    note(&format!("The store: {}, ledger {}", safe(&place.settings.place()), safe(&place.ledger.name)));
    let view = View::new(&context);
    run_on(async {
        let connection = Connection::open(&place.settings).await?;
        let wanted =
            Wanted { from: filter.since, until: filter.until, task: filter.task.clone().map(Into::into) };
        let mut reader = Reader::new(&place.ledger, wanted);
        while let Some(events) = reader.next(&connection).await? {
            for event in &events {
                let fields = Fields::of(event);
                if filter.matches(&fields) {
                    view.show(&fields, &mut context.out)?;
                }
            }
        }
        context.out.flush()
    })??;
    Ok(Exit::Done)
}
