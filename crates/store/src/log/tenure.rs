//! The time for which this process holds the folder: from the folder lock to its release, with the open log.
//!
//! Every write happens between [`Tenure::begin`] and an end. In a burst the lock is kept over several writes, as
//! a *lease*, for about a millisecond.
//!
//! Invariant: while `log` is there this process holds the folder lock, no rewrite is half done, and the open log
//! is the one that its name leads to. Nothing here takes longer the longer the log is.

use std::time::Duration;

use crate::disk::File;
use crate::error::{Error, Obstacle, Result};
use crate::folder::Folder;
use crate::hints::checkpoint::{Checkpoint, Rewrite};
use crate::hints::summary::Summary;
use crate::limits::LEASE;
use crate::lock::folder_lock::FolderLock;
use crate::log::javascript_programs::JavaScriptPrograms;
use crate::log::open_log::Log;
use crate::log::recovery::{Nameless, finish_rewrite};
use crate::paths::{CHECKPOINT, LOG, PREVIOUS};
use crate::wait::patience::Patience;

/// Bytes that are summed up in passing; a longer stretch is scanned by a thread that holds nothing.
const SUM_UP_IN_PASSING: u64 = 64 << 10;

/// See the head of this file.
#[derive(Default)]
pub(crate) struct Tenure {
    lock: Option<FolderLock>,
    /// The sums that are kept in the folder.
    pub(crate) checkpoint: Checkpoint,
    /// How far this process got in moving lines after a rewrite.
    pub(crate) rewrite: Option<Rewrite>,
    /// The open log; `Some` as long as we hold the folder lock.
    pub(crate) log: Option<Log>,
    /// Lines that JavaScript programs may have missed.
    pub(crate) programs: JavaScriptPrograms,
    /// Files that lost their names while the folder was held.
    pub(crate) nameless: Nameless,
    /// When the folder lock was taken.
    since: Duration,
    /// When the last append ended.
    appended: Option<Duration>,
    /// Whether the log was looked at before a first write.
    seen: bool,
}

impl Tenure {
    /// Takes the folder lock, finishes what a crash left half done, and opens the log. Under a lease that has
    /// not run out there is nothing to do.
    pub(crate) fn begin(&mut self, folder: &Folder, patience: &Patience) -> Result<()> {
        if self.log.is_some() {
            if !self.lease_is_over(folder) {
                return Ok(());
            }
            // The sums can wait for the end of the burst.
            self.end_quickly(folder);
        }
        self.lock_folder(folder, patience)?;
        let result = self.enter(folder);
        if result.is_err() {
            self.end_quickly(folder);
        }
        result
    }

    /// The same, but the lock is taken anew, so that the open log is the current one even under a lease.
    pub(crate) fn begin_afresh(&mut self, folder: &Folder, patience: &Patience) -> Result<()> {
        if self.log.is_some() {
            self.end_quickly(folder);
        }
        self.begin(folder, patience)
    }

    fn enter(&mut self, folder: &Folder) -> Result<()> {
        let previous = folder.stat(PREVIOUS).map_err(|error| folder.failed("stat", PREVIOUS, &error))?;
        if let (Some(_), Some(lock)) = (previous, &self.lock) {
            let Self { checkpoint, rewrite, nameless, .. } = self;
            finish_rewrite(folder, &*lock.checkpoint, checkpoint, rewrite, nameless)?;
        }
        let seen = std::mem::replace(&mut self.seen, true);
        self.log = Some(Log::open(folder)?);
        self.since = folder.monotonic();
        if !seen {
            self.distrust_if_changed(folder)?;
        }
        Ok(())
    }

    /// Before the first write: a log that was changed in place since its sums were kept shows it by its time of
    /// change, but only for as long as it does not grow.
    fn distrust_if_changed(&mut self, folder: &Folder) -> Result<()> {
        self.load_checkpoint(folder)?;
        let Self { checkpoint, log: Some(log), .. } = self else { return Ok(()) };
        let failed = |error: std::io::Error| folder.failed("read", LOG, &error);
        let stat = log.file.stat().map_err(failed)?;
        if !checkpoint.summary.mark.recognises(&*log.file, &stat).map_err(failed)? {
            checkpoint.start_anew();
        }
        Ok(())
    }

    fn lock_folder(&mut self, folder: &Folder, patience: &Patience) -> Result<()> {
        // The files can be removed again while we open them, but not for ever.
        for _ in 0..100 {
            if self.lock.is_none() {
                self.lock = Some(FolderLock::open(folder)?);
                self.checkpoint = Checkpoint::default();
            }
            if let Some(lock) = &mut self.lock
                && lock.acquire(folder, patience)?
            {
                return Ok(());
            }
            self.lock = None;
        }
        Err(Error::Busy { path: folder.path().to_owned(), waited_ms: 0, by: Obstacle::Changes })
    }

    /// Brings the checkpoint up to date if that is cheap, closes the log and gives the folder lock up.
    pub(crate) fn end(&mut self, folder: &Folder) {
        // A checkpoint is a hint: what cannot be written now is written next time.
        let _ = self.sum_up(folder);
        self.end_quickly(folder);
    }

    /// Closes the log and gives the folder lock up; the checkpoint is brought up to date by a later end.
    pub(crate) fn end_quickly(&mut self, folder: &Folder) {
        if let Some(log) = self.log.take() {
            self.programs.check(folder, &log);
        }
        if let Some(lock) = &mut self.lock {
            lock.release(folder);
        }
        let nameless = std::mem::take(&mut self.nameless);
        if !nameless.is_empty() {
            // Without a thread they are closed here.
            drop(folder.background().long.run(Box::new(move || drop(nameless))));
        }
    }

