//! `'disk'` durability: one fsync for all that wait for one.
//!
//! Invariant: a write that [`GroupCommit::wait`] confirmed is on stable storage, with the name of its file. An fsync
//! that failed is never tried again: the kernel has dropped the pages and forgotten the error, so a second one would
//! succeed although the data is gone. The failure is reported to all whose write it concerns, and to all after them,
//! until the log was copied into a new file.
//!
//! No lock but the baton is held during an fsync: a thread that writes, reads or only asks never waits for one.

use std::sync::Arc;

use crate::disk::{File, FileId};
use crate::error::{Error, Obstacle, Result};
use crate::folder::Folder;
use crate::paths::LOG;
use crate::wait::Time;
use crate::wait::baton::Baton;
use crate::wait::patience::Patience;
use crate::wait::shared::Shared;

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
    writes: Shared<Writes>,
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
        Self { writes: Shared::default(), syncing: Baton::new(time, None) }
    }

    /// Notes a write.
    pub(crate) fn wrote(&self, id: FileId, file: &Arc<dyn File>) {
        self.writes.with(|writes| {
            if writes.files.last().is_none_or(|(last, _)| *last != id) {
                writes.files.push((id, Arc::clone(file)));
            }
            writes.newest += 1;
        });
    }

    /// Returns once all that was written until now is on stable storage, with the file that was synced last. The first
    /// thread that comes syncs for all that was written until then. `for_names`: how long it is tried to open the
    /// folder if no descriptor is free; a folder that could not be opened does not count as a failed fsync, and the
    /// next one tries again.
    pub(crate) fn wait(
        &self,
        folder: &Folder,
        patience: &Patience,
        for_names: &Patience,
    ) -> Result<Option<FileId>> {
        let confirmed = |writes: &Writes, number| (writes.confirmed >= number).then_some(writes.synced);
        let (number, there) = self.writes.with(|writes| (writes.newest, confirmed(writes, writes.newest)));
        if let Some(synced) = there {
            return Ok(synced);
        }
        let Some(mut named) = self.syncing.take(patience) else {
            return Err(folder.busy(LOG, patience, Obstacle::ThisProcess));
        };
        let taken = self.writes.with(|writes| match confirmed(writes, number) {
            Some(synced) => Ok(Err(synced)),
            None => check(folder, writes).map(|()| Ok((writes.newest, std::mem::take(&mut writes.files)))),
        });
        let (newest, files) = match taken? {
            Ok(taken) => taken,
            Err(synced) => return Ok(synced),
        };
        let result = files.iter().try_for_each(|(id, file)| {
            file.sync().map_err(|error| (error.to_string(), folder.failed("fsync", LOG, &error)))?;
            if *named != Some(*id) {
                folder
                    .make_names_durable(for_names)
                    .map_err(|error| (error.to_string(), Error::io("fsync", folder.path(), &error)))?;
                *named = Some(*id);
            }
            Ok(())
        });
        self.writes.with(|writes| match result {
            Ok(()) => {
                writes.confirmed = newest;
                writes.synced = files.last().map(|(id, _)| *id).or(writes.synced);
                Ok(writes.synced)
            }
            Err((_, error)) if error.is_out_of_descriptors() => {
                let since = std::mem::replace(&mut writes.files, files);
                writes.files.extend(since);
                Err(error)
            }
            Err((reason, error)) => {
                writes.failed = Some(reason);
                Err(error)
            }
        })
    }

    /// Takes note that all that was written to this log is on stable storage in another file.
    pub(crate) fn copied(&self, id: FileId) {
        self.writes.with(|writes| writes.files.retain(|(file, _)| *file != id));
    }

    /// Fails if an fsync has failed.
    pub(crate) fn check_usable(&self, folder: &Folder) -> Result<()> {
        self.writes.with(|writes| check(folder, writes))
    }

    /// Whether an fsync has failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.writes.with(|writes| writes.failed.is_some())
    }

    /// Starts anew: everything that was written has been copied into a new, synced file.
    pub(crate) fn renew(&self) {
        self.writes.with(|writes| {
            let newest = writes.newest;
            *writes = Writes { newest, confirmed: newest, ..Writes::default() };
        });
    }
}

fn check(folder: &Folder, writes: &Writes) -> Result<()> {
    match &writes.failed {
        Some(reason) => Err(Error::Unsafe { path: folder.path_of(LOG), reason: reason.clone() }),
        None => Ok(()),
    }
}
