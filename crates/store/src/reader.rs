//! Lines of the log in slices that JavaScript parses with one `JSON.parse` each.
//!
//! Three ways: in sequence, with bounded memory and no columns (`readAll`, `stream`); by the columns, reading only what
//! matches (`readRange`, `readByTask`); or through an archive and then the log. All see the log as it was at the first
//! slice. For a range of time the sequence passes over what the checkpoint knows to lie outside, for a task over lines
//! that do not contain it; a process that asks for little needs no columns.
//!
//! Invariant: a slice is the text of a JSON array of whole events. All that match are in some slice, in file
//! order, and besides only such whose timestamp is not a number or whose task id is not a string: JavaScript
//! compares those its own way.

use std::io::ErrorKind;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::archive::ArchivePlace;
use crate::archive::contents::{BothLines, Contents};
use crate::archive::snapshot::Snapshot;
use crate::disk::File;
use crate::disk::lines::find_lines;
use crate::error::{Error, Result};
use crate::limits::FOLDER_WAIT;
use crate::log::log_columns::{LogColumns, LogLines};
use crate::paths::LOG;
use crate::query::Query;
use crate::store::Store;
use crate::wait::patience::{Caller, Ending};
use crate::wait::strand::Strand;
use columns::{Columns, Slice, next_run, read_run};
use event::line::{Line, Scanner};
use event::needle::Needle;

/// About how long a slice is: V8 parses this much in half a millisecond. Texts beyond 128 KiB are large
/// objects to V8 and take a seventh longer.
const SLICE: usize = 64 << 10;
/// So little is read on the caller's own thread, which takes less time than waking another.
const AT_ONCE: u64 = 64 << 10;

impl Store {
    /// The lines of an archive, then those of the log, each event once.
    ///
    /// # Errors
    /// Whatever opening them says.
    pub fn lines_of_both(&self, archive: &ArchivePlace) -> Result<BothLines> {
        BothLines::open(&self.folder, archive)
    }
}

impl Store {
    /// Which parts of this open log, ascending, have all events whose time lies in `[from, to]`, as the checkpoint says.
    /// Each begins with a line; the last ends with the log, the others with a line. `None` if the checkpoint does not
    /// recognise the log, or does not say.
    pub fn stretches(&self, log: &dyn File, from: Option<f64>, to: Option<f64>) -> Option<Vec<Range<u64>>> {
        self.views.stretches(log, Query { from, to, task: None }.bounds())
    }
}

/// A walk over the matching lines. See the head of this file.
pub struct Reader {
    store: Arc<Store>,
    query: Query,
    /// What a line of the task contains.
    needle: Option<Needle>,
    way: Way,
    /// Whether a slice was handed out, or the columns were made anew already.
    begun: bool,
}

enum Way {
    /// Not begun; `true`: by the columns.
    New(bool),
    /// Not begun; through an archive first.
    NewWithArchive(ArchivePlace),
    Sequence {
        log: Box<dyn File>,
        position: u64,
        end: u64,
        /// What is to be read after that.
        next: std::vec::IntoIter<Range<u64>>,
    },
    Columns {
        log: Box<dyn File>,
        columns: Arc<Columns>,
        rows: std::vec::IntoIter<u32>,
    },
    /// The archive's lines, then the log.
    Archive {
        contents: Box<Contents>,
        text: Vec<u8>,
        at: usize,
        log: Option<Box<dyn File>>,
    },
    Over,
}

impl Reader {
    /// A walk that has not begun. With `by_columns`, the columns of the whole log are made or brought up to
    /// date.
    #[must_use]
    pub fn new(store: Arc<Store>, query: Query, by_columns: bool) -> Self {
        Self::on(store, query, Way::New(by_columns))
    }

    /// A walk through an archive, then through the log, in sequence. Each event that was in the store at its beginning
    /// is met once.
    #[must_use]
    pub fn with_archive(store: Arc<Store>, query: Query, archive: ArchivePlace) -> Self {
        Self::on(store, query, Way::NewWithArchive(archive))
    }

    fn on(store: Arc<Store>, query: Query, way: Way) -> Self {
        let needle = query.needle();
        Self { store, query, needle, way, begun: false }
    }

