//! The store's calls that concern the whole log: sums, compaction, replacement, removal.

use std::io::ErrorKind;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::disk::File;
use crate::error::{Error, Result};
use crate::lock::user_lock::UserLock;
use crate::log::log_columns::LogColumns;
use crate::log::queue::Queue;
use crate::paths::{
    CHECKPOINT, FOLDER_LOCK, FOLDER_WAIT, GATE, INDEX, INLINE_WAIT, LOCK, LOG, OWNER, PREVIOUS, temporary_id,
};
use crate::rewrite::draft::Draft;
use crate::rewrite::rewriter::{Plan, Source};
use crate::store::{State, Store};
use event::line::{Line, Scanner};

/// An open log and its columns.
pub(crate) type Snapshot = (Box<dyn File>, LogColumns);

/// What `getStats` tells.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Stats {
    /// Number of events in the log.
    pub events: u64,
    /// Bytes of the log and of `index.json`.
    pub bytes: u64,
    /// Earliest and latest timestamp; `None` if no event has one.
    pub times: Option<(f64, f64)>,
}

impl Store {
    /// The sums over the log as it is now, whoever wrote it. Takes no lock and creates nothing.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn stats(&self) -> Result<Stats> {
        let size_of = |name: &'static str| -> Result<u64> {
            let stat = self.folder.stat(name).map_err(|error| self.at("stat", name, &error))?;
            Ok(stat.map_or(0, |stat| stat.size))
        };
        let bytes = size_of(INDEX)?;
        let Some(log) = self.open_log()? else { return Ok(Stats { bytes, ..Stats::default() }) };
        let mut sums = self.sums.lock().unwrap_or_else(PoisonError::into_inner);
        let stat = log.stat().map_err(|error| self.at("fstat", LOG, &error))?;
        if !sums.mark.recognises(&*log, &stat).map_err(|error| self.at("read", LOG, &error))? {
            // Somebody else's sums may save us the scan.
            *sums = self.stored_sums();
        }
        let tail = sums.catch_up(&*log).map_err(|error| self.at("read", LOG, &error))?;
        let mut total = sums.clone();
        drop(sums);
        if let Line::Event(event) = Scanner::new().scan(&tail) {
            total.add(&event);
        }
        Ok(Stats { events: total.events, bytes: bytes + stat.size, times: total.times })
    }

    fn stored_sums(&self) -> crate::hints::summary::Summary {
        use crate::disk::Open;
        self.folder
            .open(CHECKPOINT, Open::Read)
            .and_then(|file| crate::hints::checkpoint::Checkpoint::load(&*file, self.folder.boot()))
            .map_or_else(|_| crate::hints::summary::Summary::empty(), |checkpoint| checkpoint.summary)
    }

    /// Evicts the oldest events by timestamp until `keep` are left. Returns how many were evicted; if none,
    /// nothing is written.
    ///
    /// # Errors
    /// Whatever the disk says; the log is then as it was.
    pub fn compact(&self, keep: u64) -> Result<u64> {
        self.evict_by(&|events| events.saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX)))
    }

    /// Evicts the oldest events by timestamp, `count` of them, however many others append meanwhile. Returns how
    /// many were evicted; if none, nothing is written.
    ///
    /// # Errors
    /// As [`Store::compact`].
    pub fn evict(&self, count: u64) -> Result<u64> {
        self.evict_by(&|events| events.min(usize::try_from(count).unwrap_or(usize::MAX)))
    }

    /// Evicts as many of the oldest events as `excess_of` says of their number.
    fn evict_by(&self, excess_of: &dyn Fn(usize) -> usize) -> Result<u64> {
        self.drain_first()?;
        if self.snapshot()?.is_none_or(|(_, index)| excess_of(index.columns.len()) == 0) {
            return Ok(0);
        }
        let mut evicted = 0;
        let replaced = self.rewrite(&mut |source, draft| {
            let rows = source.index.columns.rows_by_time();
            let excess = excess_of(rows.len());
            if excess == 0 {
                return Ok(Plan::Leave);
            }
            evicted = excess as u64;
            self.copy_rows(source, draft, rows.get(excess..).unwrap_or_default())?;
            Ok(Plan::Replace)
        })?;
        Ok(if replaced { evicted } else { 0 })
    }

    /// Closes a torn tail, sets malformed lines aside and writes `index.json` anew; events stay as they are.
    /// Returns how many lines were set aside.
    ///
    /// # Errors
    /// Whatever the disk says; the log is then as it was, but for a newline at its end.
    pub fn repair(&self) -> Result<u64> {
        self.drain_first()?;
        let mut rejected = 0;
        let replaced = self.rewrite(&mut |source, draft| {
            rejected = source.index.columns.malformed().len() as u64;
            if rejected == 0 {
                return Ok(Plan::Leave);
            }
            self.copy_all(source, draft)?;
            Ok(Plan::Replace)
        })?;
        if !replaced && self.open_log()?.is_some() {
            self.state().index_behind = true;
            self.write_index()?;
        }
        Ok(if replaced { rejected } else { 0 })
    }

    /// How many events [`Store::compact`] would evict. Changes nothing.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn compactable(&self, keep: u64) -> Result<u64> {
        Ok(self.stats()?.events.saturating_sub(keep))
    }

    /// Replaces all events that are in the log now by `lines`, each ending in a newline. Events that others
    /// append meanwhile stay.
    ///
    /// # Errors
    /// Whatever the disk says; the log is then as it was.
    pub fn replace_all(&self, lines: &[u8]) -> Result<()> {
        self.drain_first()?;
        self.rewrite(&mut |_, draft| {
            draft.lines(lines).map_err(|error| self.at("write", draft.name(), &error))?;
            Ok(Plan::Replace)
        })?;
        Ok(())
    }

    /// Copies all rows of the old log into the draft.
    fn copy_all(&self, source: &Source, draft: &mut Draft) -> Result<()> {
        let rows: Vec<u32> = (0..u32::try_from(source.index.columns.len()).unwrap_or(u32::MAX)).collect();
        self.copy_rows(source, draft, &rows)
    }

    /// Copies rows of the old log into the draft, in the order given.
    pub(crate) fn copy_rows(&self, source: &Source, draft: &mut Draft, rows: &[u32]) -> Result<()> {
        let Some(log) = &source.log else { return Ok(()) };
        let copied = rows
            .iter()
            .try_for_each(|&row| draft.old_line(&**log, &source.index.columns.range(row as usize)))
            .and_then(|()| draft.end_run(&**log));
        copied.map_err(|error| self.at("write", draft.name(), &error))
    }

    /// Removes all files of the store but those lines that were set aside.
    ///
    /// # Errors
    /// Whatever reading the folder and `unlink` say.
    pub fn destroy(&self) -> Result<()> {
        match self.folder.list() {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(());
            }
            Err(error) => return Err(Error::io("scandir", self.folder.path(), &error)),
        }
        let mut state = self.state();
        if state.log.is_some() {
            self.end_quickly(&mut state);
        }
        self.begin(&mut state, FOLDER_WAIT)?;
        let result = self.remove_files();
        // The lock's own files went too: whoever waits for them notices and makes new ones.
        self.end_quickly(&mut state);
        *state = State { since: state.since, ..State::default() };
        drop(state);
        self.forget();
        result
    }

    fn remove_files(&self) -> Result<()> {
        let temporary =
            self.folder.list().unwrap_or_default().into_iter().filter(|name| temporary_id(name).is_some());
        for name in temporary {
            let _ = self.folder.remove(&name);
        }
        for name in [PREVIOUS, LOG, INDEX, LOCK, OWNER, CHECKPOINT, GATE, FOLDER_LOCK] {
            match self.folder.remove(name) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(self.at("unlink", name, &error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Writes what waits, and what a JavaScript program may have missed, so that a rewrite does not overtake
    /// it.
    pub(crate) fn drain_first(&self) -> Result<()> {
        if !self.queue().is_empty() {
            self.drain_patiently()?;
        }
        self.settle_with_peers()
    }

    /// Takes the user-level lock of the folder; see [`UserLock::acquire`].
    ///
    /// # Errors
    /// As [`UserLock::acquire`].
    pub fn acquire_user_lock(&self, now_ms: u64, wait: Duration) -> Result<UserLock> {
        UserLock::acquire(&self.folder, now_ms, wait)
    }

    /// Gives the user-level lock up.
    ///
    /// # Errors
    /// As [`UserLock::release`].
    pub fn release_user_lock(&self, lock: UserLock) -> Result<()> {
        lock.release(&self.folder)
    }

    /// Brings `index.json` up to date if it lacks something that we wrote. A courtesy: nothing depends on it.
    pub fn write_index_if_behind(&self) {
        let _ = self.write_index();
    }

    /// Takes note that somebody opened the store anew: after a failed fsync, the next write first copies the
    /// log into a new file.
    pub fn reopen(&self) {
        if self.commit.has_failed() {
            self.renewal.store(true, Ordering::Relaxed);
        }
    }

    /// The same, if somebody in the queue asks for stable storage.
    pub(crate) fn ensure_usable_for(&self, queue: &Queue) -> Result<()> {
        if queue.asks_for_disk() { self.ensure_usable() } else { Ok(()) }
    }

    /// Fails if an fsync has failed and nobody opened the store anew since.
    pub(crate) fn ensure_usable(&self) -> Result<()> {
        if self.renewal.load(Ordering::Relaxed) { Ok(()) } else { self.commit.check_usable(&self.folder) }
    }

    /// Copies the log into a new file if [`Store::reopen`] asked for it.
    pub(crate) fn renew_if_asked(&self, state: &mut State, _wait: Duration) -> Result<()> {
        if !self.renewal.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.rewrite_held(state, &mut |source, draft| {
            self.copy_all(source, draft)?;
            Ok(Plan::Replace)
        })?;
        self.commit.renew();
        self.renewal.store(false, Ordering::Relaxed);
        Ok(())
    }

    /// Somebody changed the log in place, in a way that its length and end do not show: sums and columns are
    /// made anew.
    pub(crate) fn start_anew(&self) -> Result<()> {
        self.forget();
        let Some((_, index)) = self.snapshot()? else { return Ok(()) };
        *self.sums.lock().unwrap_or_else(PoisonError::into_inner) = index.summary();
        // For the sake of the other processes; whoever cannot write here has done what can be done.
        let mut state = self.state();
        if self.begin(&mut state, INLINE_WAIT).is_ok() {
            let _ = self.sum_up(&mut state, Some(0));
            state.checkpoint.start_anew();
            let _ = self.sum_up(&mut state, None);
            self.end(&mut state);
        }
        Ok(())
    }

    /// The columns of the log as it is now, with the open log; `None` if there is no log.
    pub(crate) fn snapshot(&self) -> Result<Option<Snapshot>> {
        let Some(log) = self.open_log()? else { return Ok(None) };
        let index = self.index_of(&*log)?;
        Ok(Some((log, index)))
    }

    /// The same if nothing has to be read for it; else `None`.
    pub(crate) fn snapshot_at_once(&self) -> Result<Option<Snapshot>> {
        let Some(index) = self.index.try_lock().ok().and_then(|cached| cached.clone()) else {
            return Ok(None);
        };
        let Some(log) = self.open_log()? else { return Ok(None) };
        let current = log.stat().and_then(|stat| index.is_current(&*log, &stat));
        let current = current.map_err(|error| self.at("read", LOG, &error))?;
        Ok(current.then_some((log, index)))
    }
}
