//! What is in an archive, for `verify()`.

use serde::Serialize;

use crate::archive::ArchivePlace;
use crate::archive::contents::Contents;
use crate::archive::snapshot::{Piece, Snapshot};
use crate::error::Result;
use crate::folder::Folder;
use event::line::{Line, Scanner};

/// Most places that are listed of a file; the counts are whole.
const LISTED: usize = 1000;

/// A stretch of a file that cannot be read.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Damaged {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// A file of an archive.
#[derive(Serialize, Clone, PartialEq, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveFile {
    /// Its name.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Events that can be read.
    pub events: u64,
    /// The earliest and the latest timestamp.
    pub oldest_event: Option<f64>,
    /// See `oldest_event`.
    pub newest_event: Option<f64>,
    /// Lines that are not events.
    pub malformed_count: u64,
    /// How many places cannot be read.
    pub damage_count: u64,
    /// Those places: the first thousand.
    pub damage: Vec<Damaged>,
}

/// What is in an archive.
#[derive(Serialize, Clone, PartialEq, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct ArchiveReport {
    /// Its folder.
    pub folder: String,
    /// Events that can be read.
    pub events: u64,
    /// Its files, and those that a process that died has left in the store's folder.
    pub files: Vec<ArchiveFile>,
}

/// Reads a whole archive. `None` if there is nothing.
pub(crate) fn survey(folder: &Folder, place: &ArchivePlace) -> Result<Option<ArchiveReport>> {
    let snapshot = Snapshot::open(folder, place)?;
    if snapshot.pieces.is_empty() {
        return Ok(None);
    }
    let archive = place.folder(folder)?;
    let mut report = ArchiveReport { folder: archive.path().to_owned(), ..ArchiveReport::default() };
    for piece in &snapshot.pieces {
        if let Piece::File { name, from, end, .. } = piece {
            let file = name.clone();
            report.files.push(ArchiveFile { file, bytes: end - from, ..ArchiveFile::default() });
        }
    }
    let mut contents = Contents::new(snapshot);
    let mut scanner = Scanner::new();
    while let Some((name, lines)) = contents.next_named()? {
        let mut some = ArchiveFile::default();
        for line in lines.split(|&byte| byte == b'\n') {
            match scanner.scan(line) {
                Line::Blank => {}
                Line::Malformed => some.malformed_count += 1,
                Line::Event(event) => {
                    some.events += 1;
                    if let Some(time) = event.timestamp {
                        some.oldest_event = Some(some.oldest_event.map_or(time, |oldest| oldest.min(time)));
                        some.newest_event = Some(some.newest_event.map_or(time, |newest| newest.max(time)));
                    }
                }
            }
        }
        report.events += some.events;
        if let Some(file) = report.files.iter_mut().find(|file| Some(&file.file) == name.as_ref()) {
            file.events += some.events;
            file.malformed_count += some.malformed_count;
            file.oldest_event = [file.oldest_event, some.oldest_event].into_iter().flatten().reduce(f64::min);
            file.newest_event = [file.newest_event, some.newest_event].into_iter().flatten().reduce(f64::max);
        }
    }
    for damage in contents.damage {
        let Some(file) = report.files.iter_mut().find(|file| file.file == damage.file) else { continue };
        file.damage_count += 1;
        if file.damage.len() < LISTED {
            let (offset, length) = (damage.place.start, damage.place.end - damage.place.start);
            file.damage.push(Damaged { offset, length });
        }
    }
    Ok(Some(report))
}
