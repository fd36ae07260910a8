//! One folder: what all the store objects, ledgers and worker threads of a process share.
//!
//! This file owns the state and the two brackets around every write, [`Store::begin`] and [`Store::end`];
//! what happens between them is in `writer` (appending), `rewrite` (compaction, saving), `recovery` (after a
//! crash) and `peers` (beside the JavaScript module).
//!
//! Invariants:
//! - Between `begin` and `end` this process holds the folder lock, no rewrite is half done, and the open log
//!   is the one that its name leads to.
//! - Locks are taken in the order state, queue, sums, index; the queue is never held while waiting for
//!   anything.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use crate::disk::{File, Folder, Open};
use crate::error::{Error, Result};
use crate::hints::checkpoint::Checkpoint;
use crate::hints::summary::Summary;
use crate::javascript_programs::Peers;
use crate::lock::folder_lock::{FolderLock, at};
use crate::log::group_commit::GroupCommit;
use crate::log::log_columns::LogColumns;
use crate::log::open_log::Log;
use crate::log::queue::Queue;
use crate::paths::{CHECKPOINT, FOLDER_WAIT, INLINE_WAIT, LEASE, LOG, PREVIOUS};

/// Bytes that are summed up in passing; more is left to the background.
const SUM_UP_IN_PASSING: u64 = 64 << 10;
/// After so long without an append a burst is over.
const QUIET: Duration = Duration::from_millis(300);
/// How long a thread of this process that does something short is waited for.
const PATIENCE: Duration = Duration::from_secs(1);
/// First and longest pause while another thread of this process writes.
const STATE_PAUSE: (Duration, Duration) = (Duration::from_micros(20), Duration::from_millis(1));

/// One folder. See the head of this file.
pub struct Store {
    pub(crate) folder: Folder,
    pub(crate) state: Mutex<State>,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) commit: GroupCommit,
    /// The sums for readers, who hold no lock.
    pub(crate) sums: Mutex<Summary>,
    pub(crate) index: Mutex<Option<LogColumns>>,
    /// An fsync failed and somebody opened the store anew since: copy the log into a new file before going
    /// on.
    pub(crate) renewal: AtomicBool,
    /// What the keeper has been asked to see to.
    pub(crate) tended: Tended,
    /// The process ends: nobody is to wait any longer.
    pub(crate) hurry: AtomicBool,
    /// How many threads of this process hold the state for something that may take long.
    pub(crate) slow: AtomicUsize,
    /// Whether a burst may keep the folder lock for a moment. Whoever allows it calls [`Store::end_lease`] in
    /// time.
    pub(crate) leases: bool,
}

/// Says, as long as it lives, that the state is held for something that may take long.
pub(crate) struct Slow<'a>(&'a AtomicUsize);

impl<'a> Slow<'a> {
    pub(crate) fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Slow<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Things that the keeper has been asked to see to, so that it is not asked twice.
#[derive(Default)]
pub(crate) struct Tended {
    pub(crate) lease: Flag,
    pub(crate) index: Flag,
}

/// A flag that several threads set and clear.
#[derive(Default)]
pub(crate) struct Flag(AtomicBool);

impl Flag {
    /// Sets it; returns whether it was set before.
    pub(crate) fn set(&self) -> bool {
        self.0.swap(true, Ordering::AcqRel)
    }

    pub(crate) fn clear(&self) {
        self.0.store(false, Ordering::Release);
    }
}

/// What the holder of the folder lock needs.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) lock: Option<FolderLock>,
    pub(crate) checkpoint: Checkpoint,
    /// The open log; `Some` as long as we hold the folder lock.
    pub(crate) log: Option<Log>,
    pub(crate) peers: Peers,
    /// When the folder lock was taken.
    pub(crate) since: Duration,
    /// When the last append ended.
    pub(crate) appended: Option<Duration>,
    /// Whether `index.json` lacks something that we wrote.
    pub(crate) index_behind: bool,
    /// Whether the store is known to have too many tasks for an `index.json` that follows each append.
    pub(crate) large: bool,
}

