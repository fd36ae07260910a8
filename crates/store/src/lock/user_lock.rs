//! The user-level lock: `acquireLock()` and what `save()` and `compact()` of a ledger hold.
//!
//! To JavaScript programs it is the file `.lock`, with the original's content, made at once with all of it
//! and refreshed while held. Among ourselves it is the operating system's lock on `.events.own`: exclusive,
//! and free the moment its holder dies, so that a `.lock` of ours whose `.events.own` is free belongs to a
//! dead process and is taken over at once.
//!
//! Invariant: between [`UserLock::acquire`] and [`UserLock::release`] no other process of ours gets past
//! `acquire`, and no JavaScript program that checks `.lock` does, unless we were stopped for so long that the
//! file went stale.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::disk::bytes::write_all_at;
use crate::disk::{File, FileId, Folder, Open};
use crate::error::{Error, Result};
use crate::lock::folder_lock::{at, path_of};
use crate::lock::lock_file::{self, Content, LockFile, Owner, Seen};
use crate::lock::takeover::{remove_drafts, remove_if_there, take_aside};
use crate::paths::{LOCK, OWNER, new_id, temporary};
use crate::store::Store;

/// First and longest pause between two tries.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(20));
/// How long a half-written or vanishing lock file is looked at again before it counts as held.
const LOOK_AGAIN: Duration = Duration::from_millis(1500);
/// Where the digits of the timestamp start: behind `{"holder":"<36 characters>","timestamp":`.
const TIMESTAMP_AT: u64 = 61;
/// A timestamp is written with at least so many digits, and later over itself, so that it keeps its length: a clock
/// that was never set says 2001.
const EARLIEST: u64 = 1_000_000_000_000;
/// JavaScript reads no larger whole numbers.
const LATEST: u64 = (1 << 53) - 1;

/// A held lock.
pub struct UserLock {
    file: Box<dyn File>,
    id: FileId,
    holder: String,
    /// The number of digits of the timestamp.
    digits: u32,
    /// Locked for as long as we hold; its closing frees it.
    _owner: Box<dyn File>,
}

