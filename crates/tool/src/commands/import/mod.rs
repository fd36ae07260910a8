//! `import`: events from a file or from stdin.
//!
//! An event that is there already is skipped: known by its id, or by its text if it has none. So an import that was
//! interrupted is simply run again.
//!
//! Invariants: the input is read once; an event's bytes pass through unchanged; when the command ends, what it added is
//! on the disk. The ids of the store are held in memory, 16 bytes each.

mod known;

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use event::line::{Event, Line, Scanner, Task};

use crate::call::keeping::ImportArgs;
use crate::context::{Context, quoted};
use crate::engine::{Durability, Engine, MAX_LINE, too_long};
use crate::exit::{Exit, Failure, Result};
use crate::folder::shown;
use crate::json::compose::Object;
use crate::json::items::{Item, Items};
use crate::json::value::parse;
use crate::report::note;
use crate::text::numbers::{count, counted, counted_as, long};
use crate::text::progress::Progress;
use crate::text::safe::safe;

use known::Known;

/// Events, and bytes, that are written together and share one trip to the disk.
const BATCH: (u64, usize) = (2000, 4 << 20);
/// Bytes of one write.
const PIECE: usize = 64 << 10;
/// Refused items that are reported one by one.
const REPORTED: u64 = 10;
/// Characters of a refused item that are shown.
const PREVIEW: usize = 60;

#[derive(Default)]
struct Counts {
    read: u64,
    added: u64,
    skipped: u64,
    refused: u64,
}

pub(crate) fn run(mut context: Context, args: &ImportArgs) -> Result<Exit> {
    let source = open(args.file.as_deref(), &context)?;
    context.folder.not_a_file(&context.call)?;
    let engine = Engine::at(&context.folder.path);
    let mut import = Import {
        engine: &engine,
        known: Known::default(),
        scanner: Scanner::new(),
        counts: Counts::default(),
        waiting: Vec::new(),
        batch: 0,
        dry: args.dry_run,
    };
    let lock = if args.dry_run {
        None
    } else {
        Some(engine.lock(Duration::from_secs_f64(args.lock.lock_timeout / 1000.0))?)
    };
    let result = import.all(&context.folder.path, source);
    let released = lock.map_or(Ok(()), |lock| lock.release());
    let Counts { read, added, skipped, refused } = import.counts;
    if let Err(failure) = result {
        if added > 0 && !args.dry_run {
            note(&format!("{} added. Run it again: what is there is skipped.", counted(added, "event")));
        }
        return Err(failure);
    }
    released?;
    if refused > REPORTED {
        note(&format!("… and {} refused.", counted_as(refused - REPORTED, "more is", "more are")));
    }
    if context.json {
        let mut said = Object::new();
        said.boolean("dryRun", args.dry_run).count("read", read).count("added", added);
        context.out.json(&said.count("skipped", skipped).count("refused", refused).text())?;
    } else {
        let verb = if args.dry_run { "would be added" } else { "added" };
        let events = counted(added, "event");
        context.out.line(&format!(
            "{events} {verb}, {} already there, {} refused.",
            count(skipped),
            count(refused)
        ))?;
    }
    context.out.flush()?;
    Ok(Exit::found(refused > 0))
}

fn open(file: Option<&Path>, context: &Context) -> Result<Box<dyn BufRead>> {
    let Some(path) = file.filter(|path| *path != Path::new("-")) else {
        if file.is_none() && io::stdin().is_terminal() {
            return Err(Failure::usage("import from where?", format!("{} events.ndjson", context.call)));
        }
        return Ok(Box::new(io::stdin().lock()));
    };
    if path.is_dir() {
        let message = format!("{} is a folder; import reads a file", shown(path));
        let within = path.join(crate::engine::LOG);
        let within: PathBuf = within.components().filter(|part| *part != Component::CurDir).collect();
        return Err(Failure::usage(message, format!("{} {}", context.call, quoted(&shown(&within)))));
    }
    let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    Ok(Box::new(BufReader::with_capacity(256 << 10, file)))
}

