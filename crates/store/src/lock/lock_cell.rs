//! Where a store object keeps its user-level lock: taken without holding up any thread, refreshed while it is
//! held.
//!
//! Invariant: a lock that comes after the cell was closed is given up at once.

use std::sync::Arc;

use crate::error::Result;
use crate::folder::Folder;
use crate::limits::LOCK_REFRESH;
use crate::lock::user_lock::{LockTurn, UserLock};
use crate::wait::Work;
use crate::wait::patience::Patience;
use crate::wait::shared::Shared;

/// Called with the outcome of [`LockCell::acquire`].
pub type Acquired = Box<dyn FnOnce(Result<()>) + Send>;

/// Where a store object keeps its lock, and what keeps the lock fresh finds it.
#[derive(Default)]
pub struct LockCell {
    held: Shared<Held>,
}

#[derive(Default)]
struct Held {
    lock: Option<(Folder, Arc<UserLock>)>,
    /// Whether the background thread refreshes it.
    refreshed: bool,
    /// The owner is gone: no lock is kept any more.
    closed: bool,
}

/// A caller who waits for the lock.
struct Waiting {
    cell: Arc<LockCell>,
    folder: Folder,
    turn: LockTurn,
    done: Acquired,
}

impl Waiting {
    /// One attempt; if the lock is held, another one later.
    fn step(mut self) {
        loop {
            match self.turn.attempt() {
                Ok(Some(lock)) => return (self.done)(self.cell.put(&self.folder, lock)),
                Ok(None) => {}
                Err(error) => return (self.done)(Err(error)),
            }
            let pause = self.turn.pause();
            let background = Arc::clone(self.folder.background());
            let place = Arc::new(Shared::new(Some(self)));
            let (quick, taken) = (Arc::clone(&background.quick), Arc::clone(&place));
            let chore = Box::new(move || {
                let waiting = taken.take()?;
                // The lane has a thread, or this one does it.
                if let Err(work) = quick.run(Box::new(move || waiting.step())) {
                    work();
                }
                None
            });
            if background.timers.after(pause, chore).is_ok() {
                return;
            }
            // Without a background thread this one waits.
            let Some(waiting) = place.take() else { return };
            self = waiting;
            background.time.sleep(pause);
        }
    }
}

impl LockCell {
    /// Takes the lock for this cell. While it is held by another, no thread waits.
    ///
    /// # Errors
    /// Gives the work back if no thread can be had for it.
    pub fn acquire(
        self: &Arc<Self>,
        folder: &Folder,
        patience: Patience,
        done: Acquired,
    ) -> std::result::Result<(), Work> {
        let turn = LockTurn::new(folder, patience);
        let waiting = Waiting { cell: Arc::clone(self), folder: folder.clone(), turn, done };
        folder.background().quick.run(Box::new(move || waiting.step()))
    }

    /// Keeps the lock's timestamp fresh for as long as there is a lock.
    fn keep_fresh(self: &Arc<Self>, folder: &Folder) {
        let cell = Arc::clone(self);
        // Without a background thread the lock goes stale for JavaScript programs, not for ours.
        drop(
            folder
                .background()
                .timers
                .after(LOCK_REFRESH, Box::new(move || cell.refresh().then_some(LOCK_REFRESH))),
        );
    }

    /// Puts a lock in.
    ///
    /// # Errors
    /// As [`UserLock::release`], if the cell is closed and the lock is given up at once.
    fn put(self: &Arc<Self>, folder: &Folder, lock: UserLock) -> Result<()> {
        let lock = Arc::new(lock);
        let (closed, refreshed) = self.held.with(|held| {
            if !held.closed {
                held.lock = Some((folder.clone(), Arc::clone(&lock)));
            }
            (held.closed, std::mem::replace(&mut held.refreshed, true))
        });
        if closed {
            return lock.release(folder);
        }
        if !refreshed {
            self.keep_fresh(folder);
        }
        Ok(())
    }

    /// Gives the lock up, if there is one.
    ///
    /// # Errors
    /// As [`UserLock::release`].
    pub fn give_up(&self) -> Result<()> {
        let taken = self.held.with(|held| held.lock.take());
        taken.map_or(Ok(()), |(folder, lock)| lock.release(&folder))
    }

    /// Gives the lock up, and at once each that is put in later: its owner is gone.
    pub fn close(&self) {
        self.held.with(|held| held.closed = true);
        // No caller is left; the lock is free among our processes all the same.
        let _ = self.give_up();
    }

    /// Whether a lock is held.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held.with(|held| held.lock.is_some())
    }

    /// Refreshes the lock. Returns whether there is one.
    fn refresh(&self) -> bool {
        let held = self.held.with(|held| {
            held.refreshed = held.lock.is_some();
            held.lock.clone()
        });
        // What cannot be written now is written next time.
        held.map(|(folder, lock)| lock.refresh(folder.now_ms())).is_some()
    }
}
