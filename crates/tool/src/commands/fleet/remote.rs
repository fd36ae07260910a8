//! `fleet status --remote`: what the store says of itself, and of all that ship to it.

use fleet::identity::At;
use fleet::operator::{Operator, Source, Totals};
use fleet::{Connection, run as run_on};

use super::place::Place;
use crate::call::fleet::FleetArgs;
use crate::context::Context;
use crate::exit::{Exit, Result};
use crate::json::compose::{Object, array};
use crate::report::note;
use crate::text::numbers::{bytes, count, counted};
use crate::text::paint::room;
use crate::text::safe::safe;
use crate::text::tables::{fitting, table};
use crate::text::times::show_span;

pub(crate) fn run(mut context: Context, args: &FleetArgs) -> Result<Exit> {
    let place = Place::chosen(&context, args)?;
    note(&format!("The store: {}, ledger {}", safe(&place.settings.place()), safe(&place.ledger.name)));
    let (totals, sources) = run_on(async {
        let connection = Connection::open(&place.settings).await?;
        let operator = Operator::new(&connection, &place.ledger);
        Ok::<_, fleet::Error>((operator.totals().await?, operator.sources().await?))
    })??;
    if context.json {
        context.out.json(&as_json(&totals, &sources))?;
        context.out.flush()?;
        return Ok(Exit::Done);
    }
    let size =
        format!("{} in {}", bytes(whole(totals.bytes)), counted(totals.lanes.unsigned_abs().into(), "lane"));
    context.out.line(&format!("{}, {size}", counted(whole(totals.events), "event")))?;
    if let (Some(oldest), Some(newest)) = (shown(&context, totals.oldest), shown(&context, totals.newest)) {
        context.out.line(&format!("from {oldest} to {newest}"))?;
    }
    if sources.is_empty() {
        context.out.line("No folder has shipped yet.")?;
    } else {
        context.out.line("")?;
        let head = ["host", "label", "heard of", "waiting", "since", "stored", "late", "set aside", "clock"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        rows.extend(sources.iter().map(|source| row(source, totals.now)));
        let (rows, left_out) = fitting(&rows, room());
        for line in table(&rows, false) {
            context.out.line(&line)?;
        }
        if left_out > 0 {
            note(&format!("{} left out; --json shows all.", counted(left_out as u64, "column")));
        }
    }
    context.out.flush()?;
    Ok(Exit::Done)
}

fn whole(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn shown(context: &Context, at: Option<At>) -> Option<String> {
    #[expect(clippy::cast_precision_loss, reason = "times of events are doubles as well")]
    at?.unix_ms().map(|ms| context.zone.show(ms as f64))
}

fn row(source: &Source, now: At) -> Vec<String> {
    let text = |text: &Option<String>| safe(text.as_deref().unwrap_or("-")).into_owned();
    #[expect(clippy::cast_precision_loss, reason = "spans that people read")]
    let ago = |ms: i64| show_span(ms.max(0) as f64);
    let span = |at: Option<At>| {
        let then = at.and_then(At::unix_ms);
        now.unix_ms()
            .zip(then)
            .map_or_else(|| "-".to_owned(), |(now, then)| format!("{} ago", ago(now - then)))
    };
    let clock = |ms: i64| match ms.abs() {
        0..1000 => format!("{ms:+} ms"),
        span => format!("{}{}", if ms < 0 { "-" } else { "+" }, ago(span)),
    };
    vec![
        text(&source.host),
        text(&source.label),
        span(Some(source.last_seen)),
        source.pending.map_or_else(|| "-".to_owned(), |pending| bytes(whole(pending))),
        span(source.pending_since),
        count(whole(source.stored)),
        count(whole(source.late)),
        source.set_aside.map_or_else(|| "-".to_owned(), |number| count(whole(number))),
        source.clock_ms.map_or_else(|| "-".to_owned(), clock),
    ]
}

fn as_json(totals: &Totals, sources: &[Source]) -> Vec<u8> {
    let time = |said: &mut Object, name: &str, at: Option<At>| {
        if let Some(ms) = at.and_then(At::unix_ms) {
            said.raw(name, ms.to_string());
        }
    };
    let items = sources.iter().map(|source| {
        let mut said = Object::new();
        said.string("source", &source.source.to_string());
        for (name, text) in [("host", &source.host), ("label", &source.label), ("agent", &source.agent)] {
            if let Some(text) = text {
                said.string(name, text);
            }
        }
        time(&mut said, "lastSeen", Some(source.last_seen));
        said.count("stored", whole(source.stored))
            .count("repeated", whole(source.repeated))
            .count("late", whole(source.late));
        time(&mut said, "pendingSince", source.pending_since);
        let numbers =
            [("pendingBytes", source.pending), ("setAside", source.set_aside), ("clockMs", source.clock_ms)];
        for (name, number) in numbers {
            if let Some(number) = number {
                said.raw(name, number.to_string());
            }
        }
        said.text()
    });
    let mut said = Object::new();
    said.count("events", whole(totals.events))
        .count("bytes", whole(totals.bytes))
        .number("lanes", totals.lanes.into());
    time(&mut said, "oldest", totals.oldest);
    time(&mut said, "newest", totals.newest);
    time(&mut said, "now", Some(totals.now));
    said.raw("sources", array(items));
    said.text()
}
