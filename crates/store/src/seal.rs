//! Loading the log as sealed events.
//!
//! The lines of a small log are kept in memory. Those of a large one stay in the file, which our descriptor
//! keeps alive even when the log is replaced; each line is checked when it is read.

use std::path::Path;

use columns::{Columns, Sealed, Source};

use crate::disk::bytes::read_range;
use crate::error::Result;
use crate::lock::folder_lock::path_of;
use crate::log::log_columns::OwnedLogLines;
use crate::paths::LOG;
use crate::store::Store;

/// A log up to this size is kept in memory.
const IN_MEMORY: u64 = 16 << 20;

impl Store {
    /// Loads the log as it is now.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn seal(&self) -> Result<Sealed> {
        if let Some(sealed) = self.seal_once()? {
            return Ok(sealed);
        }
        self.start_anew()?;
        // Changed again meanwhile: what does not fit is found when it is read.
        self.seal_once().map(|sealed| sealed.unwrap_or_else(|| Sealed::none(path_of(&self.folder, LOG))))
    }

    /// `None` if the lines are not those that the columns were made from. Lines in a file are checked when they
    /// are read.
    fn seal_once(&self) -> Result<Option<Sealed>> {
        let name = path_of(&self.folder, LOG);
        let Some((log, logged)) = self.snapshot()? else { return Ok(Some(Sealed::none(name))) };
        let size = log.stat().map_err(|error| self.at("fstat", LOG, &error))?.size;
        // Windows lets nobody replace a file that we keep open.
        let lines: Box<dyn Source> = if size <= IN_MEMORY || cfg!(windows) {
            let length = usize::try_from(size).unwrap_or(usize::MAX);
            let bytes = read_range(&*log, 0, length).map_err(|error| self.at("read", LOG, &error))?;
            if !is_sound(&logged.columns, &bytes) {
                return Ok(None);
            }
            Box::new(bytes)
        } else {
            Box::new(OwnedLogLines(log))
        };
        Ok(Some(Sealed::new(name, logged.columns, lines)))
    }
}

fn is_sound(columns: &Columns, bytes: &[u8]) -> bool {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    (0..columns.len()).all(|row| {
        let range = columns.range(row);
        columns.matches(row, bytes.get(at(range.start)..at(range.end)).unwrap_or_default())
    })
}

/// What a folder that does not exist holds.
#[must_use]
pub fn sealed_of_nothing(folder: &Path) -> Sealed {
    Sealed::none(folder.join(LOG).to_string_lossy().into_owned())
}