    /// Ends a write: at once or, with `may_lease` in a burst, later.
    pub(crate) fn end_or_keep(&mut self, folder: &Folder, may_lease: bool) {
        let now = folder.monotonic();
        let burst = self.appended.is_some_and(|then| now.saturating_sub(then) < LEASE);
        self.appended = Some(now);
        if !(may_lease && burst) {
            self.end(folder);
        }
    }

    /// Whether the folder lock is held.
    pub(crate) fn holds_folder(&self) -> bool {
        self.log.is_some()
    }

    /// For how long no write has begun.
    pub(crate) fn idle_for(&self, folder: &Folder) -> Duration {
        folder.monotonic().saturating_sub(self.since)
    }

    /// Whether a lease has lasted for as long as it may.
    pub(crate) fn lease_is_over(&self, folder: &Folder) -> bool {
        folder.monotonic().saturating_sub(self.since) >= LEASE
    }

    /// Reads the checkpoint's file if another process wrote it since. The folder lock is held.
    pub(crate) fn load_checkpoint(&mut self, folder: &Folder) -> Result<()> {
        let Self { lock: Some(lock), checkpoint, .. } = self else { return Ok(()) };
        let failed = |error: std::io::Error| folder.failed("read", CHECKPOINT, &error);
        if !checkpoint.is_current(&*lock.checkpoint).map_err(failed)? {
            *checkpoint = Checkpoint::load(&*lock.checkpoint, folder.boot()).map_err(failed)?;
        }
        Ok(())
    }

    /// The checkpoint and its file, while the folder lock is held.
    pub(crate) fn checkpoint_and_file(&mut self) -> Option<(&mut Checkpoint, &dyn File)> {
        let lock = self.lock.as_ref()?;
        Some((&mut self.checkpoint, &*lock.checkpoint))
    }

    /// Brings the sums of the checkpoint up to the end of the log, unless more would have to be read than in
    /// passing. Returns whether they are there. The folder lock is held.
    pub(crate) fn sum_up(&mut self, folder: &Folder) -> Result<bool> {
        self.load_checkpoint(folder)?;
        if self.go_on(folder)? {
            return Ok(true);
        }
        let Self { checkpoint, log: Some(log), .. } = self else { return Ok(false) };
        let stat = log.file.stat().map_err(|error| folder.failed("fstat", LOG, &error))?;
        if stat.size > SUM_UP_IN_PASSING {
            return Ok(false);
        }
        checkpoint.start_anew();
        self.catch_up(folder)
    }

    /// Takes sums that were made with the folder free, and goes on from there. Returns whether they reach the
    /// end of the log now. The folder lock is held.
    pub(crate) fn adopt(&mut self, folder: &Folder, summary: Summary) -> Result<bool> {
        self.load_checkpoint(folder)?;
        if self.go_on(folder)? {
            return Ok(true);
        }
        self.replace_sums(folder, summary)
    }

    /// Has the next holder of the folder make the sums anew. The folder lock is held.
    pub(crate) fn forget_sums(&mut self, folder: &Folder) -> Result<()> {
        self.load_checkpoint(folder)?;
        self.checkpoint.start_anew();
        let Some((checkpoint, file)) = self.checkpoint_and_file() else { return Ok(()) };
        checkpoint.store(file).map_err(|error| folder.failed("write", CHECKPOINT, &error))
    }

    /// The same, whatever the checkpoint says.
    pub(crate) fn replace_sums(&mut self, folder: &Folder, summary: Summary) -> Result<bool> {
        self.checkpoint.start_anew();
        self.checkpoint.summary = summary;
        let there = self.go_on(folder);
        if !matches!(there, Ok(true)) {
            self.checkpoint.start_anew();
        }
        there
    }

    /// Brings sums that recognise the log up to its end, if that is cheap, and stores them.
    fn go_on(&mut self, folder: &Folder) -> Result<bool> {
        let Self { checkpoint, log: Some(log), .. } = self else { return Ok(false) };
        let failed = |error: std::io::Error| folder.failed("read", CHECKPOINT, &error);
        let stat = log.file.stat().map_err(failed)?;
        let mark = checkpoint.summary.mark;
        if !mark.recognises(&*log.file, &stat).map_err(failed)? || stat.size - mark.offset > SUM_UP_IN_PASSING
        {
            return Ok(false);
        }
        if stat.size > mark.offset || mark.modified_ns == 0 || !checkpoint.is_stored() {
            return self.catch_up(folder);
        }
        Ok(true)
    }

    /// Reads the rest of the log, and stores the sums.
    fn catch_up(&mut self, folder: &Folder) -> Result<bool> {
        let Self { lock: Some(lock), checkpoint, log: Some(log), .. } = self else { return Ok(false) };
        let caught_up = checkpoint.summary.catch_up(&*log.file);
        if caught_up.is_err() {
            checkpoint.start_anew();
        }
        caught_up.map_err(|error| folder.failed("read", LOG, &error))?;
        let stored = checkpoint.store(&*lock.checkpoint);
        stored.map_err(|error| folder.failed("write", CHECKPOINT, &error))?;
        Ok(true)
    }

    /// Closes the files of the lock, unless the folder is held.
    pub(crate) fn give_back(&mut self) {
        if !self.holds_folder() {
            self.lock = None;
        }
    }
}