impl Store {
    /// A folder that need not exist. Touches no disk.
    ///
    /// With `leases`, the folder lock is kept over a burst of appends for about a millisecond, and the caller
    /// must see to it that [`Store::end_lease`] is called by another thread soon after each append that
    /// returns with the lease running.
    #[must_use]
    pub fn new(folder: Folder, leases: bool) -> Self {
        Self {
            folder,
            state: Mutex::default(),
            queue: Mutex::default(),
            commit: GroupCommit::default(),
            sums: Mutex::new(Summary::empty()),
            index: Mutex::default(),
            renewal: AtomicBool::new(false),
            tended: Tended::default(),
            hurry: AtomicBool::new(false),
            slow: AtomicUsize::new(0),
            leases,
        }
    }

    /// The folder's path.
    #[must_use]
    pub fn path(&self) -> &str {
        self.folder.path()
    }

    /// Takes the folder lock, finishes what a crash left half done, and opens the log.
    pub(crate) fn begin(&self, state: &mut State, wait: Duration) -> Result<()> {
        if state.log.is_some() {
            if !self.lease_is_over(state) {
                return Ok(());
            }
            // The sums can wait for the end of the burst.
            self.end_quickly(state);
        }
        self.lock_folder(state, wait)?;
        let result = self.enter(state);
        if result.is_err() {
            self.unlock_folder(state);
        }
        result
    }

    fn enter(&self, state: &mut State) -> Result<()> {
        if self.folder.stat(PREVIOUS).map_err(|error| self.at("stat", PREVIOUS, &error))?.is_some() {
            self.finish_rewrite(state)?;
        }
        state.log = Some(Log::open(&self.folder)?);
        state.since = self.folder.monotonic();
        Ok(())
    }

    fn lock_folder(&self, state: &mut State, wait: Duration) -> Result<()> {
        // The files can be removed again while we open them, but not for ever.
        for _ in 0..100 {
            if state.lock.is_none() {
                state.lock = Some(FolderLock::open(&self.folder)?);
                state.checkpoint = Checkpoint::default();
                state.large = false;
            }
            let _slow = (wait > INLINE_WAIT).then(|| Slow::begin(&self.slow));
            if let Some(lock) = &mut state.lock
                && lock.acquire(&self.folder, wait, &self.hurry)?
            {
                return Ok(());
            }
            state.lock = None;
        }
        Err(Error::Busy { path: self.folder.path().to_owned(), waited_ms: 0 })
    }

    fn unlock_folder(&self, state: &mut State) {
        if let Some(log) = state.log.take() {
            state.peers.look(&self.folder, &log);
        }
        if let Some(lock) = &mut state.lock {
            lock.release(&self.folder);
        }
    }

    /// Brings the checkpoint up to date if that is cheap, closes the log and gives the folder lock up.
    pub(crate) fn end(&self, state: &mut State) {
        // A checkpoint is a hint: what cannot be written now is written next time.
        let _ = self.sum_up(state, Some(SUM_UP_IN_PASSING));
        self.unlock_folder(state);
    }

    /// Closes the log and gives the folder lock up, leaving the checkpoint to whoever comes next.
    pub(crate) fn end_quickly(&self, state: &mut State) {
        self.unlock_folder(state);
    }

    /// Ends a write: at once, or, in a burst, later.
    pub(crate) fn end_or_keep(&self, state: &mut State) {
        let now = self.folder.monotonic();
        let burst = state.appended.is_some_and(|then| now.saturating_sub(then) < LEASE);
        state.appended = Some(now);
        if !(self.leases && burst) {
            self.end(state);
        }
    }

    fn lease_is_over(&self, state: &State) -> bool {
        self.folder.monotonic().saturating_sub(state.since) >= LEASE
    }

    /// Gives the folder lock up if a lease ran out. Returns whether a lease is still running.
    pub fn end_lease(&self) -> bool {
        match self.state.try_lock() {
            Ok(mut state) => {
                if state.log.is_some() && self.lease_is_over(&state) {
                    self.end_quickly(&mut state);
                }
                state.log.is_some()
            }
            // Somebody works with it right now.
            Err(_) => true,
        }
    }

    /// Gives the folder lock up, even if a lease has not run out.
    pub fn end_lease_now(&self) {
        let mut state = self.state();
        if state.log.is_some() {
            self.end(&mut state);
        }
    }

