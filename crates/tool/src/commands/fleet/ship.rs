//! `fleet ship --once`: what waits in a folder goes to the store, each event once.
//!
//! Invariant: one process ships a folder at a time; a second one has nothing to do, and says so.

use std::time::Duration;

use fleet::settings::SslMode;
use fleet::shipper::{Shipper, Summary};
use fleet::{Class, run as run_on};

use super::outgoing::FolderOutgoing;
use super::place::Place;
use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::engine::Engine;
use crate::exit::{Exit, Failure, Result};
use crate::json::compose::Object;
use crate::report::note;
use crate::text::numbers::counted;
use crate::text::safe::safe;

/// How long what passes by itself is tried again.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    if !args.once {
        return Err(Failure::usage(
            "a shipper that stays is not there yet",
            context.call_with("ship --once"),
        ));
    }
    context.must_exist()?;
    let place = Place::chosen(&context, args)?;
    let engine = Engine::at(&context.folder.path);
    if !engine.ships()? {
        let message = format!("the folder {} does not ship", context.folder.shown());
        return Err(Failure::usage(message, context.call_with("init --url URL")));
    }
    let Some(outgoing) = engine.outgoing()? else {
        note("Another process ships this folder.");
        return Ok(Exit::Done);
    };
    note(&format!("Ships to {}, ledger {}", safe(&place.settings.place()), safe(&place.ledger.name)));
    if place.settings.hosts().iter().any(|host| place.settings.mode_for(host) == SslMode::Require) {
        note("The server's certificate is not verified (sslmode=require): any server could answer.");
    }
    let mut outgoing = FolderOutgoing(outgoing);
    let mut shipper = Shipper::new(place.settings, &place.ledger, host_name(), place.label);
    let patience =
        args.timeout.map_or(PATIENCE, |span| Duration::from_secs_f64(span.clamp(0.0, 1e9) / 1000.0));
    let ended = run_on(shipper.once(&mut outgoing, patience))?;
    let summary = shipper.summary();
    show(&mut context, &engine, summary)?;
    match ended {
        Ok(_) => Ok(Exit::found(summary.set_aside > 0)),
        Err(error) if args.timeout.is_some() && error.code().class() != Class::Person => {
            Err(Failure::NotInTime(safe(&error.to_string()).into_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

fn show(context: &mut Context, engine: &Engine, summary: Summary) -> Result<()> {
    let pending = engine.shipping()?.map_or(0, |(_, bytes)| bytes);
    if context.json {
        let mut said = Object::new();
        said.count("stored", summary.stored)
            .count("repeated", summary.repeated)
            .count("late", summary.late)
            .count("setAside", summary.set_aside)
            .count("pendingBytes", pending);
        context.out.json(&said.text())?;
    } else {
        context.out.line(&format!("{} shipped", counted(summary.stored, "event")))?;
        for (number, what) in [
            (summary.repeated, "there already"),
            (summary.late, "older than the store keeps; not stored"),
            (summary.set_aside, "refused by the store; set aside in events.unshipped.ndjson"),
        ] {
            if number > 0 {
                context.out.line(&format!("{} {what}", counted(number, "event")))?;
            }
        }
    }
    context.out.flush()
}

/// The name of this machine, where it can be had.
fn host_name() -> Option<String> {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let found = read("/proc/sys/kernel/hostname").or_else(|| read("/etc/hostname"));
    let found =
        found.or_else(|| std::env::var("COMPUTERNAME").or_else(|_| std::env::var("HOSTNAME")).ok())?;
    let name: String = found.trim().chars().filter(|character| !character.is_control()).take(200).collect();
    (!name.is_empty()).then_some(name)
}
