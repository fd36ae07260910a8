//! The folder lock: among our processes, one at a time writes.
//!
//! It is the operating system's lock on `.events.lk`, so it dies with its holder. No wait is without a
//! deadline: the lock is tried, not waited for, since a stopped holder would block a waiter for ever.
//!
//! A process that writes in a burst would take the lock again faster than a waiter can look. Therefore waiters queue
//! at a second lock, the gate, and a process that held the folder lock a moment ago passes through the gate first:
//! between two leases of a busy writer each waiter gets its turn.
//!
//! Invariant: while [`FolderLock::acquire`] has succeeded and [`FolderLock::release`] has not been called, no
//! other process holds a lock on the file that `.events.lk` names, and that name still leads to our file.

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::disk::{File, FileId, Open};
use crate::error::{Error, Obstacle, Result};
use crate::folder::Folder;
use crate::hints::checkpoint;
use crate::limits::COURTESY;
use crate::paths::{CHECKPOINT, FOLDER_LOCK, GATE};
use crate::wait::patience::{Patience, Pauses};

/// Pauses of a waiter that has just come.
const PAUSES: Pauses = Pauses(Duration::from_micros(20), Duration::from_micros(500));
/// The pause of the first in line, and of a waiter that has waited for longer than [`LONG`]: a waiter that looks more
/// often than others comes first.
const SHORT: Duration = Duration::from_micros(50);
const LONG: Duration = Duration::from_millis(5);
/// The pause of a waiter that has waited for longer than [`VERY_LONG`]: the holder is stopped, or works for long.
const RARE: Duration = Duration::from_millis(2);
const VERY_LONG: Duration = Duration::from_secs(1);
/// A process that waits at the gate longer than this also looks at the lock itself: the gate's holder may be stopped.
const GATE_PATIENCE: Duration = Duration::from_millis(100);

/// The lock's open files, and the checkpoint's, which lives and dies with them.
pub(crate) struct FolderLock {
    lock: Box<dyn File>,
    gate: Box<dyn File>,
    id: FileId,
    /// The checkpoint's file. Written by the lock's holder only.
    pub(crate) checkpoint: Box<dyn File>,
    released: Option<Duration>,
}

impl FolderLock {
    /// Opens the lock's files, creating the folder if need be.
    pub(crate) fn open(folder: &Folder) -> Result<Self> {
        let open = |name: &'static str| {
            folder.open(name, Open::Side).map_err(|error| folder.failed("open", name, &error))
        };
        let lock = match open(FOLDER_LOCK) {
            Err(error) if error.is_not_found() => {
                folder.create_folder().map_err(|error| Error::io("mkdir", folder.path(), &error))?;
                open(FOLDER_LOCK)?
            }
            other => other?,
        };
        let id = lock.stat().map_err(|error| folder.failed("fstat", FOLDER_LOCK, &error))?.id;
        let checkpoint = open(CHECKPOINT)?;
        refuse_planted(&*checkpoint).map_err(|error| folder.failed("open", CHECKPOINT, &error))?;
        Ok(Self { lock, gate: open(GATE)?, id, checkpoint, released: None })
    }

    /// Takes the lock. `Ok(false)`: the files were removed; open them anew.
    pub(crate) fn acquire(&mut self, folder: &Folder, patience: &Patience) -> Result<bool> {
        let now = folder.monotonic();
        let was_ours = self.released.is_some_and(|then| now.saturating_sub(then) < COURTESY);
        if was_ours || !self.try_lock(folder)? {
            self.wait_in_line(folder, patience)?;
        }
        let now = folder.stat(FOLDER_LOCK).map_err(|error| folder.failed("stat", FOLDER_LOCK, &error))?;
        if now.is_some_and(|stat| stat.id == self.id) {
            return Ok(true);
        }
        self.release(folder);
        Ok(false)
    }

    /// Gives the lock up.
    pub(crate) fn release(&mut self, folder: &Folder) {
        // Unlocking a file that we hold open cannot fail in a way that leaves it locked for longer than our
        // life.
        let _ = self.lock.unlock();
        self.released = Some(folder.monotonic());
    }

    fn try_lock(&self, folder: &Folder) -> Result<bool> {
        self.lock.try_lock().map_err(|error| folder.failed("flock", FOLDER_LOCK, &error))
    }

    fn wait_in_line(&self, folder: &Folder, patience: &Patience) -> Result<()> {
        let time = &*folder.background().time;
        let since = folder.monotonic();
        let mut first_in_line = false;
        let mut pause = PAUSES.0;
        let taken: Result<Option<()>> = patience.poll_at(time, || {
            first_in_line = first_in_line
                || self.gate.try_lock().map_err(|error| folder.failed("flock", GATE, &error))?;
            let waited = folder.monotonic().saturating_sub(since);
            let taken = (first_in_line || waited > GATE_PATIENCE) && self.try_lock(folder)?;
            if taken {
                return Ok(ControlFlow::Break(()));
            }
            pause = if waited > VERY_LONG {
                RARE
            } else if waited < GATE_PATIENCE && (first_in_line || waited > LONG) {
                SHORT
            } else {
                (pause * 2).min(PAUSES.1)
            };
            Ok(ControlFlow::Continue(pause))
        });
        if first_in_line {
            let _ = self.gate.unlock();
        }
        taken?.ok_or_else(|| folder.busy(FOLDER_LOCK, patience, Obstacle::Process(self.lock.lock_holder())))
    }
}

/// Fails if writing a checkpoint there would destroy another file. Of the lock's files it alone is written to. A copy
/// of the folder by hard links has a checkpoint with two names, which does no harm.
fn refuse_planted(checkpoint: &dyn File) -> io::Result<()> {
    if checkpoint.stat()?.links > 1 && !checkpoint::is_one(checkpoint)? {
        return Err(io::Error::new(io::ErrorKind::TooManyLinks, "the file has another name (a hard link)"));
    }
    Ok(())
}
