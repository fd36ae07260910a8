//! `'disk'` durability: one fsync for all that wait for one.
//!
//! Invariant: a write that [`GroupCommit::wait`] confirmed is on stable storage, with the name of its file.
//! An fsync that failed is never tried again: the kernel has dropped the pages and forgotten the error, so a
//! second one would succeed and lie. The failure is reported to all whose write it concerns, and to all after
//! them, until the log was copied into a new file.
//!
//! No lock but the baton is held during an fsync: a thread that writes, reads or only asks never waits for one.

use std::sync::{Arc, Mutex};

use crate::disk::{File, FileId};
use crate::error::{Error, Obstacle, Result};
use crate::folder::Folder;
use crate::paths::LOG;
use crate::wait::Time;
use crate::wait::baton::Baton;
use crate::wait::locked;
use crate::wait::patience::Patience;

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

/// Which writes there are, and which are confirmed.
pub(crate) struct GroupCommit {
    writes: Mutex<Writes>,
    /// The log whose name is on stable storage; held by the thread that syncs.
    syncing: Baton<Option<FileId>>,
}

#[derive(Default)]
struct Writes {
    /// Number of the newest write.
    newest: u64,
    /// Number of the newest confirmed write.
    confirmed: u64,
    /// Files with writes that are not confirmed, oldest first; nearly always one.
    files: Vec<(FileId, Arc<dyn File>)>,
    /// The file that was synced last.
    synced: Option<FileId>,
    /// Words of the fsync that failed.
    failed: Option<String>,
}

impl GroupCommit {
    pub(crate) fn new(time: &Arc<dyn Time>) -> Self {
        Self { writes: Mutex::default(), syncing: Baton::new(time, None) }
    }

    /// Notes a write.
    pub(crate) fn wrote(&self, id: FileId, file: &Arc<dyn File>) {
        let mut writes = locked(&self.writes);
        if writes.files.last().is_none_or(|(last, _)| *last != id) {
            writes.files.push((id, Arc::clone(file)));
        }
        writes.newest += 1;
    }

    /// Returns once all that was written until now is on stable storage, with the file that was synced last. The first thread that comes syncs for all who wrote until then.
    pub(crate) fn wait(&self, folder: &Folder, patience: &Patience) -> Result<Option<FileId>> {
        let number = {
            let writes = locked(&self.writes);
            if writes.confirmed >= writes.newest {
                return Ok(writes.synced);
            }
            writes.newest
        };
        let Some(mut named) = self.syncing.take(patience) else {
            return Err(folder.busy(LOG, patience, Obstacle::ThisProcess));
        };
        let (newest, files) = {
            let mut writes = locked(&self.writes);
            if writes.confirmed >= number {
                return Ok(writes.synced);
            }
            check(folder, &writes)?;
            (writes.newest, std::mem::take(&mut writes.files))
        };
        let result = files.iter().try_for_each(|(id, file)| {
            file.sync().map_err(|error| (error.to_string(), folder.failed("fsync", LOG, &error)))?;
            if *named != Some(*id) {
                folder
                    .sync_folder()
                    .map_err(|error| (error.to_string(), Error::io("fsync", folder.path(), &error)))?;
                *named = Some(*id);
            }
            Ok(())
        });
        let mut writes = locked(&self.writes);
        match result {
            Ok(()) => {
                writes.confirmed = newest;
                writes.synced = files.last().map(|(id, _)| *id).or(writes.synced);
                Ok(writes.synced)
            }
            Err((reason, error)) => {
                writes.failed = Some(reason);
                Err(error)
            }
        }
    }

    /// Takes note that all that was written to this log is on stable storage in another file.
    pub(crate) fn copied(&self, id: FileId) {
        locked(&self.writes).files.retain(|(file, _)| *file != id);
    }

    /// Fails if an fsync has failed.
    pub(crate) fn check_usable(&self, folder: &Folder) -> Result<()> {
        check(folder, &locked(&self.writes))
    }

    /// Whether an fsync has failed.
    pub(crate) fn has_failed(&self) -> bool {
        locked(&self.writes).failed.is_some()
    }

    /// Starts anew: everything that was written has been copied into a new, synced file.
    pub(crate) fn renew(&self) {
        let mut writes = locked(&self.writes);
        let newest = writes.newest;
        *writes = Writes { newest, confirmed: newest, ..Writes::default() };
    }
}

fn check(folder: &Folder, writes: &Writes) -> Result<()> {
    match &writes.failed {
        Some(reason) => Err(Error::Unsafe { path: folder.path_of(LOG), reason: reason.clone() }),
        None => Ok(()),
    }
}
