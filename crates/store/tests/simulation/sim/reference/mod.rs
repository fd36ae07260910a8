//! A naive twin of the engine, with bugs to order: shows that the simulator lets a right store pass and finds
//! wrong ones.
//!
//! It follows the protocol of the log to the letter and without any cleverness: no checkpoint, no lease, no
//! batching. Every read is a scan.

mod rewrite;

use std::io;
use std::time::Duration;

use serde_json::Value;
use store::disk::{File, Open};
use store::folder::Folder;

use super::process::Installed;
use super::subject::{Answer, Refusal, Subject, System, Totals};

const LOG: &str = "events.ndjson";
const REJECTED: &str = "events.rejected.ndjson";
const FOLDER_LOCK: &str = ".events.lk";
const OWNER: &str = ".events.own";
/// Longer than any process is ever stopped.
const PATIENCE: Duration = Duration::from_secs(60);

/// A way to be wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Bug {
    /// Appends behind half a line.
    NoHealing,
    /// Cuts half a line off, where it should close it.
    Truncates,
    /// Takes no lock.
    NoLock,
    /// Takes a short write for a whole one.
    TrustsShortWrites,
    /// Says "on the medium" without having synced.
    NoSync,
    /// Syncs again after a failed sync, and believes it.
    RetriesSync,
    /// Does not make a new log's name durable.
    NoFolderSync,
    /// A rewrite forgets the lines that arrived while it was reading.
    NoLateCopy,
    /// A rewrite renames what is not yet on the medium.
    NoSyncBeforeRename,
    /// A rewrite does not look what others still write into the replaced log.
    NoDrain,
    /// The rewrite of a process that died is not finished.
    NoRecovery,
    /// A rewrite drops lines that it does not understand.
    DropsMalformed,
    /// A reader takes half a line's place for the end, and counts wrong.
    CountsTornTail,
    /// Compaction keeps those that stand last, whatever their timestamps.
    EvictsByPlace,
}

impl Bug {
    pub(crate) const ALL: [Self; 14] = [
        Self::NoHealing,
        Self::Truncates,
        Self::NoLock,
        Self::TrustsShortWrites,
        Self::NoSync,
        Self::RetriesSync,
        Self::NoFolderSync,
        Self::NoLateCopy,
        Self::NoSyncBeforeRename,
        Self::NoDrain,
        Self::NoRecovery,
        Self::DropsMalformed,
        Self::CountsTornTail,
        Self::EvictsByPlace,
    ];
}

/// Opens twins, with a bug or without.
pub(crate) struct Reference(pub(crate) Option<Bug>);

struct Twin {
    folder: Folder,
    durable: bool,
    bug: Option<Bug>,
    owner: Option<Box<dyn File>>,
}

