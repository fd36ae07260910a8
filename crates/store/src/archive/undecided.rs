//! Whether an eviction has happened, when its process cannot say.
//!
//! | its name says | the log is | the eviction | what becomes of it |
//! |---|---|---|---|
//! | `evicted` | the old one | has not happened: the events are in the log | removed |
//! | `evicted` | the new one | has happened | it is for the archive |
//! | `evicted` | neither: a JavaScript program replaced it | has happened for those of its lines that the log lacks | these are for the archive |
//! | `evicting` | any but the new one | has not happened | removed, if its maker is dead |
//! | `evicting` | the new one: a power cut kept it, but not the name that the eviction had got before | as in the third row | |
//!
//! Each rewrite decides before it replaces the log, and `evicted` is a name for as long as its maker holds the folder, so
//! no rewrite of ours makes the third row. Where files have no time of birth, their numbers are used again and again: the
//! log's lines decide, as in the third row.
//!
//! Invariant: with the folder lock held. Deciding twice, or dying in the middle and deciding again, changes nothing.

use std::io;

use crate::archive::eviction::{Eviction, Header};
use crate::archive::members::{Members, Stretch};
use crate::disk::bytes::read_whole;
use crate::disk::{File, FileId, Open};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::log::missing_lines::WantedLines;
use crate::paths::{EvictionState, LOG, eviction, eviction_of};

/// What a log says about an eviction.
pub(crate) enum Verdict {
    /// The events are in the log.
    No,
    /// The events are not in the log.
    Yes,
    /// These of its lines are not in the log.
    Partly(Vec<u8>),
}

/// What the log says. It is read only if its identity does not say.
pub(crate) fn verdict(
    state: EvictionState,
    header: &Header,
    eviction: &dyn File,
    log: Option<(&dyn File, FileId)>,
) -> io::Result<Verdict> {
    let is = |id: FileId| log.is_some_and(|(_, log)| log == id);
    match state {
        EvictionState::Happened => return Ok(Verdict::Yes),
        EvictionState::Draft if !is(header.new) => return Ok(Verdict::No),
        EvictionState::Undecided if header.old.born_ns != 0 && is(header.old) => return Ok(Verdict::No),
        EvictionState::Undecided if header.new.born_ns != 0 && is(header.new) => return Ok(Verdict::Yes),
        EvictionState::Draft | EvictionState::Undecided => {}
    }
    let mut lines = Vec::new();
    let mut members = Members::new(header.size(), header.length);
    while let Some(stretch) = members.next(eviction)? {
        if let Stretch::Member(at, head) = stretch
            && let Some(text) = head.lines(&read_whole(eviction, at, head.length as usize)?)
        {
            lines.extend(text);
        }
    }
    let mut wanted = WantedLines::new(&lines);
    if let Some((log, _)) = log {
        wanted.search_to_end(log, 0)?;
    }
    let missing = wanted.missing();
    Ok(if missing.is_empty() {
        Verdict::No
    } else if missing.len() == lines.len() {
        Verdict::Yes
    } else {
        Verdict::Partly(missing)
    })
}

/// Decides about all evictions, but for drafts whose makers live.
pub(crate) fn decide(folder: &Folder) -> Result<()> {
    let names = folder.list().map_err(|error| Error::io("scandir", folder.path(), &error))?;
    let mut evictions: Vec<_> = names
        .iter()
        .filter_map(|name| eviction_of(name).map(|(id, state)| (id, state, name)))
        .filter(|(_, state, _)| *state != EvictionState::Happened)
        .collect();
    if evictions.is_empty() {
        return Ok(());
    }
    evictions.sort_unstable();
    let log = folder.open_log()?;
    let log = match &log {
        None => None,
        Some(log) => Some((&**log, log.stat().map_err(|error| folder.failed("fstat", LOG, &error))?.id)),
    };
    for (id, state, name) in evictions {
        // After a power cut a file may be back under the name that it had before.
        let later =
            [EvictionState::Undecided, EvictionState::Happened].into_iter().filter(|later| *later > state);
        let result = if later.map(|later| eviction(id, later)).any(|later| names.contains(&later)) {
            folder.remove(name)
        } else {
            decide_about(folder, name, id, state, log)
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => result.map_err(|error| folder.failed("rename", name, &error))?,
        }
    }
    Ok(())
}

fn decide_about(
    folder: &Folder,
    name: &str,
    id: &str,
    state: EvictionState,
    log: Option<(&dyn File, FileId)>,
) -> io::Result<()> {
    let file = folder.open(name, Open::Read)?;
    if state == EvictionState::Draft && !file.try_lock()? {
        return Ok(());
    }
    // A draft that cannot be read was not whole yet. Any other was, and is left for a person to look at.
    let Some(header) = Header::read(&*file)? else {
        return if state == EvictionState::Draft { folder.remove(name) } else { Ok(()) };
    };
    match verdict(state, &header, &*file, log)? {
        Verdict::No => folder.remove(name),
        Verdict::Yes => folder.rename(name, &eviction(id, EvictionState::Happened)),
        Verdict::Partly(lines) => {
            let mut part = Eviction::part_of(folder, id, &header)?;
            let taken = part.take_lines(folder, &lines).and_then(|()| part.has_happened(folder));
            if taken.is_err() {
                part.discard(folder);
            }
            taken?;
            folder.remove(name)
        }
    }
}
