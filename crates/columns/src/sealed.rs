//! The events that a ledger loaded and JavaScript has not seen: columns and bytes, no objects.
//!
//! An event here is *sealed* until [`Sealed::take`] hands its text out; from then on the object that
//! JavaScript made of it is the truth and the record here counts no more. Sums and rankings are over the
//! sealed ones.
//!
//! The lines themselves stay in their source: in memory, or in a file that is kept alive even when the log is
//! replaced. Each line is checked when it is read, in case another program changed it in place.
//!
//! Invariant: positions are dense and stable: the event at position p of the set is the one at index p of the
//! ledger.

#![expect(
    clippy::disallowed_types,
    reason = "held for a few instructions; no disk and no wait can be reached from here"
)]

use std::collections::HashSet;
use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use event::identity::event_key;
use event::line::{Line, Scanner};

use crate::columns::Columns;
use crate::postings::Postings;
use crate::slice::{Slice, Source, next_run, read_run};
use crate::sums::{Ranked, Sums, rank, ranking_text, sum};

/// Identities of events.
pub type Keys = HashSet<u64>;

/// About how much text [`Sealed::take`] hands out at a time: what is larger takes V8 longer to parse.
const TAKE: usize = 64 << 10;
/// More events do not fit: an event and its comma are three bytes at least.
const TAKE_EVENTS: usize = TAKE / 3 + 1;

/// Loaded events. See the head of this file.
pub struct Sealed {
    /// What the source is called, for messages.
    name: String,
    columns: Arc<Columns>,
    /// Row of each position; `None` if they are the same.
    rows: Option<Vec<u32>>,
    lines: Box<dyn Source>,
    marks: Mutex<Marks>,
    /// Whether a task was asked for.
    asked: AtomicBool,
    by_task: OnceLock<Option<Postings>>,
}

/// Why lines could not be read again.
#[derive(Debug)]
pub enum SealedError {
    /// They are no longer what was loaded.
    Changed {
        /// What the source is called.
        name: String,
    },
    /// Reading failed.
    Read {
        /// What the source is called.
        name: String,
        /// The failure.
        error: io::Error,
    },
}

impl fmt::Display for SealedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { name } => write!(f, "the events in '{name}' were changed after they were loaded"),
            Self::Read { name, error } => write!(f, "the events in '{name}' cannot be read: {error}"),
        }
    }
}

impl std::error::Error for SealedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Changed { .. } => None,
            Self::Read { error, .. } => Some(error),
        }
    }
}

/// Which events are live, and what was reckoned over the others.
#[derive(Default)]
struct Marks {
    live: Vec<bool>,
    live_count: usize,
    irregular_live: usize,
    sums: Option<Sums>,
    ranking: Option<Vec<Ranked>>,
}

impl Sealed {
    /// The events of `columns`, whose lines stand in `lines`; `name` is what messages call that.
    #[must_use]
    pub fn new(name: String, columns: Arc<Columns>, lines: Box<dyn Source>) -> Self {
        let marks = Marks { live: vec![false; columns.len()], ..Marks::default() };
        Self {
            name,
            columns,
            rows: None,
            lines,
            marks: Mutex::new(marks),
            asked: AtomicBool::new(false),
            by_task: OnceLock::new(),
        }
    }

    /// No events.
    #[must_use]
    pub fn none(name: String) -> Self {
        Self::new(name, Arc::default(), Box::new(Vec::new()))
    }

    /// Gives back what is held open to read lines from.
    pub fn release(&self) {
        self.lines.release();
    }

    /// Number of events, sealed and live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or_else(|| self.columns.len(), Vec::len)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of events that are still sealed.
    #[must_use]
    pub fn sealed_count(&self) -> usize {
        self.len() - self.marks().live_count
    }

    /// Number of sealed events whose shape only JavaScript can sum up.
    #[must_use]
    pub fn irregular_count(&self) -> usize {
        self.irregular_positions().count() - self.marks().irregular_live
    }