    /// The next slice; `None` at the end.
    ///
    /// # Errors
    /// Whatever reading says; the walk is then over.
    pub fn next_slice(&mut self) -> Result<Option<Vec<u8>>> {
        let slice = match &self.way {
            Way::New(by_columns) => self.start(*by_columns).and_then(|()| self.advance()),
            Way::NewWithArchive(place) => {
                let place = place.clone();
                self.start_with_archive(&place).and_then(|()| self.advance())
            }
            _ => self.advance(),
        };
        if !matches!(slice, Ok(Some(_))) || self.is_exhausted() {
            self.way = Way::Over;
        }
        slice
    }

    /// The first slice if it takes almost no time: the columns are up to date and in the order of time,
    /// and what matches lies close together. Else `None`: then [`Reader::next_slice`] is to be called in the
    /// background.
    ///
    /// # Errors
    /// As [`Reader::next_slice`].
    pub fn slice_at_once(&mut self) -> Result<Option<Vec<u8>>> {
        if !matches!(self.way, Way::New(true)) || self.query.task.is_some() {
            return Ok(None);
        }
        let Some((log, LogColumns { columns, .. })) = self.store.views.snapshot_at_once()? else {
            return Ok(None);
        };
        let (from, to) = self.query.bounds();
        let Some(span) = columns.span_in_range(from, to).filter(|span| !span.is_empty()) else {
            return Ok(None);
        };
        if columns.range(span.end - 1).end - columns.range(span.start).start > AT_ONCE {
            return Ok(None);
        }
        let rows = self.matching_rows(&columns).into_iter();
        self.way = Way::Columns { log, columns, rows };
        self.next_slice()
    }

    /// The strand for the next slice, if much of the log may have to be scanned for it.
    #[must_use]
    pub fn scans_first(&self) -> Option<Arc<Strand>> {
        let scans = match &self.way {
            Way::New(true) | Way::NewWithArchive(_) => true,
            Way::New(false) | Way::Sequence { .. } | Way::Archive { .. } => self.needle.is_some(),
            Way::Columns { .. } | Way::Over => false,
        };
        scans.then(|| Arc::clone(self.store.scanning()))
    }