struct Import<'a> {
    engine: &'a Engine,
    known: Known,
    scanner: Scanner,
    counts: Counts,
    /// Lines that wait to be written, and how many.
    waiting: Vec<u8>,
    batch: u64,
    dry: bool,
}

impl Import<'_> {
    fn all(&mut self, folder: &Path, source: Box<dyn BufRead>) -> Result<()> {
        self.known.read(folder)?;
        let mut items = Items::new(source);
        let mut progress = Progress::new("Read");
        let result = self.items(&mut items, &mut progress);
        progress.end();
        // What was read before a failure is added all the same.
        let written = self.write();
        result.and(written)?;
        if self.dry || self.counts.added == 0 { Ok(()) } else { self.engine.flush(Durability::Disk) }
    }

    fn items(&mut self, items: &mut Items<Box<dyn BufRead>>, progress: &mut Progress) -> Result<()> {
        while let Some(item) = items.next_item()? {
            self.counts.read += 1;
            progress.step();
            if let Err(reason) = self.take(&item.text) {
                self.refuse(&item, &reason);
            } else if self.batch >= BATCH.0 || self.waiting.len() >= BATCH.1 {
                self.write()?;
            }
        }
        items.finish()
    }

    /// Takes an item that is an event; refused with the reason.
    fn take(&mut self, text: &[u8]) -> std::result::Result<(), String> {
        let Line::Event(event) = self.scanner.scan(text) else { return Err(reason_of(text)) };
        if event.text.len() > MAX_LINE {
            return Err(too_long(event.text.len()));
        }
        if let Some(missing) = lacks(&event) {
            return Err(missing.to_owned());
        }
        if !self.known.add(&event) {
            self.counts.skipped += 1;
            return Ok(());
        }
        // A line end stands between values, since no string holds a raw one.
        self.waiting.extend(event.text.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')));
        self.waiting.push(b'\n');
        self.batch += 1;
        Ok(())
    }

    /// Writes what waits: in small pieces, so that a process that is killed leaves few half lines, and with one trip to
    /// the disk.
    fn write(&mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.waiting);
        let events = std::mem::take(&mut self.batch);
        if self.dry {
            self.counts.added += events;
            return Ok(());
        }
        let mut rest = lines.as_slice();
        while !rest.is_empty() {
            let whole = rest.get(..PIECE).and_then(|piece| memchr::memrchr(b'\n', piece));
            let end = whole.or_else(|| memchr::memchr(b'\n', rest)).map_or(rest.len(), |newline| newline + 1);
            let (piece, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
            // One fsync makes all durable that was written before.
            let durability = if after.is_empty() { Durability::Disk } else { Durability::Process };
            self.engine.append(piece.to_vec(), durability)?;
            self.counts.added += long(memchr::memchr_iter(b'\n', piece).count());
            rest = after;
        }
        Ok(())
    }

    fn refuse(&mut self, item: &Item, reason: &str) {
        self.counts.refused += 1;
        if self.counts.refused <= REPORTED {
            let text = String::from_utf8_lossy(event::text::trim(&item.text));
            let shown: String = text.chars().take(PREVIEW).collect();
            note(&format!("{} is refused: {reason}: {}", item.place, safe(&shown)));
        }
    }
}

fn reason_of(text: &[u8]) -> String {
    if text.len() > MAX_LINE {
        return too_long(text.len());
    }
    if parse(text).is_some() { "not an object" } else { "not JSON" }.to_owned()
}

/// What an object lacks to be an event.
fn lacks(event: &Event<'_>) -> Option<&'static str> {
    if !matches!(event.task, Task::Str(_)) {
        return Some("taskId is not a string");
    }
    event.timestamp.is_none_or(|time| !time.is_finite()).then_some("timestamp is not a number")
}
