//! What readers know of the log: its sums, and its columns. Made with the folder free.
//!
//! Invariant: each is brought up to the end of the log as it is at the call, whichever program wrote it; a view
//! that does not recognise the log is made anew.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event::line::{Line, Scanner};

use crate::disk::{File, Open};
use crate::error::{Obstacle, Result};
use crate::folder::Folder;
use crate::hints::checkpoint::Checkpoint;
use crate::hints::summary::Summary;
use crate::log::log_columns::LogColumns;
use crate::paths::{CHECKPOINT, LOG};
use crate::wait::baton::Baton;
use crate::wait::patience::Patience;

/// An open log and its columns.
pub(crate) type Snapshot = (Box<dyn File>, LogColumns);

/// See the head of this file.
pub(crate) struct Views {
    folder: Folder,
    sums: Baton<Summary>,
    columns: Baton<Option<LogColumns>>,
    /// What reading has cost while there were no columns, in bytes that are read and scanned.
    cost_without_columns: AtomicU64,
}

impl Views {
    pub(crate) fn new(folder: &Folder) -> Self {
        let time: &Arc<_> = &folder.background().time;
        let (sums, columns) = (Baton::new(time, Summary::empty()), Baton::new(time, None));
        Self { folder: folder.clone(), sums, columns, cost_without_columns: AtomicU64::new(0) }
    }

    /// The sums over the whole lines of this log, and over its unterminated end if that is an event.
    pub(crate) fn sums(&self, log: &dyn File, patience: &Patience) -> Result<(Summary, Summary)> {
        let failed = |error: std::io::Error| self.folder.failed("read", LOG, &error);
        let Some(mut sums) = self.sums.take(patience) else {
            return Err(self.folder.busy(LOG, patience, Obstacle::ThisProcess));
        };
        let stat = log.stat().map_err(|error| self.folder.failed("fstat", LOG, &error))?;
        if !sums.mark.recognises(log, &stat).map_err(failed)? {
            // The sums that another process kept may save us the scan.
            *sums = self.stored_sums();
        }
        let tail = sums.catch_up(log).map_err(failed)?;
        let whole = sums.clone();
        let mut total = whole.clone();
        if let Line::Event(event) = Scanner::new().scan(&tail) {
            total.add(&event);
        }
        Ok((whole, total))
    }

    fn stored_sums(&self) -> Summary {
        self.folder
            .open(CHECKPOINT, Open::Read)
            .and_then(|file| Checkpoint::load(&*file, self.folder.boot()))
            .map_or_else(|_| Summary::empty(), |checkpoint| checkpoint.summary)
    }

    /// What has to be read of this open log for the events in `[from, to]`; `None` if the checkpoint does not say.
    pub(crate) fn stretches(&self, log: &dyn File, range: (f64, f64)) -> Option<Vec<Range<u64>>> {
        let file = self.folder.open(CHECKPOINT, Open::Read).ok()?;
        let checkpoint = Checkpoint::load(&*file, self.folder.boot()).ok()?;
        let stat = log.stat().ok()?;
        if !checkpoint.summary.mark.recognises(log, &stat).ok()? {
            return None;
        }
        checkpoint.stretches(&*file, stat.size, range).ok()?
    }

    /// The same for a process that has no columns and has asked for little so far.
    pub(crate) fn few_stretches(&self, log: &dyn File, range: (f64, f64)) -> Option<Vec<Range<u64>>> {
        if !self.has_no_columns() {
            return None;
        }
        let stretches = self.stretches(log, range)?;
        let cost = stretches.iter().map(|it| it.end - it.start).sum();
        self.is_cheap(log, cost).then_some(stretches)
    }

    /// Whether a task is best looked for in the text: by a process that has no columns, once.
    pub(crate) fn is_searched(&self, log: &dyn File) -> bool {
        // A search passes over text about four times as fast as columns are made of it.
        self.has_no_columns() && log.size().is_ok_and(|size| self.is_cheap(log, size / 4))
    }

    fn has_no_columns(&self) -> bool {
        self.columns.try_take().is_some_and(|columns| columns.is_none())
    }

    /// Whether reading without columns costs no more than a quarter of what they cost, with what was read before.
    fn is_cheap(&self, log: &dyn File, cost: u64) -> bool {
        let before = self.cost_without_columns.fetch_add(cost, Ordering::Relaxed);
        log.size().is_ok_and(|size| before.saturating_add(cost) <= size / 4)
    }

    /// The columns of this open log, up to date.
    pub(crate) fn columns_of(&self, log: &dyn File, patience: &Patience) -> Result<LogColumns> {
        let Some(mut cached) = self.columns.take(patience) else {
            return Err(self.folder.busy(LOG, patience, Obstacle::ThisProcess));
        };
        let mut columns = cached.take().unwrap_or_default();
        columns
            .refresh(log, &*self.folder.background().time)
            .map_err(|error| self.folder.failed("read", LOG, &error))?;
        Ok(cached.insert(columns).clone())
    }

    /// The columns of the log as it is now, with the open log; `None` if there is no log.
    pub(crate) fn snapshot(&self, patience: &Patience) -> Result<Option<Snapshot>> {
        let Some(log) = self.folder.open_log()? else { return Ok(None) };
        let columns = self.columns_of(&*log, patience)?;
        Ok(Some((log, columns)))
    }

    /// The same if nothing has to be read for it; else `None`.
    pub(crate) fn snapshot_at_once(&self) -> Result<Option<Snapshot>> {
        let Some(columns) = self.columns.try_take().and_then(|cached| cached.clone()) else {
            return Ok(None);
        };
        let Some(log) = self.folder.open_log()? else { return Ok(None) };
        let current = log.stat().and_then(|stat| columns.is_current(&*log, &stat));
        let current = current.map_err(|error| self.folder.failed("read", LOG, &error))?;
        Ok(current.then_some((log, columns)))
    }

    /// Another program changed the log in place, in a way that its length and end do not show.
    pub(crate) fn start_anew(&self, patience: &Patience) {
        if let Some(mut sums) = self.sums.take(patience) {
            *sums = Summary::empty();
        }
        if let Some(mut columns) = self.columns.take(patience) {
            *columns = None;
        }
    }

    /// Gives the memory of the columns back.
    pub(crate) fn forget(&self) {
        if let Some(mut columns) = self.columns.try_take() {
            *columns = None;
        }
    }
}