    /// Whether [`Reader::next_slice`] would give nothing any more.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.way, Way::Over)
    }

    fn caller(&self) -> Caller {
        Caller::new(&*self.store.folder.background().time, &Ending::default())
    }

    fn is_exhausted(&self) -> bool {
        match &self.way {
            Way::Sequence { position, end, next, .. } => position >= end && next.as_slice().is_empty(),
            Way::Columns { rows, .. } => rows.as_slice().is_empty(),
            Way::New(_) | Way::NewWithArchive(_) | Way::Archive { .. } | Way::Over => false,
        }
    }

    fn start(&mut self, by_columns: bool) -> Result<()> {
        self.way = Way::Over;
        let Some(log) = self.store.folder.open_log()? else { return Ok(()) };
        let (views, bounds) = (&self.store.views, self.query.bounds());
        let timed = self.query.from.is_some() || self.query.to.is_some();
        let cheap = by_columns && !self.begun;
        let searched = cheap && self.needle.is_some() && views.is_searched(&*log);
        let stretches = match (timed, self.query.task.is_some()) {
            (true, _) if !by_columns => views.stretches(&*log, bounds),
            (true, false) if cheap => views.few_stretches(&*log, bounds),
            _ => None,
        };
        if by_columns && stretches.is_none() && !searched {
            let LogColumns { columns, .. } =
                views.columns_of(&*log, &self.store.folder.patience(FOLDER_WAIT))?;
            let rows = self.matching_rows(&columns).into_iter();
            self.way = Way::Columns { log, columns, rows };
        } else {
            let size = log.stat().map_err(|error| self.store.folder.failed("fstat", LOG, &error))?.size;
            // What was appended since is for another reader.
            let next = stretches.unwrap_or_else(|| vec![Range { start: 0, end: size }]).into_iter();
            self.way = Way::Sequence { log, position: 0, end: 0, next };
        }
        Ok(())
    }

    fn start_with_archive(&mut self, place: &ArchivePlace) -> Result<()> {
        self.way = Way::Over;
        let mut snapshot = Snapshot::open(&self.store.folder, place)?;
        let log = snapshot.log.take();
        let contents = Box::new(Contents::new(snapshot));
        self.way = Way::Archive { contents, text: Vec::new(), at: 0, log };
        Ok(())
    }

    fn advance_in_archive(&mut self) -> Result<Option<Vec<u8>>> {
        let bounds = self.query.bounds();
        let Way::Archive { contents, text, at, log } = &mut self.way else { return Ok(None) };
        let mut scanner = Scanner::new();
        let mut slice = Slice::default();
        while slice.len() < SLICE {
            let rest = text.get(*at..).unwrap_or_default();
            if rest.is_empty() {
                let Some(more) = contents.next(bounds)? else {
                    let log = log.take();
                    let size = |log: &dyn File| {
                        log.size().map_err(|error| self.store.folder.failed("lseek", LOG, &error))
                    };
                    self.way = match log {
                        Some(log) => {
                            let end = size(&*log)?;
                            Way::Sequence { log, position: 0, end, next: Vec::new().into_iter() }
                        }
                        None => Way::Over,
                    };
                    // What came before the log goes out by itself.
                    return if slice.is_empty() { self.advance() } else { Ok(slice.finish()) };
                };
                (*text, *at) = (more, 0);
                continue;
            }
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            take(&mut slice, &mut scanner, &self.query, rest.get(..end).unwrap_or_default());
            *at += end + 1;
        }
        Ok(slice.finish())
    }

    fn matching_rows(&self, columns: &Columns) -> Vec<u32> {
        let (from, to) = self.query.bounds();
        match &self.query.task {
            None => columns.rows_in_range(from, to),
            Some(task) => columns.rows_of_task(task),
        }
    }

    fn advance(&mut self) -> Result<Option<Vec<u8>>> {
        match &mut self.way {
            Way::New(_) | Way::NewWithArchive(_) | Way::Over => Ok(None),
            Way::Archive { .. } => self.advance_in_archive(),
            Way::Sequence { log, position, end, next } => {
                let mut slice = Ok(None);
                while matches!(slice, Ok(None)) {
                    if position >= end {
                        let Some(stretch) = next.next() else { break };
                        (*position, *end) = (stretch.start, stretch.end);
                    }
                    slice = next_in_sequence(&**log, &self.query, self.needle.as_ref(), position, *end);
                }
                slice.map_err(|error| self.store.folder.failed("read", LOG, &error))
            }
            Way::Columns { log, columns, rows } => match next_by_columns(&**log, columns, rows) {
                Err(error) if error.kind() == ErrorKind::InvalidData && !self.begun => {
                    self.begun = true;
                    self.store.start_anew(&self.caller())?;
                    self.start(true)?;
                    self.advance()
                }
                Err(error) if error.kind() == ErrorKind::InvalidData => {
                    Err(Error::Changed { path: self.store.log_path() })
                }
                slice => {
                    self.begun = true;
                    slice.map_err(|error| self.store.folder.failed("read", LOG, &error))
                }
            },
        }
    }
}

fn next_in_sequence(
    log: &dyn File,
    query: &Query,
    needle: Option<&Needle>,
    position: &mut u64,
    end: u64,
) -> std::io::Result<Option<Vec<u8>>> {
    let mut scanner = Scanner::new();
    let mut slice = Slice::default();
    let mut step = SLICE as u64;
    while *position < end && slice.is_empty() {
        // A search goes on until the slice is full.
        let upto = if needle.is_some() { end } else { end.min(*position + step) };
        let walked = find_lines(log, *position..upto, needle, &mut |_, line| {
            take(&mut slice, &mut scanner, query, line);
            if slice.len() < SLICE { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if slice.len() >= SLICE || (upto < end && walked.whole > *position) {
            *position = walked.whole;
        } else if upto == end {
            take(&mut slice, &mut scanner, query, &walked.tail);
            *position = end;
        } else {
            // A line longer than the step.
            step *= 2;
        }
    }
    Ok(slice.finish())
}

fn next_by_columns(
    log: &dyn File,
    columns: &Columns,
    rows: &mut std::vec::IntoIter<u32>,
) -> std::io::Result<Option<Vec<u8>>> {
    let lines = LogLines(log);
    let mut slice = Slice::default();
    while slice.len() < SLICE {
        let Some(run) = next_run(columns, rows) else { break };
        for (row, line) in read_run(&lines, &run)?.lines(&run) {
            if !columns.matches(row as usize, line) {
                return Err(ErrorKind::InvalidData.into());
            }
            slice.add(line);
        }
    }
    Ok(slice.finish())
}

fn take(slice: &mut Slice, scanner: &mut Scanner, query: &Query, line: &[u8]) {
    if let Line::Event(event) = scanner.scan(line)
        && query.may_match(&event)
    {
        slice.add(event.text);
    }
}
