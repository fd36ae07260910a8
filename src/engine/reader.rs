//! Lines of the log in slices that JavaScript parses with one `JSON.parse` each.
//!
//! Two ways: in sequence, with bounded memory and no columns (`readAll`, `stream`), or by the columns,
//! reading only what matches (`readRange`, `readByTask`). Both see the log as it was at the first slice.
//!
//! Invariant: a slice is the text of a JSON array of whole events. All that match are in some slice, in file
//! order, and besides only such whose timestamp is no number or whose task id is no string: JavaScript
//! compares those its own way.

use std::io::ErrorKind;
use std::ops::Range;
use std::sync::Arc;

use super::bytes::{CHUNK, for_each_line, read_range};
use super::error::{Error, Result};
use super::folder_lock::path_of;
use super::index::Index;
use super::line::{Event, Line, Scanner, Task};
use super::paths::LOG;
use super::storage::File;
use super::store::Store;

/// About how long a slice is: V8 parses this much in half a millisecond. Texts beyond 128 KiB are large
/// objects to V8 and take a seventh longer.
const SLICE: usize = 64 << 10;
/// So little is read on the caller's own thread, which takes less time than waking another.
const AT_ONCE: u64 = 64 << 10;
/// Lines that are this close in the file are read together.
const GAP: u64 = 16 << 10;

/// Which events are wanted.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Earliest timestamp.
    pub from: Option<f64>,
    /// Latest timestamp.
    pub to: Option<f64>,
    /// Task id, as WTF-8.
    pub task: Option<Vec<u8>>,
}

impl Query {
    /// Earliest and latest timestamp.
    fn bounds(&self) -> (f64, f64) {
        (self.from.unwrap_or(f64::NEG_INFINITY), self.to.unwrap_or(f64::INFINITY))
    }

    /// Whether the event is wanted, or only JavaScript can tell.
    fn may_match(&self, event: &Event<'_>) -> bool {
        let time = event.timestamp;
        let in_time = time.is_none_or(|time| {
            self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
        });
        in_time
            && match (&self.task, &event.task) {
                (Some(task), Task::Str(id)) => *id.decode() == **task,
                _ => true,
            }
    }
}

/// A walk over the matching lines. See the head of this file.
pub struct Reader {
    store: Arc<Store>,
    query: Query,
    way: Way,
    /// Whether a slice was handed out, or the columns were made anew already.
    begun: bool,
}

enum Way {
    /// Not begun; `true`: by the columns.
    New(bool),
    Sequence {
        log: Box<dyn File>,
        position: u64,
        end: u64,
    },
    Columns {
        log: Box<dyn File>,
        index: Arc<Index>,
        rows: std::vec::IntoIter<u32>,
    },
    Over,
}

impl Reader {
    /// A walk that has not begun. With `by_columns`, the columns of the whole log are made or brought up to
    /// date.
    #[must_use]
    pub fn new(store: Arc<Store>, query: Query, by_columns: bool) -> Self {
        Self { store, query, way: Way::New(by_columns), begun: false }
    }

    /// The next slice; `None` at the end.
    ///
    /// # Errors
    /// Whatever reading says; the walk is then over.
    pub fn next_slice(&mut self) -> Result<Option<Vec<u8>>> {
        let slice = match &self.way {
            Way::New(by_columns) => self.start(*by_columns).and_then(|()| self.advance()),
            _ => self.advance(),
        };
        if !matches!(slice, Ok(Some(_))) || self.is_exhausted() {
            self.way = Way::Over;
        }
        slice
    }

    /// The first slice if it takes no time to speak of: the columns are up to date and in the order of time,
    /// and what matches lies close together. Else `None`: then [`Reader::next_slice`] is to be called in the
    /// background.
    ///
    /// # Errors
    /// As [`Reader::next_slice`].
    pub fn slice_at_once(&mut self) -> Result<Option<Vec<u8>>> {
        if !matches!(self.way, Way::New(true)) || self.query.task.is_some() {
            return Ok(None);
        }
        let Some((log, index)) = self.store.snapshot_at_once()? else { return Ok(None) };
        let (from, to) = self.query.bounds();
        let Some(span) = index.span_in_range(from, to).filter(|span| !span.is_empty()) else {
            return Ok(None);
        };
        if index.range(span.end - 1).end - index.range(span.start).start > AT_ONCE {
            return Ok(None);
        }
        let rows = self.matching_rows(&index).into_iter();
        self.way = Way::Columns { log, index, rows };
        self.next_slice()
    }

