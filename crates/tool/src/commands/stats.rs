//! `stats`: what the folder holds, counted from the log itself.

use std::ops::ControlFlow;
use std::path::Path;

use event::line::{Line, Scanner};

use crate::context::Context;
use crate::engine::{INDEX, LOG, REJECTED, StoreFile};
use crate::exit::{Exit, Result};
use crate::json::compose::Object;
use crate::json::value::{Value, parse};
use crate::log::forward::walk;
use crate::text::numbers::{bytes, count, counted, counted_as, float, long, whole};
use crate::text::tables::table;
use crate::text::times::{now_ms, show_span};

/// The most that is read of `index.json` to find its count.
const LARGEST_INDEX: usize = 64 << 20;

/// What `index.json` says.
struct Index {
    count: Option<f64>,
    drift: bool,
}

/// Lines and bytes of the lines that were set aside.
#[derive(Default)]
struct SetAside {
    lines: u64,
    bytes: u64,
}

pub(crate) fn run(mut context: Context) -> Result<Exit> {
    context.must_exist()?;
    let sums = Sums::of(&context.folder.path)?;
    let malformed = sums.malformed;
    let index = index_state(&context, sums.events)?;
    let rejected = set_aside(&context)?;
    let (oldest, newest) = (sums.times.map(|times| times.0), sums.times.map(|times| times.1));
    if context.json {
        let mut said = Object::new();
        said.string("folder", &context.folder.path.to_string_lossy())
            .boolean("exists", context.folder.exists)
            .count("eventCount", sums.events)
            .count("storageSizeBytes", sums.bytes)
            .maybe("oldestEvent", oldest)
            .maybe("newestEvent", newest)
            .count("malformedLines", malformed);
        match &index {
            None => said.raw("index", "null"),
            Some(index) => said.object(
                "index",
                Object::new().maybe("eventCount", index.count).boolean("drift", index.drift),
            ),
        };
        said.object("rejected", Object::new().count("lines", rejected.lines).count("bytes", rejected.bytes));
        context.out.json(&said.text())?;
        context.out.flush()?;
        return Ok(Exit::Done);
    }
    let paint = context.paint;
    let lines = if malformed == 0 {
        "all are events".to_owned()
    } else {
        let said = counted_as(malformed, "line is not an event", "lines are not events");
        paint.yellow(&format!("{said}; 'guidance-ledger verify' shows where"))
    };
    let index = match index {
        None => "none".to_owned(),
        Some(Index { drift: false, .. }) => "agrees".to_owned(),
        Some(Index { count: said, .. }) => {
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
        ["Size".to_owned(), bytes(sums.bytes)],
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

/// The sums over the log, in one pass: those of the library's `getStats()`, and the lines that are not events.
#[derive(Default)]
struct Sums {
    events: u64,
    bytes: u64,
    times: Option<(f64, f64)>,
    malformed: u64,
}

impl Sums {
    fn of(folder: &Path) -> Result<Self> {
        let mut sums = Self::default();
        if let Some(index) = StoreFile::open(folder, INDEX)? {
            sums.bytes += index.stat()?.1;
        }
        let Some(log) = StoreFile::open(folder, LOG)? else { return Ok(sums) };
        let (_, size) = log.stat()?;
        sums.bytes += size;
        let mut scanner = Scanner::new();
        let walked = walk(&log, 0, size, None, &mut |_, line| {
            match scanner.scan(line) {
                Line::Blank => {}
                Line::Malformed => sums.malformed += 1,
                Line::Event(event) => sums.add(event.timestamp),
            }
            Ok(ControlFlow::Continue(()))
        })?;
        if let Line::Event(event) = scanner.scan(&walked.tail) {
            sums.add(event.timestamp);
        }
        Ok(sums)
    }

    fn add(&mut self, time: Option<f64>) {
        self.events += 1;
        if let Some(time) = time.filter(|time| time.is_finite()) {
            let (oldest, newest) = self.times.unwrap_or((time, time));
            self.times = Some((oldest.min(time), newest.max(time)));
        }
    }
}

/// What `index.json` says: a courtesy to others, and never believed.
fn index_state(context: &Context, truth: u64) -> Result<Option<Index>> {
    let Some(file) = StoreFile::open(&context.folder.path, INDEX)? else { return Ok(None) };
    let text = file.read(0, LARGEST_INDEX)?;
    let count = parse(&text).and_then(|index| index.get(b"eventCount")).and_then(Value::number);
    let drift = count.is_none_or(|count| count.total_cmp(&float(truth)).is_ne());
    Ok(Some(Index { count, drift }))
}

fn set_aside(context: &Context) -> Result<SetAside> {
    let mut aside = SetAside::default();
    let Some(file) = StoreFile::open(&context.folder.path, REJECTED)? else { return Ok(aside) };
    let (_, size) = file.stat()?;
    let walked = walk(&file, 0, size, None, &mut |_, _| {
        aside.lines += 1;
        Ok(ControlFlow::Continue(()))
    })?;
    aside.lines += u64::from(!walked.tail.is_empty());
    aside.bytes = walked.whole + long(walked.tail.len());
    Ok(aside)
}
