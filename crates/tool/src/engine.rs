//! The only file that calls the `store` crate.
//!
//! It owns how the tool uses the engine: which store object, how long a call waits, what is settled before a process
//! ends. A change of the engine's interface ends here.
//!
//! Invariant: a read takes no lock, creates nothing and waits for nothing. A write of one event starts no thread,
//! scans nothing and leaves a large `index.json` to processes that live longer.

use std::io;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use event::needle::Needle;
use store::disk::folder::RealFolder;
use store::disk::lines::{Walked, find_lines};
use store::disk::{Disk, File, FileId, Open};
use store::wait::patience::{Caller, Ending};
use store::{Appended, Expiry, Follower, LockCell, News, Obstacle, OnFault, Start, Store, Terms};

pub(crate) use store::{
    ArchiveFile, ArchivePlace, Backup, Damaged, Durability, Error as FolderError, Most, Noted,
    Outgoing as WhatWaits, Place, Report, Stats, Waiting,
};

use crate::exit::{Failure, Result};
use crate::text::safe::safe;

/// The log's name.
pub(crate) const LOG: &str = "events.ndjson";
/// The name of the sums for other programs.
pub(crate) const INDEX: &str = "index.json";
/// The name of the lines that rewriting set aside.
pub(crate) const REJECTED: &str = "events.rejected.ndjson";
/// The longest event that is accepted, in bytes.
pub(crate) const LONGEST_EVENT: usize = 64 << 20;

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

/// Looks at a line and where it stands, and says whether to go on.
pub(crate) type Visit<'a> = dyn FnMut(u64, &[u8]) -> Result<ControlFlow<()>> + 'a;

/// A file of the folder, open for reading.
pub(crate) struct StoreFile {
    file: Box<dyn File>,
    path: PathBuf,
}

impl StoreFile {
    /// Opens a file of a folder; `None` if there is none. Links, pipes and devices are refused: the engine writes to
    /// none, and what is read must be what is written.
    pub(crate) fn open(folder: &Path, name: &str) -> Result<Option<Self>> {
        let path = folder.join(name);
        match RealFolder::new(folder).open(name, Open::Read) {
            Ok(file) => Ok(Some(Self { file, path })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(failed("open", &path, &error)),
        }
    }

    /// Which file it is, and its length.
    pub(crate) fn stat(&self) -> Result<(FileId, u64)> {
        let stat = self.file.stat().map_err(|error| failed("fstat", &self.path, &error))?;
        Ok((stat.id, stat.size))
    }

    /// The parts of a log, ascending, that have all events of a time: all of it, where the checkpoint does not say.
    pub(crate) fn stretches(&self, since: Option<f64>, until: Option<f64>) -> Result<Vec<Range<u64>>> {
        let known = || {
            let store = Store::alone(Arc::new(RealFolder::new(self.path.parent()?)));
            store.stretches(&*self.file, since, until)
        };
        let timed = since.is_some() || until.is_some();
        match timed.then(known).flatten() {
            Some(stretches) => Ok(stretches),
            None => Ok(std::iter::once(0..self.stat()?.1).collect()),
        }
    }

    /// Visits the lines of a part that end in a newline, until `visit` breaks; with a needle, only those that may match
    /// it. In bounded memory; a long line that cannot be an event comes as one null byte.
    pub(crate) fn find_lines(
        &self,
        part: Range<u64>,
        needle: Option<&Needle>,
        visit: &mut Visit<'_>,
    ) -> Result<Walked> {
        let mut failure = None;
        let walked = find_lines(&*self.file, part, needle, &mut |offset, line| {
            visit(offset, line).unwrap_or_else(|error| {
                failure = Some(error);
                ControlFlow::Break(())
            })
        });
        match failure {
            Some(error) => Err(error),
            None => walked.map_err(|error| failed("read", &self.path, &error)),
        }
    }

    /// Calls `visit(offset, line, whole)` for each line of the file: the last one is not whole if it has no newline.
    /// Returns the length of all.
    pub(crate) fn for_each_line(&self, visit: &mut dyn FnMut(u64, &[u8], bool)) -> Result<u64> {
        let walked = self.find_lines(0..self.stat()?.1, None, &mut |offset, line| {
            visit(offset, line, true);
            Ok(ControlFlow::Continue(()))
        })?;
        if !walked.tail.is_empty() {
            visit(walked.whole, &walked.tail, false);
        }
        Ok(walked.end)
    }

    /// Reads at a position; 0 at the end.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.file.read_at(buffer, offset).map_err(|error| failed("read", &self.path, &error))
    }

    /// Reads up to so many bytes; fewer only at the end.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + crate::text::numbers::long(filled))? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// A failed system call on a file of the store, in the engine's words.
fn failed(syscall: &'static str, path: &Path, error: &io::Error) -> Failure {
    store::Error::io(syscall, path.to_string_lossy(), error).into()
}

/// A log as it grows, whatever replaces it.
pub(crate) struct Followed {
    follower: Follower,
    seen: u64,
}

/// What a look at a followed log gave beside lines.
#[derive(Default)]
pub(crate) struct Looked {
    /// Each time so many events went before they were seen; `None` if it cannot be known how many.
    pub(crate) gaps: Vec<Option<u64>>,
    /// So many lines are no events.
    pub(crate) malformed: u64,
}

impl Followed {
    /// Follows the log of a folder: `log`, if it is there, from `offset` on.
    pub(crate) fn new(folder: &Path, log: Option<StoreFile>, offset: u64) -> Result<Self> {
        let store = Store::alone(Arc::new(RealFolder::new(folder)));
        let follower = match log {
            Some(log) => Follower::behind(&store, log.file, offset)?,
            None => Follower::new(&store, Start::Beginning, None),
        };
        Ok(Self { follower, seen: 0 })
    }

    /// Hands out the events that came since the last look.
    pub(crate) fn poll(&mut self, visit: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Looked> {
        let mut looked = Looked::default();
        self.seen = self.follower.bell().count();
        loop {
            let news = self.follower.poll()?;
            looked.malformed += self.follower.take_malformed();
            match news {
                News::Events(given) => given.events().try_for_each(&mut *visit)?,
                News::Gap(missed) => looked.gaps.push(missed),
                News::Nothing => return Ok(looked),
            }
        }
    }

    /// Waits until a look is due.
    pub(crate) fn wait(&self) {
        self.follower.wait(self.seen);
    }
}

/// Makes creations and renames in a folder durable, as far as its file system knows how.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    RealFolder::new(folder).sync_folder().map_err(|error| Failure::io("fsync", folder, &error))
}

/// Adds a line to a small file of a folder; when it gets larger than `largest`, its older half goes.
pub(crate) fn append_bounded(folder: &Path, name: &str, line: &[u8], largest: usize) -> io::Result<()> {
    let place = RealFolder::new(folder);
    if !folder.exists() {
        place.create_folder()?;
    }
    let file = place.open(name, Open::Append)?;
    let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
    if size.saturating_add(line.len()) <= largest {
        return file.append(line).map(|_| ());
    }
    let keep = largest / 2;
    let mut kept = vec![0; keep];
    let read = file.read_at(&mut kept, crate::text::numbers::long(size.saturating_sub(keep)))?;
    kept.truncate(read);
    let start = memchr::memchr(b'\n', &kept).map_or(0, |newline| newline + 1);
    let text = [kept.get(start..).unwrap_or_default(), line].concat();
    let again = place.open(name, Open::Side)?;
    again.set_len(0)?;
    again.write_at(&text, 0).map(|_| ())
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
