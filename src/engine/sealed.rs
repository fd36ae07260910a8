//! The events that a ledger loaded and JavaScript has not seen: columns and bytes, no objects.
//!
//! An event here is *sealed* until [`Sealed::take`] hands its text out; from then on the object that
//! JavaScript made of it is the truth and the record here counts no more. Sums and rankings are over the
//! sealed ones.
//!
//! The lines of a small log are kept in memory. Those of a large one stay in the file, which our descriptor
//! keeps alive even when the log is replaced; each line is checked when it is read, in case somebody changed
//! the file in place.
//!
//! Invariant: positions are dense and stable: the event at position p of the set is the one at index p of the
//! ledger.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::bytes::read_range;
use super::error::{Error, Result};
use super::folder_lock::path_of;
use super::index::{Index, event_key};
use super::line::{Line, Scanner};
use super::paths::LOG;
use super::reader::{Slice, next_run, read_run};
use super::storage::File;
use super::store::Store;
use super::sums::{Ranked, Sums, rank, ranking_text, sum};

/// Identities of events.
pub(super) type Keys = HashSet<u64>;

/// A log up to this size is kept in memory.
const IN_MEMORY: u64 = 16 << 20;
/// About how much text [`Sealed::take`] hands out at a time: what is larger takes V8 longer to parse.
const TAKE: usize = 64 << 10;

/// A loaded log. See the head of this file.
pub struct Sealed {
    /// The log's path, for messages.
    path: String,
    index: Arc<Index>,
    /// Row of each position; `None` if they are the same.
    rows: Option<Vec<u32>>,
    lines: Lines,
    marks: Mutex<Marks>,
}

