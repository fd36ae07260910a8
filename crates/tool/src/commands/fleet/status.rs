//! `fleet status`: what waits in a folder, as the folder knows it.
//!
//! Invariant: it only reads, takes no lock, and asks no server.

use super::place::Kept;
use crate::context::Context;
use crate::engine::Engine;
use crate::exit::{Exit, Result};
use crate::json::compose::Object;
use crate::text::numbers::{bytes, count};
use crate::text::safe::safe;
use crate::text::tables::table;

pub(crate) fn run(mut context: Context) -> Result<Exit> {
    context.must_exist()?;
    let kept = Kept::read(&context.folder)?;
    let noted = Engine::at(&context.folder.path).shipping()?;
    let id = |number: u128| (number != 0).then(|| uuid::Uuid::from_u128(number).to_string());
    let ledger = kept.ledger.unwrap_or_else(|| "default".to_owned());
    if context.json {
        let mut said = Object::new();
        said.boolean("ships", noted.is_some());
        if let Some((noted, pending)) = noted {
            said.count("pendingBytes", pending).count("setAside", noted.set_aside);
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
    let rows = [
        row("waiting", waiting),
        row("set aside", count(noted.set_aside)),
        row(
            "address",
            kept.url.map_or_else(|| "from the environment".to_owned(), |url| safe(&url).into_owned()),
        ),
        row("ledger", safe(&ledger).into_owned()),
        row("store", id(noted.store).unwrap_or_else(|| "not reached yet".to_owned())),
        row("source", id(noted.source).unwrap_or_else(|| "none yet".to_owned())),
    ];
    for line in table(&rows, false) {
        context.out.line(&line)?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}
