//! Removing a store's files.
//!
//! Invariant: only the names that the engine makes are removed, and never lines that were set aside or archived.

use std::io::ErrorKind;

use crate::archive::month::take_in_all;
use crate::archive::undecided::decide;
use crate::error::{Error, Obstacle, Result};
use crate::limits::FOLDER_WAIT;
use crate::log::tenure::Tenure;
use crate::paths::{
    CHECKPOINT, FOLDER_LOCK, GATE, INDEX, LOCK, LOG, MOVES, OUTBOX, OWNER, PREVIOUS, SHIP, SHIP_LOCK,
    temporary_id,
};
use crate::store::Store;
use crate::wait::patience::Caller;

impl Store {
    /// Removes all files of the store but lines that were set aside, and the archive.
    ///
    /// # Errors
    /// Whatever reading the folder and `unlink` say; [`Error::Unshipped`] if a shared store has not got all of it, and
    /// nothing is removed, unless it is forced.
    pub fn destroy(&self, force: bool, caller: &Caller) -> Result<()> {
        match self.folder.list() {
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(());
            }
            Err(error) => return Err(Error::io("scandir", self.folder.path(), &error)),
        }
        // What left the log for an archive goes there. Should that fail, it stays where it is.
        let rewriter = self.rewriter(caller);
        let _ = rewriter.finish_evictions();
        let patience = self.folder.patience_of(caller, FOLDER_WAIT);
        let Some(mut tenure) = self.tenure.take(&patience) else {
            return Err(self.folder.busy(LOG, &patience, Obstacle::ThisProcess));
        };
        tenure.begin_afresh(&self.folder, &patience)?;
        // As long as there is a log to ask.
        let allowed = if force { Ok(()) } else { self.refuse_if_unshipped() };
        let result = allowed.and_then(|()| decide(&self.folder)).and_then(|()| self.remove_files());
        // The lock's own files went too: those who wait for them notice and make new ones.
        tenure.end_quickly(&self.folder);
        if result.as_ref().is_err_and(|error| matches!(error, Error::Unshipped { .. })) {
            return result;
        }
        *tenure = Tenure::default();
        drop(tenure);
        self.views.forget();
        self.index.forget();
        let _ = take_in_all(&self.folder, caller);
        result
    }

    fn refuse_if_unshipped(&self) -> Result<()> {
        match self.shipping()? {
            Some((_, bytes)) if bytes > 0 => {
                Err(Error::Unshipped { path: self.folder.path().to_owned(), bytes })
            }
            _ => Ok(()),
        }
    }

    fn remove_files(&self) -> Result<()> {
        let temporary =
            self.folder.list().unwrap_or_default().into_iter().filter(|name| temporary_id(name).is_some());
        for name in temporary {
            let _ = self.folder.remove(&name);
        }
        let ours = [
            PREVIOUS,
            LOG,
            OUTBOX,
            SHIP,
            SHIP_LOCK,
            INDEX,
            LOCK,
            OWNER,
            CHECKPOINT,
            MOVES,
            GATE,
            FOLDER_LOCK,
        ];
        for name in ours {
            match self.folder.remove(name) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(self.folder.failed("unlink", name, &error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}
