//! What a rewrite does for lines that are not shipped.
//!
//! ```text
//! before the rename   [c, S) of the old log is added to the outbox, c being where its shipped part ends
//! after the rename    the cursor names the new log: its first part is shipped or in the outbox; or nothing of it is,
//!                     if it may hold events that no log ever had
//! ```
//!
//! Invariant: at every instant each accepted event was shipped, or is in the outbox behind the cursor, or in the log
//! behind it. A crash between the two leaves a log that the cursor does not know: all of it is offered again.

use crate::disk::File;
use crate::error::Result;
use crate::folder::Folder;
use crate::paths::LOG;
use crate::rewrite::rewriter::Source;
use crate::ship::cursor::{Cursor, from, mark};
use crate::ship::outbox;

/// A rewrite in a folder that ships.
pub(crate) struct Rescue {
    file: Box<dyn File>,
    cursor: Option<Cursor>,
}

impl Rescue {
    /// Saves what is not shipped of the log that is being replaced. `None` in a folder that does not ship. The folder
    /// lock is held.
    pub(crate) fn begin(folder: &Folder, source: &Source) -> Result<Option<Self>> {
        let Some(file) = Cursor::open(folder)? else { return Ok(None) };
        let cursor = Cursor::load(folder, &*file)?;
        if let Some(log) = &source.log {
            let shipped = match &cursor {
                Some(cursor) => {
                    from(&**log, &cursor.log).map_err(|error| folder.failed("read", LOG, &error))?
                }
                None => 0,
            };
            let columns = &source.logged.columns;
            let lines: Vec<(u64, u64)> = (0..columns.len())
                .map(|row| columns.range(row))
                .filter(|range| range.start >= shipped)
                .map(|range| (range.start, range.end - range.start))
                .collect();
            if !lines.is_empty() {
                outbox::add(folder, &**log, &lines)?;
            }
        }
        Ok(Some(Self { file, cursor }))
    }

    /// Notes the new log, whose first `kept` bytes need not be shipped from there. The folder lock is held.
    pub(crate) fn end(self, folder: &Folder, log: &dyn File, kept: u64) {
        let Some(mut cursor) = self.cursor else { return };
        // A hint: a log that the cursor does not know is offered again.
        if let Ok(mark) = mark(log, kept) {
            cursor.log = mark;
            let _ = cursor.store(folder, &*self.file);
        }
    }
}
