//! Archives: compressed files of events that left the log.
//!
//! The engine writes them; see its `archive/`. Here they are read one by one: a name or a path may be that of any gzip
//! file of events.

pub(crate) mod reader;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::context::quoted;
use crate::engine::LOG;
use crate::exit::{Failure, Result};
use crate::folder::shown;

/// Where a folder keeps its archives, unless a call says otherwise.
pub(crate) const FOLDER: &str = "archive";
const START: &str = "events-";
const END: &str = ".ndjson.gz";

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
    // A further file of a month comes behind its first.
    found.sort_by_key(|path| path.to_string_lossy().trim_end_matches(END).to_owned());
    Ok(found)
}

/// Refuses a place for archives that is a store, which was perhaps meant to be compacted, or a link in a store.
pub(crate) fn check_place(folder: &Path, store: &Path, call: &str) -> Result<()> {
    if folder.join(LOG).exists() {
        let message = format!("{} holds a log: --archive takes the folder for the archive", shown(folder));
        let hint = format!("{call} --archive --dir {}", quoted(&shown(folder)));
        return Err(Failure::usage(message, hint));
    }
    let linked = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_symlink());
    if linked && folder.parent() == Some(store) {
        let message = format!(
            "ELOOP: '{}' is a symbolic link; the store follows none. Name the folder that it leads to",
            shown(folder)
        );
        return Err(Failure::System(message));
    }
    Ok(())
}