impl System for Reference {
    fn open(&self, installed: &Installed, durable: bool) -> Answer<Box<dyn Subject>> {
        let folder = installed.folder();
        folder.create_folder().map_err(refusal)?;
        Ok(Box::new(Twin { folder, durable, bug: self.0, owner: None }))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refusal(error: impl ToString) -> Refusal {
    Refusal { busy: false, accepted: 0, text: error.to_string() }
}

fn busy() -> Refusal {
    Refusal { busy: true, accepted: 0, text: "locked".to_owned() }
}

impl Subject for Twin {
    fn append(&mut self, lines: &[Vec<u8>]) -> Answer<()> {
        let _lock = self.lock()?;
        let log = self.open_healed(LOG).map_err(refusal)?;
        let bytes = lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect::<Vec<_>>();
        let (written, mut error) = self.write(log.as_ref(), &bytes);
        let mut accepted = memchr::memchr_iter(b'\n', &bytes[..written]).count();
        if self.durable && !self.has(Bug::NoSync) {
            let again = |error| if self.has(Bug::RetriesSync) { log.sync() } else { Err(error) };
            if let Err(failed) = log.sync().or_else(again) {
                accepted = 0;
                error.get_or_insert(failed);
            }
        }
        error.map_or(Ok(()), |error| Err(Refusal { accepted, ..refusal(error) }))
    }

    fn log(&mut self, lines: &[Vec<u8>]) -> Answer<bool> {
        self.append(lines).map(|()| true)
    }

    fn flush(&mut self) -> Answer<()> {
        Ok(())
    }

    fn compact(&mut self, keep: usize) -> Answer<u64> {
        self.rewrite(rewrite::Selection::Newest(keep))
    }

    fn replace(&mut self, lines: &[Vec<u8>]) -> Answer<()> {
        self.rewrite(rewrite::Selection::Fresh(lines)).map(drop)
    }

    fn save(&mut self, fresh: &[Vec<u8>]) -> Answer<()> {
        self.append(fresh)
    }

    fn lines(&mut self) -> Answer<Vec<Vec<u8>>> {
        let content = self.content(LOG).map_err(refusal)?;
        Ok(content
            .split(|&byte| byte == b'\n')
            .filter(|line| stamp(line).is_some())
            .map(<[u8]>::to_vec)
            .collect())
    }

    fn totals(&mut self) -> Answer<Totals> {
        if self.has(Bug::CountsTornTail) {
            let content = self.content(LOG).map_err(refusal)?;
            let stamps = content.split(|&byte| byte == b'\n').filter_map(stamp);
            let count = content.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
            return Ok(Totals { count, oldest: stamps.clone().min(), newest: stamps.max() });
        }
        let lines = self.lines()?;
        let stamps = lines.iter().filter_map(|line| stamp(line));
        Ok(Totals { count: lines.len() as u64, oldest: stamps.clone().min(), newest: stamps.max() })
    }

    fn acquire_lock(&mut self) -> Answer<()> {
        let owner = self.folder.open(OWNER, Open::Side).map_err(refusal)?;
        if !self.has(Bug::NoLock) && !owner.try_lock().map_err(refusal)? {
            return Err(busy());
        }
        self.owner = Some(owner);
        Ok(())
    }

    fn release_lock(&mut self) -> Answer<()> {
        self.owner = None;
        Ok(())
    }

    fn recover(&mut self, _thorough: bool) -> Answer<()> {
        self.lock().map(drop)
    }
}

impl Twin {
    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// The folder's lock, with what the last holder left half done finished. Freed by dropping.
    fn lock(&self) -> Answer<Box<dyn File>> {
        let file = self.folder.open(FOLDER_LOCK, Open::Side).map_err(refusal)?;
        let deadline = self.folder.monotonic() + PATIENCE;
        while !self.has(Bug::NoLock) && !file.try_lock().map_err(refusal)? {
            if self.folder.monotonic() > deadline {
                return Err(busy());
            }
            self.folder.background().time.sleep(Duration::from_millis(20));
        }
        if !self.has(Bug::NoRecovery) {
            self.finish_rewrite().map_err(refusal)?;
        }
        Ok(file)
    }

    /// Opens a file of lines for appending, with its last line closed and its name durable.
    fn open_healed(&self, name: &str) -> io::Result<Box<dyn File>> {
        let log = self.folder.open(name, Open::Append)?;
        let size = log.stat()?.size;
        if size == 0 {
            if self.durable && !self.has(Bug::NoFolderSync) {
                self.folder.sync_folder()?;
            }
            return Ok(log);
        }
        let mut last = [0];
        read_all(log.as_ref(), &mut last, size - 1)?;
        if last != *b"\n" && self.has(Bug::Truncates) {
            let content = self.content(name)?;
            let whole = content.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            self.folder.open(name, Open::Side)?.set_len(whole as u64)?;
        } else if last != *b"\n" && !self.has(Bug::NoHealing) {
            write_all(log.as_ref(), b"\n")?;
        }
        Ok(log)
    }

    /// Writes in full. Tells how many bytes got there, and what stopped the rest.
    fn write(&self, log: &dyn File, bytes: &[u8]) -> (usize, Option<io::Error>) {
        let mut written = 0;
        while written < bytes.len() {
            match log.append(&bytes[written..]) {
                Ok(_) if self.has(Bug::TrustsShortWrites) => return (bytes.len(), None),
                Ok(count) => written += count,
                Err(error) => return (written, Some(error)),
            }
        }
        (written, None)
    }

    /// All of a file as it is now; nothing if there is none.
    fn content(&self, name: &str) -> io::Result<Vec<u8>> {
        match self.folder.open(name, Open::Read) {
            Ok(file) => content(file.as_ref()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn content(file: &dyn File) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(file.stat()?.size).unwrap_or(0)];
    let length = read_all(file, &mut bytes, 0)?;
    bytes.truncate(length);
    Ok(bytes)
}

fn read_all(file: &dyn File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match file.read_at(&mut buffer[length..], offset + length as u64)? {
            0 => break,
            count => length += count,
        }
    }
    Ok(length)
}

fn write_all(log: &dyn File, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        bytes = &bytes[log.append(bytes)?..];
    }
    Ok(())
}

/// The timestamp of a line, if the line is an event.
fn stamp(line: &[u8]) -> Option<u64> {
    let value: Value = serde_json::from_slice(line).ok()?;
    value.is_object().then(|| value["timestamp"].as_u64().unwrap_or(0))
}
