//! Whether the locks of a folder are held just now, found out without making or writing anything.
//!
//! Invariant: no file of the folder is created, written or removed. A lock that proves to be free is ours for the
//! instant that the proof takes.

use std::io;
use std::time::Duration;

use crate::disk::{File, Open};
use crate::error::{Error, Obstacle, Result};
use crate::folder::Folder;
use crate::lock::lock_file::{self, Owner, Seen};
use crate::paths::{FOLDER_LOCK, GATE, LOCK, OWNER};
use crate::wait::patience::{Patience, Pauses};

const PAUSES: Pauses = Pauses(Duration::from_micros(200), Duration::from_millis(5));

/// Fails with [`Error::Busy`] if another process holds the folder for as long as the patience lasts. It queues as
/// those do that want to write: a process that writes in a burst lets it through.
pub(crate) fn folder_lock(folder: &Folder, patience: &Patience) -> Result<()> {
    let Some(lock) = there(folder, FOLDER_LOCK)? else { return Ok(()) };
    let gate = there(folder, GATE).ok().flatten();
    let mut first_in_line = false;
    let free: Result<Option<()>> = patience.poll(&*folder.background().time, PAUSES, || {
        first_in_line =
            first_in_line || gate.as_ref().is_some_and(|gate| matches!(gate.try_lock(), Ok(true)));
        let free = lock.try_lock().map_err(|error| folder.failed("flock", FOLDER_LOCK, &error))?;
        Ok(free.then_some(()))
    });
    let _ = lock.unlock();
    if let Some(gate) = gate.filter(|_| first_in_line) {
        let _ = gate.unlock();
    }
    free?.ok_or_else(|| folder.busy(FOLDER_LOCK, patience, Obstacle::Process(lock.lock_holder())))
}

/// Fails with [`Error::Locked`] if a program that lives, or may live, holds `.lock`. Looks again, for as long as the
/// patience lasts, only at one that is just being written.
pub(crate) fn user_lock(folder: &Folder, patience: &Patience) -> Result<()> {
    let mut seen = Seen::default();
    let held = patience.poll(&*folder.background().time, PAUSES, || {
        let file =
            lock_file::read(folder, LOCK, &mut seen).map_err(|error| folder.failed("read", LOCK, &error))?;
        Ok::<_, Error>(match file {
            Some(file) if file.owner == Owner::Unsettled => None,
            Some(file) if file.owner == Owner::Foreign => Some(Some(file)),
            Some(file) if file.owner == Owner::Ours && owner_lives(folder)? => Some(Some(file)),
            _ => Some(None),
        })
    })?;
    match held {
        Some(None) => Ok(()),
        Some(held) => Err(lock_file::refusal(folder, held)),
        None => Err(lock_file::refusal(folder, None)),
    }
}

/// Whether the process of ours that made `.lock` lives: it keeps another file locked for so long.
fn owner_lives(folder: &Folder) -> Result<bool> {
    let Some(owner) = there(folder, OWNER)? else { return Ok(false) };
    let is_free = owner.try_lock().map_err(|error| folder.failed("flock", OWNER, &error))?;
    if is_free {
        let _ = owner.unlock();
    }
    Ok(!is_free)
}

/// A file of the folder, if it is there.
fn there(folder: &Folder, name: &'static str) -> Result<Option<Box<dyn File>>> {
    match folder.open(name, Open::Read) {
        Ok(file) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(folder.failed("open", name, &error)),
    }
}
