//! What a folder holds that a shared store has not acknowledged, for readers of that store.
//!
//! Invariant: every event that was accepted before the call and is not in the store is among the lines. More may be: a
//! reader knows an event by its bytes. No lock is taken, and nothing is created.

use std::io;

use crate::disk::bytes::read_range;
use crate::disk::{File, Open};
use crate::error::Result;
use crate::paths::{LOG, OUTBOX, SHIP};
use crate::ship::cursor::{Cursor, from};
use crate::store::Store;

impl Store {
    /// The lines that wait, of the outbox and of the log, each ending in a newline but for the last one. In a folder that
    /// does not ship yet that is all of them.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn pending_lines(&self) -> Result<Vec<u8>> {
        let folder = &self.folder;
        let open = |name| match folder.open(name, Open::Read) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(folder.failed("open", name, &error)),
        };
        let noted = open(SHIP)?.map(|file| Cursor::load(folder, &*file)).transpose()?.flatten();
        let cursor = noted.unwrap_or_default();
        let rest = |file: &dyn File, mark, name| {
            let read = |start| {
                let length = file.size()?.saturating_sub(start);
                read_range(file, start, usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?)
            };
            from(file, mark).and_then(read).map_err(|error| folder.failed("read", name, &error))
        };
        // The log first: what a rewrite takes out of it meanwhile is in the outbox by then.
        let log = folder.open_log()?.map(|log| rest(&*log, &cursor.log, LOG)).transpose()?;
        let mut lines = open(OUTBOX)?.map(|file| rest(&*file, &cursor.outbox, OUTBOX)).transpose()?;
        let mut lines = lines.take().unwrap_or_default();
        if lines.last().is_some_and(|&last| last != b'\n') {
            lines.push(b'\n');
        }
        lines.extend_from_slice(&log.unwrap_or_default());
        Ok(lines)
    }
}
