//! Taking over a `.lock` whose holder is dead.
//!
//! A stale one is not removed under its name, where a JavaScript program may just have put a fresh one: it is renamed
//! aside, looked at again, and given back if it is fresh.
//!
//! Invariant: all of this is done by the holder of `.events.own` alone, so no other process of ours does it at the same
//! time.

use std::io;

use crate::error::Result;
use crate::folder::Folder;
use crate::lock::lock_file::{self, Owner, Seen};
use crate::paths::{LOCK, is_draft_of, new_id, temporary};

/// Removes a stale `.lock`. `false` if it is fresh by now, and has its name again.
pub(crate) fn take_aside(folder: &Folder, seen: &mut Seen) -> Result<bool> {
    let aside = temporary(LOCK, &new_id(folder.random()));
    match folder.rename(LOCK, &aside) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        renamed => renamed.map_err(|error| folder.failed("rename", LOCK, &error))?,
    }
    let fresh = match lock_file::read(folder, &aside, seen) {
        Ok(file) => file.is_some_and(|file| matches!(file.owner, Owner::Foreign | Owner::Unsettled)),
        // Nothing proves that it is not.
        Err(_) => true,
    };
    if fresh {
        give_back(folder, &aside);
    }
    let _ = folder.remove(&aside);
    Ok(!fresh)
}

/// Gives its name back to a `.lock` that was renamed aside, unless another file has it by now.
fn give_back(folder: &Folder, aside: &str) {
    let Err(error) = folder.link(aside, LOCK) else { return };
    if error.kind() != io::ErrorKind::AlreadyExists && folder.stat(LOCK).is_ok_and(|stat| stat.is_none()) {
        // A file system without hard links.
        let _ = folder.rename(aside, LOCK);
    }
}

/// Removes drafts of `.lock`, and such as were renamed aside, that processes of ours left when they died.
pub(crate) fn remove_drafts(folder: &Folder) {
    for name in folder.list().unwrap_or_default().iter().filter(|name| is_draft_of(name, LOCK)) {
        let _ = folder.remove(name);
    }
}

/// Removes `.lock`, if it is there.
pub(crate) fn remove_if_there(folder: &Folder) -> Result<()> {
    match folder.remove(LOCK) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(folder.failed("unlink", LOCK, &error)),
        _ => Ok(()),
    }
}
