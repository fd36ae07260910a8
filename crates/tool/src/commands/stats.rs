//! `stats`: what the folder holds, counted from the log itself.

use std::path::Path;

use event::line::{Line, Scanner};

use crate::context::Context;
use crate::engine::{INDEX, LOG, REJECTED, StoreFile};
use crate::exit::{Exit, Result};
use crate::json::compose::Object;
use crate::log::sums::{IndexFile, Sums};
use crate::place::tool;
use crate::text::numbers::{bytes, count, counted, counted_as, whole};
use crate::text::tables::table;
use crate::text::times::{now_ms, show_span};

/// Lines and bytes of the lines that were set aside.
#[derive(Default)]
struct SetAside {
    lines: u64,
    bytes: u64,
}

pub(crate) fn run(mut context: Context) -> Result<Exit> {
    context.must_exist()?;
    let Counted { sums, bytes: size, malformed } = Counted::of(&context.folder.path)?;
    let index = IndexFile::read(&context.folder.path)?;
    let rejected = set_aside(&context)?;
    let (oldest, newest) = (sums.times.map(|times| times.0), sums.times.map(|times| times.1));
    if context.json {
        let mut said = Object::new();
        said.string("folder", &context.folder.path.to_string_lossy())
            .boolean("exists", context.folder.exists)
            .count("eventCount", sums.events)
            .count("storageSizeBytes", size)
            .maybe("oldestEvent", oldest)
            .maybe("newestEvent", newest)
            .count("malformedLines", malformed);
        match &index {
            None => said.raw("index", "null"),
            Some(index) => said.object(
                "index",
                Object::new().maybe("eventCount", index.count).boolean("drift", !index.counts(sums.events)),
            ),
        };
        said.object("rejected", Object::new().count("lines", rejected.lines).count("bytes", rejected.bytes));
        context.out.json(&said.text())?;
        context.out.flush()?;
        return Ok(Exit::Done);
    }
    let paint = context.paint;
    let lines = if malformed == 0 {
        if sums.events == 0 { "none" } else { "all are events" }.to_owned()
    } else {
        let said = counted_as(malformed, "line is not an event", "lines are not events");
        paint.yellow(&format!("{said}; '{} verify' shows where", tool()))
    };
    let index = match index {
        None => "none".to_owned(),
        Some(index) if index.counts(sums.events) => "agrees".to_owned(),
        Some(IndexFile { count: said, .. }) => {
            let says = said
                .map_or_else(|| "cannot be read".to_owned(), |said| format!("says {}", count(whole(said))));
            paint.yellow(&format!("{says}; the next append, or verify --repair, writes it anew"))
        }
    };
    let aside = match rejected.lines {
        0 => "nothing".to_owned(),
        lines => format!("{}, {}", counted(lines, "line"), bytes(rejected.bytes)),
    };
    let rows = [
        ["Folder".to_owned(), context.folder.shown()],
        ["Events".to_owned(), paint.bold(&count(sums.events))],
        ["Size".to_owned(), bytes(size)],
        ["Oldest".to_owned(), when(&context, oldest)],
        ["Newest".to_owned(), when(&context, newest)],
        ["Lines".to_owned(), lines],
        ["Index".to_owned(), index],
        ["Set aside".to_owned(), aside],
    ];
    for line in table(&rows.map(Vec::from), false) {
        context.out.line(&line)?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}

fn when(context: &Context, time: Option<f64>) -> String {
    let Some(time) = time else { return "–".to_owned() };
    let ago = now_ms() - time;
    let way = if ago < 0.0 { "ahead" } else { "ago" };
    format!("{} ({} {way})", context.zone.show(time), show_span(ago.abs()))
}

/// What one pass over the log gives.
#[derive(Default)]
struct Counted {
    sums: Sums,
    /// Bytes of the log and of `index.json`.
    bytes: u64,
    /// Lines that are neither events nor blank.
    malformed: u64,
}

impl Counted {
    fn of(folder: &Path) -> Result<Self> {
        let mut counted = Self::default();
        if let Some(index) = StoreFile::open(folder, INDEX)? {
            counted.bytes += index.stat()?.1;
        }
        let Some(log) = StoreFile::open(folder, LOG)? else { return Ok(counted) };
        let mut scanner = Scanner::new();
        let size = log.for_each_line(&mut |_, line, whole| match scanner.scan(line) {
            Line::Blank => {}
            Line::Malformed => counted.malformed += u64::from(whole),
            Line::Event(event) => counted.sums.add(event.timestamp),
        })?;
        counted.bytes += size;
        Ok(counted)
    }
}

fn set_aside(context: &Context) -> Result<SetAside> {
    let mut aside = SetAside::default();
    let Some(file) = StoreFile::open(&context.folder.path, REJECTED)? else { return Ok(aside) };
    aside.bytes = file.for_each_line(&mut |_, _, _| aside.lines += 1)?;
    Ok(aside)
}