impl UserLock {
    /// Takes the lock.
    ///
    /// # Errors
    /// [`Error::Locked`] if another holds it for longer than `wait`.
    pub fn acquire(folder: &Folder, wait: Duration) -> Result<Self> {
        folder.create_folder().map_err(|error| Error::io("mkdir", folder.path(), &error))?;
        let start = folder.monotonic();
        let mut pause = PAUSE.0;
        let mut seen = Seen::default();
        loop {
            let waited = folder.monotonic().saturating_sub(start);
            let (held, patience) = match Self::attempt(folder, &mut seen)? {
                Attempt::Taken(lock) => return Ok(lock),
                Attempt::Held(held) => (held, wait),
                Attempt::Unclear => (None, wait.max(LOOK_AGAIN)),
            };
            if waited >= patience {
                let (holder, age_ms) =
                    held.map_or_else(|| ("unknown".to_owned(), 0), |held| (held.holder, held.age_ms));
                return Err(Error::Locked { holder, age_ms, path: path_of(folder, LOCK) });
            }
            folder.sleep(pause.min(patience.saturating_sub(waited)));
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    fn attempt(folder: &Folder, seen: &mut Seen) -> Result<Attempt> {
        let owner = match folder.open(OWNER, Open::Side) {
            Ok(owner) => owner,
            // The folder was removed between its creation and now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Attempt::Unclear),
            Err(error) => return Err(at(folder, "open", OWNER, &error)),
        };
        let mut read =
            || lock_file::read(folder, LOCK, seen).map_err(|error| at(folder, "read", LOCK, &error));
        if !owner.try_lock().map_err(|error| at(folder, "flock", OWNER, &error))? {
            return Ok(read()?.map_or(Attempt::Unclear, |file| Attempt::Held(Some(file))));
        }
        let pinned = owner.stat().map_err(|error| at(folder, "fstat", OWNER, &error))?.id;
        let named = folder.stat(OWNER).map_err(|error| at(folder, "stat", OWNER, &error))?;
        if named.is_none_or(|stat| stat.id != pinned) {
            return Ok(Attempt::Unclear);
        }
        match read()? {
            Some(file) if file.owner == Owner::Foreign => return Ok(Attempt::Held(Some(file))),
            Some(file) if file.owner == Owner::Unsettled => return Ok(Attempt::Unclear),
            Some(file) if !file.stat.regular => remove_if_there(folder)?,
            Some(_) if !take_aside(folder, seen)? => return Ok(Attempt::Unclear),
            _ => {}
        }
        remove_drafts(folder);
        create(folder, owner)
    }

    /// Writes a new timestamp, so that JavaScript programs see that the holder lives.
    ///
    /// # Errors
    /// Whatever `write` says.
    pub fn refresh(&self, now_ms: u64) -> io::Result<()> {
        if self.names_another() {
            return Ok(());
        }
        write_all_at(&*self.file, with_digits(now_ms, self.digits).as_bytes(), TIMESTAMP_AT)
    }

    /// Gives the lock up. A `.lock` that somebody else put in place of ours, or wrote into it, is left alone.
    ///
    /// # Errors
    /// Whatever `unlink` says; the lock is free among our processes all the same.
    pub fn release(self, folder: &Folder) -> Result<()> {
        let named = folder.stat(LOCK).map_err(|error| at(folder, "stat", LOCK, &error))?;
        let ours = named.is_some_and(|stat| stat.id == self.id) && !self.names_another();
        if ours { remove_if_there(folder) } else { Ok(()) }
    }

    /// Whether a JavaScript program that raced us for the lock wrote its own content into our file.
    fn names_another(&self) -> bool {
        lock_file::names_another(&*self.file, &self.holder)
    }
}

/// Where a store object keeps its lock, and what keeps the lock fresh finds it.
#[derive(Default)]
pub struct LockCell {
    held: Mutex<Held>,
    /// Whether somebody refreshes it. Changed with `held` locked only.
    tended: AtomicBool,
}

#[derive(Default)]
struct Held {
    lock: Option<(Arc<Store>, UserLock)>,
    /// Whoever could give a lock up is gone: none is kept any more.
    closed: bool,
}

impl LockCell {
    /// Puts a lock in. Returns whether somebody has to be asked to refresh it.
    ///
    /// # Errors
    /// As [`UserLock::release`], if the cell is closed and the lock is given up at once.
    pub fn put(&self, store: Arc<Store>, lock: UserLock) -> Result<bool> {
        let mut held = self.held();
        if held.closed {
            drop(held);
            return store.release_user_lock(lock).map(|()| false);
        }
        held.lock = Some((store, lock));
        Ok(!self.tended.swap(true, Ordering::Relaxed))
    }

    /// Gives the lock up, if there is one.
    ///
    /// # Errors
    /// As [`UserLock::release`].
    pub fn give_up(&self) -> Result<()> {
        let taken = self.held().lock.take();
        taken.map_or(Ok(()), |(store, lock)| store.release_user_lock(lock))
    }

    /// Gives the lock up, and at once each that is put in later: its owner is gone.
    pub fn close(&self) {
        self.held().closed = true;
        // Nobody is left to be told; the lock is free among our processes all the same.
        let _ = self.give_up();
    }

    /// Refreshes the lock. Returns whether there is one.
    pub fn refresh(&self, now_ms: u64) -> bool {
        let held = self.held();
        // What cannot be written now is written next time.
        let there = held.lock.as_ref().map(|(_, lock)| lock.refresh(now_ms)).is_some();
        self.tended.store(there, Ordering::Relaxed);
        there
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Attempt {
    Taken(UserLock),
    /// Somebody holds it, with what its file says if it could be read.
    Held(Option<LockFile>),
    /// Somebody is just taking it or giving it up.
    Unclear,
}

/// Makes `.lock` with all of its content at once.
fn create(folder: &Folder, owner: Box<dyn File>) -> Result<Attempt> {
    let holder = new_id(folder.random());
    let timestamp = folder.now_ms().clamp(EARLIEST, LATEST);
    let content = Content { holder: &holder, timestamp, pid: std::process::id() };
    let text = serde_json::to_vec(&content).unwrap_or_default();
    let name = temporary(LOCK, &holder);
    let file = folder.open(&name, Open::New).map_err(|error| at(folder, "open", &name, &error))?;
    let linked = write_all_at(&*file, &text, 0).and_then(|()| folder.link(&name, LOCK));
    let _ = folder.remove(&name);
    let file = match linked {
        Ok(()) => file,
        // Or `.events.own` was removed by `destroy()`, and another of us removed the draft.
        Err(error) if matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::NotFound) => {
            return Ok(Attempt::Unclear);
        }
        // A file system without hard links: the name is exclusive all the same, its content comes a moment
        // later.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported) =>
        {
            match folder.open(LOCK, Open::New).and_then(|file| write_all_at(&*file, &text, 0).map(|()| file))
            {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Attempt::Unclear),
                Err(error) => return Err(at(folder, "open", LOCK, &error)),
            }
        }
        Err(error) => return Err(at(folder, "link", LOCK, &error)),
    };
    let id = file.stat().map_err(|error| at(folder, "fstat", LOCK, &error))?.id;
    let digits = timestamp.ilog10() + 1;
    Ok(Attempt::Taken(UserLock { file, id, holder, digits, _owner: owner }))
}

/// A number of exactly so many digits: the nearest to `number`.
fn with_digits(number: u64, digits: u32) -> String {
    let first = 10_u64.pow(digits.saturating_sub(1));
    number.clamp(first, first.saturating_mul(10) - 1).to_string()
}

#[cfg(test)]
mod tests {
    use super::{Content, TIMESTAMP_AT, with_digits};

    #[test]
    fn a_timestamp_keeps_its_length_whatever_the_clock_says() {
        for (now, text) in [
            (0, "1000000000000"),
            (999_999_999_999, "1000000000000"),
            (1_764_000_000_000, "1764000000000"),
            (10_000_000_000_000, "9999999999999"),
            (u64::MAX, "9999999999999"),
        ] {
            assert_eq!(with_digits(now, 13), text);
        }
        assert_eq!(with_digits(1_764_000_000_000, 14), "10000000000000");
        assert_eq!(with_digits(u64::MAX, 16), "9999999999999999");
    }

    #[test]
    fn the_timestamp_is_where_refresh_writes_it() {
        let holder = super::new_id(1);
        let text = serde_json::to_string(&Content { holder: &holder, timestamp: 1_764_000_000_000, pid: 7 })
            .unwrap();
        let at = usize::try_from(TIMESTAMP_AT).unwrap();
        assert_eq!(&text[at..], "1764000000000,\"pid\":7}");
    }
}
