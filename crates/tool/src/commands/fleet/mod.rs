//! `fleet`: events of many machines in one store.
//!
//! Invariant: no other command opens a connection, and this one only to the host that it names on stderr. No password is
//! written anywhere.

mod init;
mod outgoing;
mod place;
mod ship;
mod status;

use fleet::Code;

use crate::call::fleet::{FleetAction, FleetArgs};
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::text::safe::safe;

pub(crate) fn run(context: Context, args: &FleetArgs) -> Result<Exit> {
    let init = [
        ("--url", args.url.is_some()),
        ("--ledger", args.ledger.is_some()),
        ("--schema", args.schema.is_some()),
        ("--label", args.label.is_some()),
        ("--sql", args.sql),
    ];
    let ship = [("--once", args.once), ("--timeout", args.timeout.is_some())];
    let (foreign, call) = match args.action {
        FleetAction::Init => (ship.to_vec(), "init --url URL"),
        FleetAction::Ship => (init.to_vec(), "ship --once"),
        FleetAction::Status => ([&init[..], &ship[..]].concat(), "status"),
    };
    if let Some((option, _)) = foreign.iter().find(|(_, given)| *given) {
        let message = format!("{option} is not for this");
        return Err(Failure::usage(message, context.call_with(call)));
    }
    match args.action {
        FleetAction::Init => init::run(context, args),
        FleetAction::Ship => ship::run(context, args),
        FleetAction::Status => status::run(context),
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
