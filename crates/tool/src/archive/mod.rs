//! Archives: compressed files of events that left the log.
//!
//! ```text
//! archive/events-<first time>-<last time>-<8 random hex digits>.ndjson.gz
//! ```
//!
//! The times are of UTC, to the second; `none` stands for events without one. What is in the file is in the order of
//! time, each event the bytes that it was in the log, one a line.
//!
//! Invariants: an archive is there whole or not at all, and is on the disk before its events leave the log. A process
//! that dies between the two leaves them in both; so an event is passed over if an archive that was read before has it.

pub(crate) mod reader;
pub(crate) mod writer;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::engine::Evicted;
use crate::exit::{Failure, Result};
use crate::text::times::Zone;

/// Where a folder keeps its archives, unless a call says otherwise.
pub(crate) const FOLDER: &str = "archive";
const START: &str = "events-";
const END: &str = ".ndjson.gz";

/// A new name for an archive.
fn new_name(evicted: &Evicted) -> String {
    let zone = Zone::new(true);
    let stamp = |time: Option<f64>| {
        time.and_then(|time| zone.for_name(time)).map_or_else(|| "none".to_owned(), |text| text + "Z")
    };
    let (first, last) = (evicted.times.map(|times| times.0), evicted.times.map(|times| times.1));
    let id = uuid::Uuid::new_v4().simple().to_string();
    let id = id.get(..8).unwrap_or_default();
    format!("{START}{}-{}-{id}{END}", stamp(first), stamp(last))
}

fn is_archive(name: &str) -> bool {
    name.starts_with(START) && name.ends_with(END)
}

/// The archives in a folder, the oldest first. Without a folder there are none.
pub(crate) fn all(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error| Failure::io("readdir", folder, &error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        // Neither a link nor a pipe is one of ours.
        let ordinary = entry.file_type().is_ok_and(|kind| kind.is_file());
        if ordinary && entry.file_name().to_str().is_some_and(is_archive) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{is_archive, new_name};
    use crate::engine::Evicted;

    #[test]
    fn a_name_tells_the_times_and_is_never_the_same() {
        let name = |times| new_name(&Evicted { events: 1, times });
        let some = name(Some((1_767_225_600_000.0, 1_767_225_601_999.0)));
        assert!(some.starts_with("events-20260101T000000Z-20260101T000001Z-"), "{some}");
        assert!(is_archive(&some));
        assert_ne!(some, name(Some((1_767_225_600_000.0, 1_767_225_601_999.0))));
        for times in
            [None, Some((f64::NEG_INFINITY, f64::INFINITY)), Some((-1e300, 8.7e15)), Some((-1e14, -1e14))]
        {
            let odd = name(times);
            assert!(odd.starts_with("events-none-none-") && is_archive(&odd), "{odd}");
        }
    }
}
