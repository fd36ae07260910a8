//! What a folder holds that a shared store has not acknowledged, for readers of that store.
//!
//! Invariant: every event that was accepted before the call and is not in the store is among the lines. More may be: a
//! reader knows an event by its bytes. No lock is taken, and nothing is created.

use std::io;

use crate::disk::bytes::read_range;
use crate::error::Result;
use crate::paths::{LOG, OUTBOX, SHIP};
use crate::ship::cursor::{Cursor, unshipped_part};
use crate::store::Store;

impl Store {
    /// The lines that wait, of the outbox and of the log, each ending in a newline but for the last one. In a folder that
    /// does not ship yet that is all of them.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn pending_lines(&self) -> Result<Vec<u8>> {
        let folder = &self.folder;
        let noted = folder.open_existing(SHIP)?.map(|file| Cursor::load(folder, &*file)).transpose()?;
        let cursor = noted.flatten().unwrap_or_default();
        let rest = |name, mark| {
            let Some((file, part)) = unshipped_part(folder, name, mark)? else { return Ok(Vec::new()) };
            usize::try_from(part.end - part.start)
                .map_err(|_| io::ErrorKind::OutOfMemory.into())
                .and_then(|length| read_range(&*file, part.start, length))
                .map_err(|error| folder.failed("read", name, &error))
        };
        // The log first: what a rewrite takes out of it meanwhile is in the outbox by then.
        let log = rest(LOG, &cursor.log)?;
        let mut lines = rest(OUTBOX, &cursor.outbox)?;
        if lines.last().is_some_and(|&last| last != b'\n') {
            lines.push(b'\n');
        }
        lines.extend_from_slice(&log);
        Ok(lines)
    }
}
