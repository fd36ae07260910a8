//! `record`: events from options or from stdin into the store.
//!
//! Invariant: an event that is reported as recorded is accepted, in the sense of `append()`; one that is refused is
//! reported with its line, and the others are stored all the same.

mod from_options;
mod input;
mod line;

use std::io::{self, IsTerminal};
use std::time::Duration;

use crate::call::commands::CommonArgs;
use crate::call::recording::{Level, RecordArgs};
use crate::commands::fleet::on_demand::start_shipper;
use crate::engine::{Durability, Engine};
use crate::exit::{Exit, Failure, Result};
use crate::folder::Folder;
use crate::json::compose::Object;
use crate::report::{Output, note};
use crate::text::numbers::{counted, long};
use crate::text::safe::{safe, safe_bytes};

use input::Input;
use line::Complete;

pub(crate) use from_options::{blank_event, diff, list};

const CALL: &str = "guidance-ledger record";
/// Bytes that are written at once.
const BATCH: usize = 1 << 20;
/// Refused lines that are reported one by one.
const REPORTED: u64 = 10;
/// Characters of a refused line that are shown.
const PREVIEW: usize = 60;

/// What was done so far, and what waits to be written.
struct Recorder<'a> {
    engine: &'a Engine,
    durability: Durability,
    json: bool,
    stream: bool,
    /// Whether the reader of stdout is gone.
    unheard: bool,
    out: Output,
    waiting: Vec<u8>,
    ids: Vec<Vec<u8>>,
    stored: u64,
    refused: u64,
}

pub(crate) fn run(common: &CommonArgs, args: &RecordArgs) -> Result<Exit> {
    let folder = Folder::chosen(common.dir.as_deref(), None, CALL)?;
    folder.not_a_file(CALL)?;
    let engine = Engine::at(&folder.path);
    let durability = match args.durability {
        Level::Process => Durability::Process,
        Level::Disk => Durability::Disk,
    };
    let mut recorder = Recorder {
        engine: &engine,
        durability,
        json: common.json,
        stream: args.stream,
        unheard: false,
        out: Output::new(),
        waiting: Vec::new(),
        ids: Vec::new(),
        stored: 0,
        refused: 0,
    };
    let result = match from_options::event(args)? {
        Some(_) if args.stream => Err(Failure::usage(
            "--stream reads events from stdin; options describe one event",
            format!("{CALL} --help"),
        )),
        Some(event) => recorder
            .take(&event.text())
            .map_or_else(|reason| Err(Failure::System(reason)), |()| recorder.write()),
        None if io::stdin().is_terminal() => Err(Failure::usage("record what?", format!("{CALL} --task ID"))),
        None => recorder.read_stdin(),
    };
    if result.is_err() && recorder.stored > 0 {
        note(&format!("{} stored before that.", counted(recorder.stored, "event")));
    }
    result?;
    recorder.engine.finish();
    if recorder.stored > 0
        && let Err(failure) = start_shipper(&engine, &folder.path)
    {
        // The events are accepted; they are shipped another time.
        note(&format!("No shipper could be started: {}", failure.message().unwrap_or_default()));
    }
    if recorder.refused > REPORTED {
        note(&format!("… and {} more refused.", recorder.refused - REPORTED));
    }
    match recorder.out.flush() {
        Ok(()) | Err(Failure::ReaderGone) => Ok(Exit::found(recorder.refused > 0)),
        Err(failure) => Err(failure),
    }
}

impl Recorder<'_> {
    fn read_stdin(&mut self) -> Result<()> {
        let mut input = Input::new(io::stdin().lock());
        while let Some((number, text)) = input.next_item()? {
            let taken = self.take(&text);
            match taken {
                Err(reason) => self.refuse(number, &reason, &text),
                Ok(()) if self.stream || self.waiting.len() >= BATCH => self.write()?,
                Ok(()) => {}
            }
        }
        self.write()
    }

    /// Takes an event's text; refused with the reason.
    fn take(&mut self, text: &[u8]) -> std::result::Result<(), String> {
        let Complete { line, id } = line::complete(text)?;
        self.waiting.extend_from_slice(&line);
        self.waiting.push(b'\n');
        self.ids.push(id);
        Ok(())
    }

    /// Writes what waits, and says the ids of what is accepted then.
    fn write(&mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.waiting);
        let ids = std::mem::take(&mut self.ids);
        if lines.is_empty() {
            return Ok(());
        }
        self.engine.append(lines, self.durability)?;
        self.stored += long(ids.len());
        match self.say(ids) {
            // A reader that goes away is no reason to lose events.
            Err(Failure::ReaderGone) => {
                self.unheard = true;
                Ok(())
            }
            said => said,
        }
    }

    /// Says the ids of accepted events.
    fn say(&mut self, ids: Vec<Vec<u8>>) -> Result<()> {
        if self.unheard || !(self.json || self.stream) {
            return Ok(());
        }
        for id in ids {
            if self.json {
                self.out.json(&Object::new().raw("eventId", id).text())?;
            } else {
                let text = event::text::parse_json_string(&id).unwrap_or(id);
                self.out.line(&safe_bytes(&text))?;
            }
        }
        if self.stream { self.out.flush() } else { Ok(()) }
    }

    fn refuse(&mut self, number: u64, reason: &str, text: &[u8]) {
        self.refused += 1;
        if self.refused <= REPORTED {
            let shown: String = String::from_utf8_lossy(text).chars().take(PREVIEW).collect();
            let colon = if shown.is_empty() { "" } else { ": " };
            note(&format!("line {number} is refused: {reason}{colon}{}", safe(&shown)));
        }
    }
}

/// How long a short call waits for other processes.
pub(crate) const SHORT_WAIT: Duration = Duration::from_secs(2);