enum Lines {
    None,
    Memory(Vec<u8>),
    File(Box<dyn File>),
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
    /// Loads the log as it is now.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn load(store: &Arc<Store>) -> Result<Self> {
        let loaded = Self::load_once(store)?;
        if loaded.is_sound() {
            return Ok(loaded);
        }
        store.start_anew()?;
        Self::load_once(store)
    }

    fn load_once(store: &Arc<Store>) -> Result<Self> {
        let (lines, index) = match store.snapshot()? {
            None => (Lines::None, Arc::default()),
            Some((log, index)) => {
                let size = log.stat().map_err(|error| store.at("fstat", LOG, &error))?.size;
                // Windows lets nobody replace a file that we keep open.
                if size <= IN_MEMORY || cfg!(windows) {
                    let length = usize::try_from(size).unwrap_or(usize::MAX);
                    let bytes =
                        read_range(&*log, 0, length).map_err(|error| store.at("read", LOG, &error))?;
                    (Lines::Memory(bytes), index)
                } else {
                    (Lines::File(log), index)
                }
            }
        };
        let marks = Marks { live: vec![false; index.len()], ..Marks::default() };
        let path = path_of(&store.folder, LOG);
        Ok(Self { path, index, rows: None, lines, marks: Mutex::new(marks) })
    }

    /// Whether the lines in memory are those that the columns were made from. (Lines in a file are checked
    /// when they are read.)
    fn is_sound(&self) -> bool {
        let Lines::Memory(bytes) = &self.lines else { return true };
        (0..self.index.len()).all(|row| self.index.matches(row, line_at(bytes, &self.index, row)))
    }

    /// What a folder that does not exist holds.
    #[must_use]
    pub fn none(path: &Path) -> Self {
        let path = path.join(LOG).to_string_lossy().into_owned();
        Self { path, index: Arc::default(), rows: None, lines: Lines::None, marks: Mutex::default() }
    }

    /// Number of events, sealed and live.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.as_ref().map_or_else(|| self.index.len(), Vec::len)
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
            rows.into_iter().filter(|&row| !keys.contains(&self.index.key(row as usize))).collect();
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

    /// Positions of the sealed events of a task, and of those whose task id is no string.
    #[must_use]
    pub fn of_task(&self, task: &[u8]) -> Vec<u32> {
        self.sealed_among(self.index.rows_of_task(task))
    }

    /// Positions of the sealed events in a range of time, and of those whose timestamp is no number.
    #[must_use]
    pub fn in_range(&self, from: f64, to: f64) -> Vec<u32> {
        self.sealed_among(self.index.rows_in_range(from, to))
    }

    /// Positions of the sealed events whose shape only JavaScript can sum up.
    #[must_use]
    pub fn irregular(&self) -> Vec<u32> {
        let marks = self.marks();
        positions(self.irregular_positions().filter(|&position| marks.is_sealed(position)))
    }

    fn irregular_positions(&self) -> impl Iterator<Item = usize> {
        self.index.irregular().iter().filter_map(|&row| self.position(row))
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
    /// [`Error::Changed`], or whatever reading says; no event is live then that was not.
    pub fn take(&self, positions: &[u32]) -> Result<(Vec<u8>, usize)> {
        let mut slice = Slice::default();
        let mut taken = 0;
        let rows: Vec<u32> = positions.iter().map(|&position| self.row(position as usize)).collect();
        self.for_each_line(rows, &mut |text| {
            slice.add(text);
            taken += 1;
            Ok(slice.len() < TAKE)
        })?;
        let mut marks = self.marks();
        for &position in positions.iter().take(taken) {
            let irregular = self.index.irregular().binary_search(&self.row(position as usize)).is_ok();
            marks.set_live(position as usize, irregular);
        }
        Ok((slice.finish().unwrap_or_else(|| b"[]".to_vec()), taken))
    }

    /// Calls `visit` with the text of each row, in the order given, until it returns `false`.
    fn for_each_line(&self, rows: Vec<u32>, visit: &mut dyn FnMut(&[u8]) -> Result<bool>) -> Result<()> {
        match &self.lines {
            Lines::None => Ok(()),
            Lines::Memory(bytes) => {
                for row in rows {
                    let text = line_at(bytes, &self.index, row as usize);
                    if !self.checked(row, text).and_then(&mut *visit)? {
                        break;
                    }
                }
                Ok(())
            }
            Lines::File(log) => {
                let mut rows = rows.into_iter();
                while let Some(run) = next_run(&self.index, &mut rows) {
                    let bytes = read_run(&**log, &run).map_err(|error| match error.kind() {
                        std::io::ErrorKind::UnexpectedEof => self.changed(),
                        _ => Error::io("read", &self.path, &error),
                    })?;
                    for (row, text) in bytes.lines(&run) {
                        if !self.checked(row, text).and_then(&mut *visit)? {
                            return Ok(());
                        }
                    }
                }
                Ok(())
            }
        }
    }

    fn checked<'a>(&self, row: u32, text: &'a [u8]) -> Result<&'a [u8]> {
        if self.index.matches(row as usize, text) { Ok(text) } else { Err(self.changed()) }
    }

    fn changed(&self) -> Error {
        Error::Changed { path: self.path.clone() }
    }

    /// Sums over the sealed events of regular shape.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let mut marks = self.marks();
        let sums =
            marks.sums.unwrap_or_else(|| sum(&self.index, self.regular_sealed(&marks).map(|(_, row)| row)));
        marks.sums = Some(sums);
        sums
    }

    /// JSON text of `[[ruleId, frequency, totalRework, firstPosition, firstIndexInEvent], …]` over the sealed
    /// events of regular shape, by first occurrence.
    #[must_use]
    pub fn ranking(&self) -> Vec<u8> {
        let mut marks = self.marks();
        let ranking = marks.ranking.take().unwrap_or_else(|| rank(&self.index, self.regular_sealed(&marks)));
        ranking_text(&self.index, marks.ranking.insert(ranking))
    }

    /// Positions and rows of the sealed events of regular shape.
    fn regular_sealed<'a>(&'a self, marks: &'a Marks) -> impl Iterator<Item = (u32, u32)> + 'a {
        let mut irregular = self.index.irregular().iter().copied().peekable();
        (0..).zip(0..self.len()).filter_map(move |(number, position)| {
            let row = self.row(position);
            while irregular.next_if(|&next| next < row).is_some() {}
            (irregular.peek() != Some(&row) && marks.is_sealed(position)).then_some((number, row))
        })
    }

    /// Adds the identities of all events, sealed and live.
    pub fn add_keys_to(&self, keys: &mut Keys) {
        keys.extend((0..self.len()).map(|position| self.index.key(self.row(position) as usize)));
    }

    /// Calls `visit` with the text of the events in `[start, end)` as they were loaded, in order, whether or
    /// not somebody has made them live meanwhile.
    pub(super) fn visit_loaded(
        &self,
        start: usize,
        end: usize,
        visit: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
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

fn line_at<'a>(log: &'a [u8], index: &Index, row: usize) -> &'a [u8] {
    let range = index.range(row);
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    log.get(at(range.start)..at(range.end)).unwrap_or_default()
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
