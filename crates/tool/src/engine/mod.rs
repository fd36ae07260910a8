//! The only folder that calls the `store` crate.
//!
//! It owns how the tool uses the engine: which store object, how long a call waits, what is settled before a process
//! ends. A change of the engine's interface ends here.
//!
//! Invariant: a read takes no lock, creates nothing and waits for nothing. A write of one event starts no thread,
//! scans nothing and leaves a large `index.json` to processes that live longer.

mod followed;
mod store_file;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use store::disk::folder::RealFolder;
use store::wait::patience::{Caller, Ending};
use store::{Appended, Expiry, LockCell, Obstacle, OnFault, Store, Terms};

pub(crate) use followed::Followed;
pub(crate) use store::{
    ArchiveFile, ArchivePlace, Backup, Damaged, Durability, Error as FolderError, MAX_LINE, MAX_READ_LINE,
    Most, Noted, Outgoing as WhatWaits, Place, Report, Stats, Waiting,
};
pub(crate) use store_file::{StoreFile, append_bounded, sync_folder};

use crate::exit::{Failure, Result};
use crate::text::numbers::{count, long};
use crate::text::safe::safe;

/// The log's name.
pub(crate) const LOG: &str = "events.ndjson";
/// The name of the sums for other programs.
pub(crate) const INDEX: &str = "index.json";
/// The name of the lines that rewriting set aside.
pub(crate) const REJECTED: &str = "events.rejected.ndjson";

/// What the tool calls its settings.
const TERMS: Terms = Terms { wait: "wait longer with --lock-timeout 1m", folder: "--dir" };

/// One folder, as the tool writes to it.
pub(crate) struct Engine {
    path: PathBuf,
    store: Arc<Store>,
}

impl Engine {
    /// The folder at an absolute path, which need not exist. Touches no disk.
    pub(crate) fn at(path: &Path) -> Self {
        // No leases: a lease needs a thread that ends it.
        Self { path: path.to_owned(), store: Store::alone(Arc::new(RealFolder::new(path))) }
    }

    /// Appends whole lines, each ending in a newline, all of them or none. Returns once they are accepted.
    pub(crate) fn append(&self, lines: Vec<u8>, durability: Durability) -> Result<()> {
        match self.store.append(lines, OnFault::Refuse, durability)? {
            Appended::Settled | Appended::Leased => Ok(()),
            Appended::Written(ticket) | Appended::Queued(ticket) => {
                Ok(self.store.settle(&(ticket..=ticket), durability, &self.store.caller())?)
            }
        }
    }

    /// The same, waiting for other processes no longer than `wait`. Makes an `index.json`, and leaves bringing it up
    /// to date to others: replacing a file costs as much as all the rest of the call.
    pub(crate) fn append_within(&self, lines: Vec<u8>, wait: Duration) -> Result<()> {
        let ticket = match self.store.append(lines, OnFault::Refuse, Durability::Process)? {
            Appended::Settled | Appended::Leased => return Ok(()),
            Appended::Written(ticket) | Appended::Queued(ticket) => ticket,
        };
        self.store.flush_at_exit(wait);
        if self.store.waiting_lines() > 0 {
            let text =
                format!("ELOCKED: another process kept '{}' for {} ms", self.shown(), wait.as_millis());
            return Err(Failure::Locked(text));
        }
        // What could be had within the wait was had; this says whether the lines were refused.
        let over = Ending::default();
        over.end();
        let caller = Caller::new(&*self.store.folder().background().time, &over);
        Ok(self.store.settle(&(ticket..=ticket), Durability::Process, &caller)?)
    }

    /// Before a process ends: a small `index.json` that has not been updated for a second is.
    pub(crate) fn finish(&self) {
        self.store.flush_at_exit(Duration::ZERO);
    }

    /// Brings `index.json` up to date.
    pub(crate) fn flush(&self, durability: Durability) -> Result<()> {
        Ok(self.store.flush(durability, &self.store.caller())?)
    }

    /// The sums over the log.
    pub(crate) fn stats(&self) -> Result<Stats> {
        Ok(self.store.stats(&self.store.caller())?)
    }

    /// A report on every line.
    pub(crate) fn verify(&self) -> Result<Report> {
        Ok(self.store.verify()?)
    }

    /// Closes a torn tail, sets malformed lines aside, writes `index.json` anew. Returns how many lines went.
    pub(crate) fn repair(&self) -> Result<u64> {
        Ok(self.store.repair(&self.store.caller())?)
    }

    /// Evicts the oldest events, so many of them, into an archive if one is named. Returns how many went.
    pub(crate) fn evict(&self, count: u64, archive: Option<&ArchivePlace>) -> Result<u64> {
        Ok(self.store.evict(count, archive, &self.store.caller())?)
    }

