//! Log and archive as of one moment.
//!
//! Invariant: an event that was in the store is in exactly one of the log and the pieces, whatever compactions and
//! processes that take evictions in do meanwhile. The log is opened first; if it is still the log when everything else
//! is open, no eviction has happened in between. Evictions are opened before the files of the months, and their
//! members are passed over there.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;

use crate::archive::ArchivePlace;
use crate::archive::eviction::Header;
use crate::archive::undecided::{Verdict, verdict};
use crate::disk::{File, Open};
use crate::error::{Error, Obstacle, Result};
use crate::folder::Folder;
use crate::paths::{EvictionState, LOG, eviction_of, is_archive_file};

/// How often it is tried while other processes change things.
const ATTEMPTS: usize = 100;

/// A part of an archive.
pub(crate) enum Piece {
    /// A file of members, or of any gzip, from a place on.
    File { path: String, name: String, file: Arc<dyn File>, from: u64, end: u64, is_eviction: bool },
    /// Lines of an eviction of which only a part has happened.
    Lines(Vec<u8>),
}

/// See the head of this file.
pub(crate) struct Snapshot {
    /// The log; `None` if there is none.
    pub(crate) log: Option<Box<dyn File>>,
    /// The files of the archive in the order of their months, then evictions.
    pub(crate) pieces: Vec<Piece>,
    /// Evictions whose members are passed over in the files.
    pub(crate) elsewhere: HashSet<u128>,
}

impl Snapshot {
    /// Opens both.
    pub(crate) fn open(folder: &Folder, place: &ArchivePlace) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            if let Some(snapshot) = Self::try_open(folder, place)? {
                return Ok(snapshot);
            }
        }
        Err(Error::Busy { path: folder.path().to_owned(), waited_ms: 0, by: Obstacle::Changes })
    }

    fn try_open(folder: &Folder, place: &ArchivePlace) -> Result<Option<Self>> {
        let log = folder.open_log()?;
        let id = match &log {
            Some(log) => Some(log.stat().map_err(|error| folder.failed("fstat", LOG, &error))?.id),
            None => None,
        };
        let mut snapshot = Self { log: None, pieces: Vec::new(), elsewhere: HashSet::new() };
        let mut evictions = Vec::new();
        for (name, state) in evictions_of(folder)? {
            let failed = |error: io::Error| folder.failed("read", &name, &error);
            let file = match folder.open(&name, Open::Read) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                opened => opened.map_err(failed)?,
            };
            let header = match Header::read(&*file) {
                // Where locks are mandatory, a draft of a living process cannot be read; it has not happened.
                Err(_) if state == EvictionState::Draft => continue,
                header => header.map_err(failed)?,
            };
            let Some(header) = header else { continue };
            if header.place != *place {
                continue;
            }
            let log = log.as_deref().zip(id);
            let verdict = verdict(state, &header, &*file, log).map_err(failed)?;
            match verdict {
                Verdict::No => continue,
                Verdict::Partly(lines) => evictions.push(Piece::Lines(lines)),
                Verdict::Yes => evictions.push(Piece::File {
                    path: folder.path_of(&name),
                    name,
                    file: file.into(),
                    from: header.size(),
                    end: header.length,
                    is_eviction: true,
                }),
            }
            snapshot.elsewhere.insert(header.id);
        }
        snapshot.pieces = files_of(&place.folder(folder)?)?;
        snapshot.pieces.extend(evictions);
        let now = folder.stat(LOG).map_err(|error| folder.failed("stat", LOG, &error))?;
        snapshot.log = log;
        Ok((now.map(|stat| stat.id) == id).then_some(snapshot))
    }
}

/// The evictions in a store's folder.
fn evictions_of(folder: &Folder) -> Result<Vec<(String, EvictionState)>> {
    let names = match folder.list() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        names => names.map_err(|error| Error::io("scandir", folder.path(), &error))?,
    };
    let mut evictions: Vec<_> =
        names.iter().filter_map(|name| eviction_of(name).map(|(id, state)| (id, state, name))).collect();
    // Of one that has several names, the last one counts.
    evictions.sort_unstable_by(|one, other| other.cmp(one));
    evictions.dedup_by_key(|(id, ..)| *id);
    Ok(evictions.into_iter().map(|(_, state, name)| (name.clone(), state)).collect())
}

/// The files of an archive.
fn files_of(archive: &Folder) -> Result<Vec<Piece>> {
    let mut names = match archive.list() {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Vec::new()
        }
        names => names.map_err(|error| Error::io("scandir", archive.path(), &error))?,
    };
    names.retain(|name| is_archive_file(name));
    // A further file of a month comes behind its first.
    names.sort_by_key(|name| name.trim_end_matches(".ndjson.gz").to_owned());
    let mut files = Vec::new();
    for name in names {
        let failed = |error: io::Error| archive.failed("open", &name, &error);
        // Neither a link nor a pipe is one of ours.
        if !archive.stat(&name).map_err(failed)?.is_some_and(|stat| stat.regular) {
            continue;
        }
        let file = archive.open(&name, Open::Read).map_err(failed)?;
        let end = file.size().map_err(failed)?;
        let path = archive.path_of(&name);
        files.push(Piece::File { path, name, file: file.into(), from: 0, end, is_eviction: false });
    }
    Ok(files)
}
