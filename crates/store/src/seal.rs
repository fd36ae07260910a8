//! Loading the log as sealed events.
//!
//! The lines of a small log are kept in memory. Those of a large one stay in the file, which our descriptor
//! keeps alive even when the log is replaced; each line is checked when it is read. A ledger that is closed gives
//! the descriptor back; if it is asked once more, the file is found by its name, unless the log was replaced.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use columns::{Columns, Sealed, Source};

use crate::disk::bytes::read_range;
use crate::disk::{File, FileId, Open};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::limits::FOLDER_WAIT;
use crate::log::log_columns::read_lines;
use crate::paths::LOG;
use crate::store::Store;
use crate::wait::patience::Caller;
use crate::wait::shared::Shared;

/// A log up to this size is kept in memory.
const IN_MEMORY: u64 = 16 << 20;

impl Store {
    /// Loads the log as it is now.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn seal(&self, caller: &Caller) -> Result<Sealed> {
        if let Some(sealed) = self.seal_once(caller)? {
            return Ok(sealed);
        }
        self.start_anew(caller)?;
        self.seal_once(caller)?.ok_or_else(|| Error::Changed { path: self.log_path() })
    }

    /// `None` if the lines are not those that the columns were made from. Lines in a file are checked when they
    /// are read.
    fn seal_once(&self, caller: &Caller) -> Result<Option<Sealed>> {
        let name = self.log_path();
        let patience = self.folder.patience_of(caller, FOLDER_WAIT);
        let Some((log, logged)) = self.views.snapshot(&patience)? else {
            return Ok(Some(Sealed::none(name)));
        };
        let size = log.stat().map_err(|error| self.folder.failed("fstat", LOG, &error))?.size;
        // Windows lets no program replace a file that we keep open.
        let lines: Box<dyn Source> = if size <= IN_MEMORY || cfg!(windows) {
            let length = usize::try_from(size).unwrap_or(usize::MAX);
            let bytes =
                read_range(&*log, 0, length).map_err(|error| self.folder.failed("read", LOG, &error))?;
            if !is_sound(&logged.columns, &bytes) {
                return Ok(None);
            }
            Box::new(bytes)
        } else {
            let id = log.stat().map_err(|error| self.folder.failed("fstat", LOG, &error))?.id;
            let open = Shared::new(Some(Arc::from(log)));
            Box::new(LinesOfLog { folder: self.folder.clone(), id, open })
        };
        Ok(Some(Sealed::new(name, logged.columns, lines)))
    }
}

/// The lines of a log, read from the file when they are needed.
struct LinesOfLog {
    folder: Folder,
    id: FileId,
    /// The file; `None` after it was given back.
    open: Shared<Option<Arc<dyn File>>>,
}

impl LinesOfLog {
    fn log(&self) -> io::Result<Arc<dyn File>> {
        if let Some(log) = self.open.with(|open| open.clone()) {
            return Ok(log);
        }
        let log: Arc<dyn File> = self.folder.open(LOG, Open::Read)?.into();
        // The log was replaced meanwhile: what was loaded is gone.
        if log.stat()?.id != self.id {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.open.replace(Some(Arc::clone(&log)));
        Ok(log)
    }
}

impl Source for LinesOfLog {
    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        let log = self.log()?;
        read_lines(&*log, &range).map(Cow::Owned)
    }

    fn release(&self) {
        self.open.take();
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