    /// Takes the events whose identity occurs in `lines` out of the set. Only before anything was taken.
    /// Returns how many.
    pub fn without(&mut self, lines: &[u8]) -> usize {
        let mut keys = HashSet::new();
        add_keys(lines, &mut keys);
        let before = self.len();
        let rows: Vec<u32> = (0..before).map(|position| self.row(position)).collect();
        let kept: Vec<u32> =
            rows.into_iter().filter(|&row| !keys.contains(&self.columns.key(row as usize))).collect();
        let gone = before - kept.len();
        if gone > 0 {
            *self.marks() = Marks { live: vec![false; kept.len()], ..Marks::default() };
            self.rows = Some(kept);
        }
        gone
    }

    /// Positions of the sealed events in `[start, end)`.
    #[must_use]
    pub fn between(&self, start: usize, end: usize) -> Vec<u32> {
        let marks = self.marks();
        let end = end.min(self.len());
        positions((start.min(end)..end).filter(|&position| marks.is_sealed(position)))
    }

    /// Positions of the sealed events of a task, and of those whose task id is not a string.
    #[must_use]
    pub fn of_task(&self, task: &[u8]) -> Vec<u32> {
        // The first question is answered by looking at each row, which takes less time than gathering them all.
        let gathered = self.by_task.get().is_some() || self.asked.swap(true, Ordering::Relaxed);
        let postings = if gathered { self.by_task.get_or_init(|| self.columns.postings()) } else { &None };
        let rows = match (postings, self.columns.tasks().find(task)) {
            (Some(postings), Some(number)) => postings.of(number).to_vec(),
            _ => self.columns.rows_of_task(task),
        };
        self.sealed_among(rows)
    }

    /// Positions of the sealed events in a range of time, and of those whose timestamp is not a number.
    #[must_use]
    pub fn in_range(&self, from: f64, to: f64) -> Vec<u32> {
        self.sealed_among(self.columns.rows_in_range(from, to))
    }

    /// Positions of the sealed events whose shape only JavaScript can sum up.
    #[must_use]
    pub fn irregular(&self) -> Vec<u32> {
        let marks = self.marks();
        positions(self.irregular_positions().filter(|&position| marks.is_sealed(position)))
    }

    fn irregular_positions(&self) -> impl Iterator<Item = usize> {
        self.columns.irregular().iter().filter_map(|&row| self.position(row))
    }

    fn sealed_among(&self, rows: Vec<u32>) -> Vec<u32> {
        let marks = self.marks();
        positions(
            rows.into_iter()
                .filter_map(|row| self.position(row))
                .filter(|&position| marks.is_sealed(position)),
        )
    }

    fn row(&self, position: usize) -> u32 {
        let row = u32::try_from(position).unwrap_or(u32::MAX);
        self.rows.as_ref().map_or(row, |rows| rows.get(position).copied().unwrap_or(u32::MAX))
    }

    fn position(&self, row: u32) -> Option<usize> {
        match &self.rows {
            None => Some(row as usize),
            Some(rows) => rows.binary_search(&row).ok(),
        }
    }

    /// Hands out events: the text of a JSON array of those at `positions`, as many from the first on as fit
    /// about 64 KiB, at least one. They are live from now on. Returns the text and how many they are.
    ///
    /// # Errors
    /// [`SealedError`]; no event is live then that was not.
    pub fn take(&self, positions: &[u32]) -> Result<(Vec<u8>, usize), SealedError> {
        let mut slice = Slice::default();
        let mut taken = 0;
        let positions = positions.get(..TAKE_EVENTS).unwrap_or(positions);
        let rows: Vec<u32> = positions.iter().map(|&position| self.row(position as usize)).collect();
        self.for_each_line(rows, &mut |text| -> Result<bool, SealedError> {
            slice.add(text);
            taken += 1;
            Ok(slice.len() < TAKE)
        })?;
        let mut marks = self.marks();
        for &position in positions.iter().take(taken) {
            let irregular = self.columns.irregular().binary_search(&self.row(position as usize)).is_ok();
            marks.set_live(position as usize, irregular);
        }
        Ok((slice.finish().unwrap_or_else(|| b"[]".to_vec()), taken))
    }

