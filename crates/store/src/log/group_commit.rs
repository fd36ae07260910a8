//! `'disk'` durability: one fsync for all that wait for one.
//!
//! Invariant: a write that [`GroupCommit::wait`] confirmed is on stable storage, with the name of its file.
//! An fsync that failed is never tried again: the kernel has dropped the pages and forgotten the error, so a
//! second one would succeed and lie. The failure is told to everybody whose write it concerns, and to
//! everybody after them, until the log was copied into a new file.

use std::sync::{Arc, Mutex, PoisonError};

use crate::disk::{File, FileId, Folder};
use crate::error::{Error, Result};
use crate::lock::folder_lock::{at, path_of};
use crate::paths::LOG;

/// How much an accepted event survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// Accepted means handed to the operating system: survives the death of the process in any way, not a
    /// power cut.
    #[default]
    Process,
    /// Accepted means on stable storage: survives a power cut.
    Disk,
}

/// Who wrote, and what is confirmed.
#[derive(Default)]
pub(crate) struct GroupCommit {
    writes: Mutex<Writes>,
    confirmed: Mutex<Confirmed>,
}

#[derive(Default)]
struct Writes {
    /// Number of the newest write.
    newest: u64,
    /// Files with writes that are not confirmed, oldest first; nearly always one.
    files: Vec<(FileId, Arc<dyn File>)>,
}

#[derive(Default)]
struct Confirmed {
    /// Number of the newest confirmed write.
    newest: u64,
    /// The log whose name is on stable storage.
    named: Option<FileId>,
    /// Words of the fsync that failed.
    failed: Option<String>,
}

impl GroupCommit {
    /// Notes a write; returns its number, to wait for.
    pub(crate) fn wrote(&self, id: FileId, file: &Arc<dyn File>) -> u64 {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        if writes.files.last().is_none_or(|(last, _)| *last != id) {
            writes.files.push((id, Arc::clone(file)));
        }
        writes.newest += 1;
        writes.newest
    }

    /// Number of the newest write.
    pub(crate) fn newest(&self) -> u64 {
        self.writes.lock().unwrap_or_else(PoisonError::into_inner).newest
    }

    /// Returns once the write of this number is on stable storage. Whoever comes first syncs for all who
    /// wrote until then.
    pub(crate) fn wait(&self, folder: &Folder, number: u64) -> Result<()> {
        let mut confirmed = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        if confirmed.newest >= number {
            return Ok(());
        }
        Self::check(folder, &confirmed)?;
        let (newest, files) = {
            let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
            (writes.newest, std::mem::take(&mut writes.files))
        };
        for (id, file) in files {
            if let Err(error) = file.sync() {
                confirmed.failed = Some(error.to_string());
                return Err(at(folder, "fsync", LOG, &error));
            }
            if confirmed.named != Some(id) {
                folder
                    .sync_folder()
                    .map_err(|error| Error::io("fsync", folder.path(), &error))
                    .inspect_err(|error| confirmed.failed = Some(error.to_string()))?;
                confirmed.named = Some(id);
            }
        }
        confirmed.newest = newest;
        Ok(())
    }

    /// Takes note that all that was written to this log is on stable storage in another file.
    pub(crate) fn copied(&self, id: FileId) {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        writes.files.retain(|(file, _)| *file != id);
    }

    /// Fails if an fsync has failed.
    pub(crate) fn check_usable(&self, folder: &Folder) -> Result<()> {
        Self::check(folder, &self.confirmed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether an fsync has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.confirmed.lock().unwrap_or_else(PoisonError::into_inner).failed.is_some()
    }

    /// Starts anew: everything that was written has been copied into a new, synced file.
    pub(crate) fn renew(&self) {
        let mut confirmed = self.confirmed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        writes.files.clear();
        *confirmed = Confirmed { newest: writes.newest, ..Confirmed::default() };
    }

    fn check(folder: &Folder, confirmed: &Confirmed) -> Result<()> {
        match &confirmed.failed {
            Some(reason) => Err(Error::Unsafe { path: path_of(folder, LOG), reason: reason.clone() }),
            None => Ok(()),
        }
    }
}