    /// Whether [`Reader::next_slice`] would give nothing any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.way, Way::Over)
    }

    fn is_exhausted(&self) -> bool {
        match &self.way {
            Way::Sequence { position, end, .. } => position >= end,
            Way::Columns { rows, .. } => rows.as_slice().is_empty(),
            Way::New(_) | Way::Over => false,
        }
    }

    fn start(&mut self, by_columns: bool) -> Result<()> {
        self.way = Way::Over;
        if by_columns {
            if let Some((log, index)) = self.store.snapshot()? {
                let rows = self.matching_rows(&index).into_iter();
                self.way = Way::Columns { log, index, rows };
            }
        } else if let Some(log) = self.store.open_log()? {
            let end = log.stat().map_err(|error| self.store.at("fstat", LOG, &error))?.size;
            self.way = Way::Sequence { log, position: 0, end };
        }
        Ok(())
    }

    fn matching_rows(&self, index: &Index) -> Vec<u32> {
        let (from, to) = self.query.bounds();
        match &self.query.task {
            None => index.rows_in_range(from, to),
            Some(task) => index.rows_of_task(task),
        }
    }

    fn advance(&mut self) -> Result<Option<Vec<u8>>> {
        match &mut self.way {
            Way::New(_) | Way::Over => Ok(None),
            Way::Sequence { log, position, end } => next_in_sequence(&**log, &self.query, position, *end)
                .map_err(|error| self.store.at("read", LOG, &error)),
            Way::Columns { log, index, rows } => match next_by_columns(&**log, index, rows) {
                Err(error) if error.kind() == ErrorKind::InvalidData && !self.begun => {
                    self.begun = true;
                    self.store.start_anew()?;
                    self.start(true)?;
                    self.advance()
                }
                Err(error) if error.kind() == ErrorKind::InvalidData => {
                    Err(Error::Changed { path: path_of(&self.store.folder, LOG) })
                }
                slice => {
                    self.begun = true;
                    slice.map_err(|error| self.store.at("read", LOG, &error))
                }
            },
        }
    }
}

fn next_in_sequence(
    log: &dyn File,
    query: &Query,
    position: &mut u64,
    end: u64,
) -> std::io::Result<Option<Vec<u8>>> {
    let mut scanner = Scanner::new();
    let mut slice = Slice::default();
    let mut step = SLICE as u64;
    while *position < end && slice.is_empty() {
        let upto = end.min(*position + step);
        let walked = for_each_line(log, *position, upto, |_, line| slice.take(&mut scanner, query, line))?;
        if upto == end {
            slice.take(&mut scanner, query, &walked.tail);
            *position = end;
        } else if walked.whole > *position {
            *position = walked.whole;
        } else {
            // A line longer than the step.
            step *= 2;
        }
    }
    Ok(slice.finish())
}

fn next_by_columns(
    log: &dyn File,
    index: &Index,
    rows: &mut std::vec::IntoIter<u32>,
) -> std::io::Result<Option<Vec<u8>>> {
    let mut slice = Slice::default();
    while slice.len() < SLICE {
        let Some(run) = next_run(index, rows) else { break };
        for (row, line) in read_run(log, &run)?.lines(&run) {
            if !index.matches(row as usize, line) {
                return Err(ErrorKind::InvalidData.into());
            }
            slice.add(line);
        }
    }
    Ok(slice.finish())
}

/// Rows whose lines are read together, and where those are.
pub(crate) struct Run(Vec<(u32, Range<u64>)>);

/// What [`read_run`] read.
pub(crate) struct RunBytes {
    start: u64,
    bytes: Vec<u8>,
}

impl RunBytes {
    /// The rows of the run with their lines.
    pub(crate) fn lines<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = (u32, &'a [u8])> {
        run.0.iter().map(|(row, range)| {
            let at = |offset: u64| usize::try_from(offset - self.start).unwrap_or(usize::MAX);
            (*row, self.bytes.get(at(range.start)..at(range.end)).unwrap_or_default())
        })
    }
}

/// The next rows that are near each other in the file; ascending only, since the order of the rows is kept.
pub(crate) fn next_run(index: &Index, rows: &mut std::vec::IntoIter<u32>) -> Option<Run> {
    let row = rows.next()?;
    let first = index.range(row as usize);
    let (start, mut end) = (first.start, first.end);
    let mut run = vec![(row, first)];
    while let Some(&next) = rows.as_slice().first() {
        let range = index.range(next as usize);
        if range.start < end || range.start - end > GAP || range.end - start > CHUNK as u64 / 4 {
            break;
        }
        end = range.end;
        run.push((next, range));
        rows.next();
    }
    Some(Run(run))
}

/// Reads the lines of a run at once.
pub(crate) fn read_run(log: &dyn File, run: &Run) -> std::io::Result<RunBytes> {
    let start = run.0.first().map_or(0, |(_, range)| range.start);
    let end = run.0.last().map_or(start, |(_, range)| range.end);
    let length = usize::try_from(end - start).map_err(std::io::Error::other)?;
    let bytes = read_range(log, start, length)?;
    if bytes.len() < length {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(RunBytes { start, bytes })
}

/// The text of a JSON array in the making.
#[derive(Default)]
pub(crate) struct Slice(Vec<u8>);

impl Slice {
    /// Adds the text of one event.
    pub(crate) fn add(&mut self, text: &[u8]) {
        self.0.push(if self.0.is_empty() { b'[' } else { b',' });
        self.0.extend_from_slice(text);
    }

    fn take(&mut self, scanner: &mut Scanner, query: &Query, line: &[u8]) {
        if let Line::Event(event) = scanner.scan(line)
            && query.may_match(&event)
        {
            self.add(event.text);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole text; `None` if nothing was added.
    pub(crate) fn finish(mut self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push(b']');
        Some(self.0)
    }
}