    /// Brings `index.json` up to date if no append came for a while: a large one takes time and would hold up
    /// a burst. Returns whether to come again.
    pub fn tidy(&self) -> bool {
        let Ok(state) = self.state.try_lock() else { return true };
        if !state.index_behind {
            return false;
        }
        let now = self.folder.monotonic();
        let quiet = state.appended.is_none_or(|then| now.saturating_sub(then) >= QUIET);
        let small = !state.large;
        drop(state);
        if !quiet && !small {
            return true;
        }
        // Whatever cannot be written now is written after the next append.
        let _ = if small { self.write_small_index(FOLDER_WAIT) } else { self.write_index() };
        false
    }

    /// Whether a lease is running.
    #[must_use]
    pub fn has_lease(&self) -> bool {
        self.state.try_lock().is_ok_and(|state| state.log.is_some())
    }

    /// Brings the sums of the checkpoint up to the end of the log, unless more than `budget` bytes would have
    /// to be read. Returns whether they are there. The folder lock is held.
    pub(crate) fn sum_up(&self, state: &mut State, budget: Option<u64>) -> Result<bool> {
        let State { lock: Some(lock), checkpoint, log: Some(log), .. } = state else { return Ok(false) };
        let failed = |error: std::io::Error| self.at("read", CHECKPOINT, &error);
        let file = &*lock.checkpoint;
        if !checkpoint.is_current(file).map_err(failed)? {
            *checkpoint = Checkpoint::load(file, self.folder.boot()).map_err(failed)?;
        }
        let stat = log.file.stat().map_err(failed)?;
        let mark = checkpoint.summary.mark;
        let trusted = mark.recognises(&*log.file, &stat).map_err(failed)?;
        let to_read = if trusted { stat.size - mark.offset } else { stat.size };
        if budget.is_some_and(|budget| to_read > budget) {
            return Ok(false);
        }
        if trusted && to_read == 0 && mark.modified_ns != 0 {
            state.large = checkpoint.summary.tasks.is_none();
            return Ok(true);
        }
        if !trusted {
            checkpoint.start_anew();
        }
        let caught_up = checkpoint.summary.catch_up(&*log.file);
        if caught_up.is_err() {
            checkpoint.start_anew();
        }
        caught_up.map_err(failed)?;
        state.large = checkpoint.summary.tasks.is_none();
        checkpoint.store(file).map_err(|error| self.at("write", CHECKPOINT, &error))?;
        Ok(true)
    }

    /// The state, as soon as no other thread of this process works with it.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `take` gives, and how long it took: how long another thread of this process kept the state. Who
    /// waits for the folder next has that much less patience: else threads that wait for one stopped holder
    /// would do so one after the other.
    pub(crate) fn timed<T>(&self, take: impl FnOnce() -> T) -> (T, Duration) {
        let start = self.folder.monotonic();
        let taken = take();
        (taken, self.folder.monotonic().saturating_sub(start))
    }

    /// The state, if no other thread of this process keeps it for longer than `wait`. A thread that holds it
    /// for something short is waited for in any case: it may just have lost its turn on a busy machine.
    pub(crate) fn state_within(&self, wait: Duration) -> Option<MutexGuard<'_, State>> {
        let mut start = None;
        let mut pause = STATE_PAUSE.0;
        loop {
            match self.state.try_lock() {
                Ok(state) => return Some(state),
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => {}
            }
            let now = self.folder.monotonic();
            let limit = if wait.is_zero() || self.slow.load(Ordering::Relaxed) > 0 { wait } else { PATIENCE };
            if now.saturating_sub(*start.get_or_insert(now)) >= limit {
                return None;
            }
            self.folder.sleep(pause);
            pause = (pause * 2).min(STATE_PAUSE.1);
        }
    }

    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the log for reading; `None` if there is none.
    pub(crate) fn open_log(&self) -> Result<Option<Box<dyn File>>> {
        match self.folder.open(LOG, Open::Read) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.at("open", LOG, &error)),
        }
    }

    /// The columns of this open log, up to date.
    pub(crate) fn index_of(&self, log: &dyn File) -> Result<LogColumns> {
        let mut cached = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        let mut index = cached.take().unwrap_or_default();
        index.refresh(log).map_err(|error| self.at("read", LOG, &error))?;
        Ok(cached.insert(index).clone())
    }

    /// A failed system call on a file of the folder.
    pub(crate) fn at(&self, syscall: &'static str, name: &str, error: &std::io::Error) -> Error {
        at(&self.folder, syscall, name, error)
    }

    /// Forgets what is kept in memory only to be fast.
    pub fn forget(&self) {
        *self.index.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
