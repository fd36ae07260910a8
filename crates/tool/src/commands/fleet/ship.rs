//! `fleet ship`: what waits in a folder goes to the store, each event once; and what comes, for as long as it stays.
//!
//! Invariant: one process ships a folder at a time; a second one has nothing to do, and says so. A signal ends one that
//! stays, at once and without an error: what is in flight then is offered again.

use std::time::Duration;

use fleet::settings::SslMode;
use fleet::shipper::{Change, Shipper, Stay, Summary};
use fleet::{Class, run as run_on};

use super::outgoing::FolderOutgoing;
use super::place::Place;
use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::engine::Engine;
use crate::exit::{Exit, Failure, Result};
use crate::json::compose::Object;
use crate::report::note;
use crate::signals::Signals;
use crate::text::numbers::counted;
use crate::text::safe::safe;
use crate::text::times::show_span;

/// How long what passes by itself is tried again.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    if args.once && args.linger.is_some() {
        let message = "--once ends when nothing waits, --linger later";
        return Err(Failure::usage(message, context.call_with("ship --once")));
    }
    if !args.once && args.timeout.is_some() {
        let message = "--timeout goes with --once; a shipper that stays tries again for ever";
        return Err(Failure::usage(message, context.call_with("ship --once --timeout 30s")));
    }
    context.must_exist_with("ship")?;
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
    let ended = if args.once {
        run_on(shipper.once(&mut outgoing, args.timeout.map_or(PATIENCE, duration)))?
    } else {
        let signals = Signals::watch();
        note("Ships what waits and what comes; Ctrl-C or SIGTERM ends it.");
        let mut stay = Stay {
            linger: args.linger.map(duration),
            stop: &|| signals.any(),
            report: &mut |change| note(&words(change)),
        };
        run_on(shipper.stay(&mut outgoing, &mut stay))?
    };
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

fn duration(span: f64) -> Duration {
    Duration::from_secs_f64(span.clamp(0.0, 1e9) / 1000.0)
}

fn words(change: Change<'_>) -> String {
    match change {
        Change::Failed(error, pause) => {
            let pause = show_span(pause.as_secs_f64().max(1.0).round() * 1000.0);
            format!("{} It is tried again in {pause}, and so on.", safe(&error.to_string()))
        }
        Change::Recovered => "The store takes events again.".to_owned(),
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