    /// Writes a backup to the file at an absolute path.
    pub(crate) fn backup(&self, file: &Path, archive: Option<&ArchivePlace>) -> Result<Backup> {
        Ok(self.store.backup(file, archive, &self.store.caller())?)
    }

    /// Visits the lines of the archive beside the log, then those of the log.
    pub(crate) fn lines_of_both(
        &self,
        visit: &mut dyn FnMut(&[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let mut both = self.store.lines_of_both(&ArchivePlace::Beside)?;
        while let Some(lines) = both.next_lines()? {
            for line in lines.split(|&byte| byte == b'\n') {
                if visit(line)?.is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Has rewrites of this folder save what is not shipped, from now on.
    pub(crate) fn begin_shipping(&self) -> Result<()> {
        Ok(self.store.begin_shipping(&self.store.caller())?)
    }

    /// Whether the folder ships.
    pub(crate) fn ships(&self) -> Result<bool> {
        Ok(self.store.ships()?)
    }

    /// What is noted of its shipping, and how many bytes wait; `None` if it does not ship.
    pub(crate) fn shipping(&self) -> Result<Option<(Noted, u64)>> {
        Ok(self.store.shipping()?)
    }

    /// Whether a shipper is to be started for what was just written.
    pub(crate) fn wants_shipper(&self) -> Result<bool> {
        Ok(self.store.wants_shipper(&self.store.caller())?)
    }

    /// What waits for a shared store; `None` while another process ships it.
    pub(crate) fn outgoing(&self) -> Result<Option<WhatWaits>> {
        Ok(self.store.outgoing(self.store.caller())?)
    }

    /// Takes the folder's lock, the one that `acquireLock()` takes, and keeps it fresh.
    pub(crate) fn lock(&self, wait: Duration) -> Result<Lock> {
        let cell = Arc::new(LockCell::default());
        let (sender, receiver) = std::sync::mpsc::channel();
        let folder = self.store.folder();
        let done = Box::new(move |acquired| drop(sender.send(acquired)));
        if let Err(work) = cell.acquire(folder, folder.patience(wait), done) {
            // No thread can be had; this one waits anyway.
            work();
        }
        receiver.recv().map_err(|_| Failure::System("the wait for the lock ended".to_owned()))??;
        Ok(Lock(cell))
    }

    /// What keeps other processes from writing for as long as `wait`, if something does. Changes nothing.
    pub(crate) fn folder_lock_holder(&self, wait: Duration) -> Result<Option<Held>> {
        match self.store.look_at_folder_lock(wait) {
            Ok(()) => Ok(None),
            Err(store::Error::Busy { path, waited_ms, by }) => {
                let pid = if let Obstacle::Process(pid) = by { pid } else { None };
                Ok(Some(Held { path: safe(&path).into_owned(), pid, waited_ms }))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What to say of the program that holds `.lock`, if one does, and its number. Changes nothing.
    pub(crate) fn user_lock_holder(&self, wait: Duration) -> Result<Option<(Failure, Option<u32>)>> {
        match self.store.look_at_user_lock(wait) {
            Ok(()) => Ok(None),
            Err(error) => match error {
                store::Error::Locked { pid, .. } => Ok(Some((error.into(), pid))),
                other => Err(other.into()),
            },
        }
    }

    fn shown(&self) -> String {
        safe(&self.path.to_string_lossy()).into_owned()
    }
}

/// A folder that another process holds.
pub(crate) struct Held {
    pub(crate) path: String,
    pub(crate) pid: Option<u32>,
    pub(crate) waited_ms: u64,
}

/// The held lock of a folder.
pub(crate) struct Lock(Arc<LockCell>);

impl Lock {
    /// Gives it up.
    pub(crate) fn release(&self) -> Result<()> {
        Ok(self.0.give_up()?)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Why a text of this many bytes or more is refused.
pub(crate) fn too_long(bytes: usize) -> String {
    format!("{} bytes or more, where {} MiB are the most", count(long(bytes)), MAX_LINE >> 20)
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        let message = safe(&error.in_terms(TERMS).to_string()).into_owned();
        if error.code() != "ELOCKED" {
            return Self::System(message);
        }
        let more = match error {
            store::Error::Locked { expiry: Expiry::WithHolder, .. } => {
                "\nIt is free as soon as its holder gives it back or ends.".to_owned()
            }
            store::Error::Locked { expiry: Expiry::AfterMs(left), .. } => format!(
                "\nA program that uses the JavaScript module made it: it is free when that program removes it, or \
                 when it is 30 s old, in {} s.",
                left.max(0).unsigned_abs().div_ceil(1000)
            ),
            _ => String::new(),
        };
        Self::Locked(message + &more)
    }
}
