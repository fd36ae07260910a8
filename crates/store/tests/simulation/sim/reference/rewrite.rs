//! The twin's rewrites: read without the lock, copy what came late under it, rename, drain the replaced log.
//!
//! What was copied from the replaced log is recorded before the rename, so that the process that finishes a dead
//! process's rewrite takes over only what came later.

use std::io;
use std::time::Duration;

use store::disk::{File, Open};

use super::{Bug, LOG, REJECTED, Twin, content, refusal, stamp, write_all};
use crate::sim::subject::Answer;

const PREVIOUS: &str = ".events.prev";
const RECORD: &str = ".events.ckpt";
/// How long others may take to close the replaced log.
const DRAIN: Duration = Duration::from_secs(60);

/// What stays.
#[derive(Clone, Copy)]
pub(super) enum Selection<'a> {
    /// So many of the newest.
    Newest(usize),
    /// Nothing but these.
    Fresh(&'a [Vec<u8>]),
}

/// What a rewrite found in the log.
struct Read {
    file: Box<dyn File>,
    whole: usize,
    kept: Vec<u8>,
    malformed: Vec<u8>,
    evicted: u64,
}

impl Twin {
    /// Replaces the log. Tells how many events went.
    pub(super) fn rewrite(&self, selection: Selection<'_>) -> Answer<u64> {
        let replaces = matches!(selection, Selection::Fresh(_));
        loop {
            // A replacement takes no line of the old log, so it must know that there are no late ones.
            let mut lock = if replaces { Some(self.lock()?) } else { None };
            if replaces {
                self.open_healed(LOG).map_err(refusal)?;
            }
            let Some(read) = self.select(selection).map_err(refusal)? else { return Ok(0) };
            if lock.is_none() {
                lock = Some(self.lock()?);
            }
            let current = self.folder.stat(LOG).map_err(refusal)?.map(|stat| stat.id);
            if current == Some(read.file.stat().map_err(refusal)?.id) {
                return self.swap(&read).map_err(refusal);
            }
            drop(lock);
        }
    }

    fn select(&self, selection: Selection<'_>) -> io::Result<Option<Read>> {
        let file = match self.folder.open(LOG, Open::Read) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let log = content(file.as_ref())?;
        let whole = log.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let mut malformed = Vec::new();
        let mut events = Vec::new();
        for (place, line) in log[..whole].split(|&byte| byte == b'\n').enumerate() {
            match stamp(line) {
                Some(stamp) => events.push((stamp, place, line)),
                None if line.is_empty() || self.has(Bug::DropsMalformed) => {}
                None => malformed.extend_from_slice(&[line, b"\n"].concat()),
            }
        }
        let count = events.len();
        let kept = match selection {
            Selection::Newest(keep) if count <= keep => return Ok(None),
            Selection::Newest(keep) => {
                if !self.has(Bug::EvictsByPlace) {
                    events.sort_unstable();
                }
                events.drain(..count - keep);
                events.sort_unstable_by_key(|&(_, place, _)| place);
                events.iter().flat_map(|(_, _, line)| [line, &b"\n"[..]].concat()).collect()
            }
            Selection::Fresh(lines) => {
                events.clear();
                lines.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect()
            }
        };
        Ok(Some(Read { file, whole, kept, malformed, evicted: (count - events.len()) as u64 }))
    }

    fn swap(&self, read: &Read) -> io::Result<u64> {
        self.open_healed(LOG)?;
        let log = content(read.file.as_ref())?;
        if !read.malformed.is_empty() {
            let rejected = self.open_healed(REJECTED)?;
            write_all(rejected.as_ref(), &read.malformed)?;
            rejected.sync()?;
        }
        let name = format!("events.tmp.{}.ndjson", uuid::Uuid::from_u128(self.folder.random()));
        let temporary = self.folder.open(&name, Open::New)?;
        let mut bytes = read.kept.clone();
        if !self.has(Bug::NoLateCopy) {
            bytes.extend_from_slice(&log[read.whole..]);
        }
        let swapped = write_at(temporary.as_ref(), &bytes).and_then(|()| {
            temporary.set_access(&read.file.stat()?)?;
            if !self.has(Bug::NoSyncBeforeRename) {
                temporary.sync()?;
            }
            self.record(log.len())?;
            self.folder.link(LOG, PREVIOUS)?;
            self.folder.rename(&name, LOG)
        });
        if swapped.is_err() {
            let _ = self.folder.remove(&name);
        }
        swapped?;
        self.folder.sync_folder()?;
        self.drain(log.len())?;
        Ok(read.evicted)
    }

    /// Notes durably how much of the log was copied, for the process that has to finish this rewrite.
    fn record(&self, copied: usize) -> io::Result<()> {
        self.folder.sync_folder()?; // an older `.events.prev` must be gone for good before its record changes
        let record = self.folder.open(RECORD, Open::Side)?;
        write_at(record.as_ref(), format!("{copied:020}").as_bytes())?;
        record.sync()?;
        self.folder.sync_folder()
    }

    /// Takes over what came into the replaced log after `copied`, once no process can write there any more.
    fn drain(&self, copied: usize) -> io::Result<()> {
        let previous = self.folder.open(PREVIOUS, Open::Read)?;
        let deadline = self.folder.monotonic() + DRAIN;
        while !self.has(Bug::NoDrain) && previous.has_no_writer()? == Some(false) {
            if self.folder.monotonic() > deadline {
                break;
            }
            self.folder.background().time.sleep(Duration::from_millis(20));
        }
        let old = content(previous.as_ref())?;
        let late = old.get(copied..).unwrap_or_default();
        if !late.is_empty() && !self.has(Bug::NoDrain) {
            let log = self.open_healed(LOG)?;
            let there = self.content(LOG)?;
            let missing = |line: &&[u8]| !there.split(|&byte| byte == b'\n').any(|other| other == *line);
            let late: Vec<_> = late.split(|&byte| byte == b'\n').filter(missing).collect();
            late.iter().try_for_each(|line| write_all(log.as_ref(), &[line, &b"\n"[..]].concat()))?;
            log.sync()?;
        }
        self.folder.remove(PREVIOUS)?;
        self.folder.sync_folder()
    }

    /// Finishes the rewrite of a process that died in it.
    pub(super) fn finish_rewrite(&self) -> io::Result<()> {
        let Some(previous) = self.folder.stat(PREVIOUS)? else { return Ok(()) };
        if self.folder.stat(LOG)?.is_some_and(|log| log.id == previous.id) {
            self.folder.remove(PREVIOUS)?;
            return self.folder.sync_folder();
        }
        let record = String::from_utf8_lossy(&self.content(RECORD)?).parse().unwrap_or(0);
        self.drain(record)
    }
}

fn write_at(file: &dyn File, bytes: &[u8]) -> io::Result<()> {
    let mut written = 0;
    while written < bytes.len() {
        written += file.write_at(&bytes[written..], written as u64)?;
    }
    Ok(())
}
