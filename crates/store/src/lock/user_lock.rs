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
use std::time::Duration;

use crate::disk::bytes::write_all_at;
use crate::disk::{File, FileId, Open};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::lock::lock_file::{self, Content, LockFile, Owner, Seen};
use crate::lock::takeover::{remove_drafts, remove_if_there, take_aside};
use crate::paths::{LOCK, OWNER, new_id, temporary};
use crate::wait::patience::Patience;

/// First and longest pause between two tries.
const PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));
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
    /// Locked for as long as we hold.
    owner: Box<dyn File>,
}

impl UserLock {
    /// Takes the lock, waiting in the calling thread.
    ///
    /// # Errors
    /// [`Error::Locked`] if another holds it for longer than `patience` lasts.
    pub fn acquire(folder: &Folder, patience: &Patience) -> Result<Self> {
        let mut turn = LockTurn::new(folder, patience.clone());
        loop {
            match turn.attempt()? {
                Some(lock) => return Ok(lock),
                None => folder.background().time.sleep(turn.pause()),
            }
        }
    }

    fn attempt(folder: &Folder, seen: &mut Seen) -> Result<Attempt> {
        let owner = match folder.open(OWNER, Open::Side) {
            Ok(owner) => owner,
            // The folder was removed between its creation and now.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Attempt::Unclear),
            Err(error) => return Err(folder.failed("open", OWNER, &error)),
        };
        let mut read =
            || lock_file::read(folder, LOCK, seen).map_err(|error| folder.failed("read", LOCK, &error));
        if !owner.try_lock().map_err(|error| folder.failed("flock", OWNER, &error))? {
            return Ok(read()?.map_or(Attempt::Unclear, |file| Attempt::Held(Some(file))));
        }
        let pinned = owner.stat().map_err(|error| folder.failed("fstat", OWNER, &error))?.id;
        let named = folder.stat(OWNER).map_err(|error| folder.failed("stat", OWNER, &error))?;
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

    /// Gives the lock up. A `.lock` that another program put in place of ours, or wrote into it, is left alone.
    ///
    /// # Errors
    /// Whatever `unlink` says; the lock is free among our processes all the same.
    pub fn release(&self, folder: &Folder) -> Result<()> {
        let removed = self.remove(folder);
        // A thread that refreshes it just now may still have the file open.
        let _ = self.owner.unlock();
        removed
    }

    fn remove(&self, folder: &Folder) -> Result<()> {
        let named = folder.stat(LOCK).map_err(|error| folder.failed("stat", LOCK, &error))?;
        let ours = named.is_some_and(|stat| stat.id == self.id) && !self.names_another();
        if ours { remove_if_there(folder) } else { Ok(()) }
    }

    /// Whether a JavaScript program that raced us for the lock wrote its own content into our file.
    fn names_another(&self) -> bool {
        lock_file::names_another(&*self.file, &self.holder)
    }
}

/// One caller's attempts to take the lock, for as long as its patience lasts.
pub(crate) struct LockTurn {
    folder: Folder,
    patience: Patience,
    /// What is unclear is looked at again for a while, whatever the patience.
    look_again: Patience,
    pause: Duration,
    /// The `.lock` that stands in the way.
    seen: Seen,
}

impl LockTurn {
    /// Nothing was tried yet.
    #[must_use]
    pub(crate) fn new(folder: &Folder, patience: Patience) -> Self {
        let look_again = folder.patience(LOOK_AGAIN);
        Self { folder: folder.clone(), patience, look_again, pause: PAUSE.0, seen: Seen::default() }
    }

    /// Takes the lock; `None`: not yet, try again after [`LockTurn::pause`].
    ///
    /// # Errors
    /// [`Error::Locked`] or [`Error::Closed`] if the patience is over; whatever the disk says.
    pub(crate) fn attempt(&mut self) -> Result<Option<UserLock>> {
        let folder = &self.folder;
        folder.create_folder().map_err(|error| Error::io("mkdir", folder.path(), &error))?;
        let time = &*folder.background().time;
        let over = self.patience.left(time).is_zero();
        let attempt = match UserLock::attempt(folder, &mut self.seen) {
            // No descriptor is free just now.
            Err(error)
                if error.is_out_of_descriptors() && !(over && self.look_again.left(time).is_zero()) =>
            {
                return Ok(None);
            }
            attempt => attempt?,
        };
        let held = match attempt {
            Attempt::Taken(lock) => return Ok(Some(lock)),
            Attempt::Held(held) if over => held,
            Attempt::Unclear if over && self.look_again.left(time).is_zero() => None,
            Attempt::Held(_) | Attempt::Unclear => return Ok(None),
        };
        if self.patience.has_ended() {
            return Err(Error::Closed { path: folder.path_of(LOCK) });
        }
        Err(lock_file::refusal(folder, held))
    }

    /// How long to pause before the next attempt.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSE.1);
        pause
    }
}

enum Attempt {
    Taken(UserLock),
    /// It is held, with what its file says if it could be read.
    Held(Option<LockFile>),
    /// It is just being taken or given up.
    Unclear,
}

/// Makes `.lock` with all of its content at once.
fn create(folder: &Folder, owner: Box<dyn File>) -> Result<Attempt> {
    let holder = new_id(folder.random());
    let timestamp = folder.now_ms().clamp(EARLIEST, LATEST);
    let content = Content { holder: &holder, timestamp, pid: std::process::id() };
    let text = serde_json::to_vec(&content).unwrap_or_default();
    let name = temporary(LOCK, &holder);
    let file = folder.open(&name, Open::New).map_err(|error| folder.failed("open", &name, &error))?;
    let linked = write_all_at(&*file, &text, 0).and_then(|()| folder.link(&name, LOCK));
    let _ = folder.remove(&name);
    let file = match linked {
        Ok(()) => file,
        // Or `.events.own` was removed by `destroy()`, and another process of ours removed the draft.
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
                Err(error) => return Err(folder.failed("open", LOCK, &error)),
            }
        }
        Err(error) => return Err(folder.failed("link", LOCK, &error)),
    };
    let id = file.stat().map_err(|error| folder.failed("fstat", LOCK, &error))?.id;
    let digits = timestamp.ilog10() + 1;
    Ok(Attempt::Taken(UserLock { file, id, holder, digits, owner }))
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