    /// Calls `visit` with the text of each row, in the order given, until it returns `false`.
    fn for_each_line<E: From<SealedError>>(
        &self,
        rows: Vec<u32>,
        visit: &mut dyn FnMut(&[u8]) -> Result<bool, E>,
    ) -> Result<(), E> {
        let mut rows = rows.into_iter();
        while let Some(run) = next_run(&self.columns, &mut rows) {
            let lines = read_run(&*self.lines, &run).map_err(|error| self.failed(error))?;
            for (row, text) in lines.lines(&run) {
                if !self.columns.matches(row as usize, text) {
                    return Err(SealedError::Changed { name: self.name.clone() }.into());
                }
                if !visit(text)? {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn failed(&self, error: io::Error) -> SealedError {
        let name = self.name.clone();
        if error.kind() == ErrorKind::UnexpectedEof {
            SealedError::Changed { name }
        } else {
            SealedError::Read { name, error }
        }
    }

    /// Sums over the sealed events of regular shape.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let mut marks = self.marks();
        let sums =
            marks.sums.unwrap_or_else(|| sum(&self.columns, self.regular_sealed(&marks).map(|(_, row)| row)));
        marks.sums = Some(sums);
        sums
    }

    /// JSON text of `[[ruleId, frequency, totalRework, firstPosition, firstIndexInEvent], …]` over the sealed
    /// events of regular shape, by first occurrence.
    #[must_use]
    pub fn ranking(&self) -> Vec<u8> {
        let mut marks = self.marks();
        let ranking =
            marks.ranking.take().unwrap_or_else(|| rank(&self.columns, self.regular_sealed(&marks)));
        ranking_text(&self.columns, marks.ranking.insert(ranking))
    }

    /// Positions and rows of the sealed events of regular shape.
    fn regular_sealed<'a>(&'a self, marks: &'a Marks) -> impl Iterator<Item = (u32, u32)> + 'a {
        let mut irregular = self.columns.irregular().iter().copied().peekable();
        (0..).zip(0..self.len()).filter_map(move |(number, position)| {
            let row = self.row(position);
            while irregular.next_if(|&next| next < row).is_some() {}
            (irregular.peek() != Some(&row) && marks.is_sealed(position)).then_some((number, row))
        })
    }

    /// Adds the identities of all events, sealed and live.
    pub fn add_keys_to(&self, keys: &mut Keys) {
        keys.extend((0..self.len()).map(|position| self.columns.key(self.row(position) as usize)));
    }

    /// Calls `visit` with the text of the events in `[start, end)` as they were loaded, in order, whether or
    /// not they were made live meanwhile.
    ///
    /// # Errors
    /// [`SealedError`], or what `visit` says.
    pub fn visit_loaded<E: From<SealedError>>(
        &self,
        start: usize,
        end: usize,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let rows = (start..end.min(self.len())).map(|position| self.row(position)).collect();
        self.for_each_line(rows, &mut |text| visit(text).map(|()| true))
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Marks {
    fn is_sealed(&self, position: usize) -> bool {
        self.live.get(position) == Some(&false)
    }

    fn set_live(&mut self, position: usize, irregular: bool) {
        if let Some(live) = self.live.get_mut(position).filter(|live| !**live) {
            *live = true;
            self.live_count += 1;
            self.irregular_live += usize::from(irregular);
            self.sums = None;
            self.ranking = None;
        }
    }
}

/// Adds the identities of the events in `lines`.
pub fn add_keys(lines: &[u8], keys: &mut Keys) {
    let mut scanner = Scanner::new();
    for line in lines.split(|&byte| byte == b'\n') {
        if let Line::Event(event) = scanner.scan(line) {
            keys.insert(event_key(&event));
        }
    }
}

fn positions(found: impl Iterator<Item = usize>) -> Vec<u32> {
    found.filter_map(|position| u32::try_from(position).ok()).collect()
}
