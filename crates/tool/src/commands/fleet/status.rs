//! `fleet status`: what waits in a folder, as the folder knows it.
//!
//! Invariant: it only reads, takes no lock, and asks no server.

use super::place::Kept;
use crate::context::Context;
use crate::engine::Engine;
use crate::exit::{Exit, Result};
use crate::json::compose::Object;
use crate::text::numbers::{bytes, count, counted, float};
use crate::text::safe::safe;
use crate::text::tables::table;

pub(crate) fn run(mut context: Context) -> Result<Exit> {
    context.must_exist_with("status")?;
    let kept = Kept::read(&context.folder)?;
    let noted = Engine::at(&context.folder.path).shipping()?;
    let id = |number: u128| (number != 0).then(|| uuid::Uuid::from_u128(number).to_string());
    let ledger = kept.ledger.unwrap_or_else(|| "default".to_owned());
    if context.json {
        let mut said = Object::new();
        said.boolean("ships", noted.is_some());
        if let Some((noted, pending)) = noted {
            let account = noted.account;
            said.count("pendingBytes", pending)
                .count("setAside", noted.set_aside)
                .count("shipped", account.shipped)
                .count("repeated", account.repeated);
            if account.last_ms > 0 {
                said.count("lastArrival", account.last_ms);
            }
            if let Some(name) = account.failure() {
                said.string("lastError", name)
                    .count("failures", account.failures)
                    .count("nextAttempt", account.next_ms);
            }
            for (name, number) in [("source", noted.source), ("store", noted.store)] {
                if let Some(id) = id(number) {
                    said.string(name, &id);
                }
            }
        }
        if let Some(url) = &kept.url {
            said.string("url", url);
        }
        said.string("ledger", &ledger);
        context.out.json(&said.text())?;
        context.out.flush()?;
        return Ok(Exit::Done);
    }
    let Some((noted, pending)) = noted else {
        context.out.line("This folder does not ship. It does after: guidance-ledger fleet init --url URL")?;
        context.out.flush()?;
        return Ok(Exit::Done);
    };
    let row = |name: &str, text: String| vec![name.to_owned(), text];
    let waiting = if pending == 0 { "nothing".to_owned() } else { bytes(pending) };
    let account = noted.account;
    let time = |ms: u64| context.zone.show(float(ms));
    let never = "never".to_owned();
    let mut rows = vec![
        row("waiting", waiting),
        row("shipped", count(account.shipped)),
        row("set aside", count(noted.set_aside)),
        row("last arrival", if account.last_ms > 0 { time(account.last_ms) } else { never }),
        row(
            "address",
            kept.url.map_or_else(|| "from the environment".to_owned(), |url| safe(&url).into_owned()),
        ),
        row("ledger", safe(&ledger).into_owned()),
        row("store", id(noted.store).unwrap_or_else(|| "not reached yet".to_owned())),
        row("source", id(noted.source).unwrap_or_else(|| "none yet".to_owned())),
    ];
    if let Some(name) = account.failure() {
        let tries = counted(account.failures, "attempt");
        rows.push(row("failing", format!("{}, {tries}", safe(name))));
        rows.push(row("next attempt", format!("{}, if a shipper runs", time(account.next_ms))));
    }
    for line in table(&rows, false) {
        context.out.line(&line)?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}
