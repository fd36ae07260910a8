//! What a rewrite does for lines that are not shipped.
//!
//! ```text
//! before the rename   [c, S) of the old log is added to the outbox, c being where its shipped part ends; then the cursor
//!                     is moved to S
//! after the rename    the cursor names the new log: its first part is shipped or in the outbox; or nothing of it is,
//!                     if it may hold events that no log ever had
//! ```
//!
//! Invariant: at every instant each accepted event was shipped, or is in the outbox behind the cursor, or in the log
//! behind it. A crash between the rename and the cursor leaves a log that the cursor does not know: all of it is offered
//! again. A rewrite that fails after the outbox was written, and is tried again, writes nothing there twice.

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
        let mut cursor = Cursor::load(folder, &*file)?;
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
                note(folder, &*file, cursor.as_mut(), &**log, source.logged.mark.offset);
            }
        }
        Ok(Some(Self { file, cursor }))
    }

    /// Notes the new log, whose first `kept` bytes need not be shipped from there. The folder lock is held.
    pub(crate) fn end(mut self, folder: &Folder, log: &dyn File, kept: u64) {
        note(folder, &*self.file, self.cursor.as_mut(), log, kept);
    }
}

/// Moves the cursor. A hint: what it does not know is offered again.
fn note(folder: &Folder, file: &dyn File, cursor: Option<&mut Cursor>, log: &dyn File, upto: u64) {
    if let Some(cursor) = cursor
        && let Ok(mark) = mark(log, upto)
    {
        cursor.log = mark;
        let _ = cursor.store(folder, file);
    }
}
