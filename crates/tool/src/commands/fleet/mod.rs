//! `fleet`: events of many machines in one store.
//!
//! Invariant: no other command opens a connection, and this one only to the host that it names on stderr. No password is
//! written anywhere.

mod compact;
mod doctor;
mod follow;
mod init;
mod lanes;
mod migrate;
pub(crate) mod on_demand;
mod outgoing;
mod place;
mod query;
mod remote;
mod reship;
mod ship;
mod status;

use fleet::Code;

use crate::call::fleet::{FleetAction, FleetArgs};
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::text::safe::safe;

pub(crate) fn run(context: Context, args: &FleetArgs) -> Result<Exit> {
    check(&context, args)?;
    match args.action {
        FleetAction::Init => init::run(context, args),
        FleetAction::Ship => ship::run(context, args),
        FleetAction::Status if args.remote => remote::run(context, args),
        FleetAction::Status => status::run(context),
        FleetAction::Doctor => doctor::run(context, args),
        FleetAction::Query => query::run(context, args),
        FleetAction::Follow => follow::run(context, args),
        FleetAction::Compact => compact::run(context, args),
        FleetAction::Reship => reship::run(context, args),
        FleetAction::Lanes => lanes::run(context, args),
        FleetAction::Migrate => migrate::run(context, args),
    }
}

/// Refuses what an action does not take.
fn check(context: &Context, args: &FleetArgs) -> Result<()> {
    use FleetAction::{Compact, Doctor, Follow, Init, Lanes, Migrate, Query, Reship, Ship, Status};
    // Where the store is may be said anew by init alone: what the folder holds belongs to one.
    let options: [(&str, bool, &[FleetAction]); 15] = [
        ("A condition on events", args.filters.any(), &[Query, Follow, Reship]),
        ("N", args.number.is_some(), &[Lanes]),
        ("--url", args.url.is_some(), &[Init]),
        ("--ledger", args.ledger.is_some(), &[Init]),
        ("--schema", args.schema.is_some(), &[Init]),
        ("--label", args.label.is_some(), &[Init]),
        ("--sql", args.sql, &[Init, Migrate]),
        ("--once", args.once, &[Ship]),
        ("--linger", args.linger.is_some(), &[Ship]),
        ("--timeout", args.timeout.is_some(), &[Ship]),
        ("--remote", args.remote, &[Status]),
        ("--from", args.from.is_some(), &[Follow]),
        ("--max-events", args.max_events.is_some(), &[Compact]),
        ("--dry-run", args.dry_run, &[Compact]),
        ("--yes", args.yes, &[Compact]),
    ];
    let call = match args.action {
        Init => "init --url URL",
        Ship => "ship --once",
        Status => "status",
        Doctor => "doctor",
        Query => "query --since 2h",
        Follow => "follow",
        Compact => "compact --max-events 1000000",
        Reship => "reship --since 2h",
        Lanes => "lanes 16",
        Migrate => "migrate",
    };
    match options.iter().find(|(_, given, takers)| *given && !takers.contains(&args.action)) {
        Some((option, ..)) => {
            Err(Failure::usage(format!("{option} is not for this"), context.call_with(call)))
        }
        None => Ok(()),
    }
}

impl From<fleet::Error> for Failure {
    fn from(error: fleet::Error) -> Self {
        let message = safe(&error.to_string()).into_owned();
        match error.code() {
            Code::Config => Self::Usage(message, None),
            Code::Local => Self::System(message),
            _ => Self::Unreachable(message),
        }
    }
}
