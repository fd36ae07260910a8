//! `events.ndjson`, open for appending.
//!
//! Invariant: what is appended starts at the beginning of a line. If the log does not end in a newline (a
//! writer died in the middle of a line, or the disk filled up), the batch brings the missing newline along,
//! in the same write: nothing is truncated, and should the other writer just be slow, the worst that arises
//! is a blank line.

use std::io;
use std::sync::Arc;

use crate::disk::bytes::{append_all, read_range, write_all_at};
use crate::disk::{File, FileId, Open};
use crate::error::Result;
use crate::folder::Folder;
use crate::paths::LOG;

/// The log, opened under the folder lock, so that it is the one that the name leads to.
pub(crate) struct Log {
    /// The file; shared with the thread that has still to sync it.
    pub(crate) file: Arc<dyn File>,
    /// Which file.
    pub(crate) id: FileId,
    /// Where our last write ended, with a newline, if the file has not grown since.
    clean_end: u64,
}

/// A write that failed.
pub(crate) struct Failed {
    /// Bytes of the batch that are in the file all the same.
    pub(crate) stored: usize,
    /// Where in the file they begin, unless another program wrote at that instant.
    pub(crate) at: u64,
    /// Why it failed.
    pub(crate) error: io::Error,
    /// What failed.
    pub(crate) syscall: &'static str,
}

impl Log {
    /// Opens the log, creating it if there is none.
    pub(crate) fn open(folder: &Folder) -> Result<Self> {
        let file = folder.open(LOG, Open::Append).map_err(|error| folder.failed("open", LOG, &error))?;
        let id = file.stat().map_err(|error| folder.failed("fstat", LOG, &error))?.id;
        Ok(Self { file: file.into(), id, clean_end: 0 })
    }

    /// Appends whole lines, each ending in a newline.
    pub(crate) fn append(&mut self, lines: &[u8]) -> std::result::Result<(), Failed> {
        let (end, torn) =
            self.end().map_err(|(syscall, error)| Failed { stored: 0, at: 0, error, syscall })?;
        let healed;
        let batch = if torn {
            healed = [b"\n", lines].concat();
            &healed
        } else {
            lines
        };
        let healing = batch.len() - lines.len();
        match append_all(&*self.file, batch) {
            Ok(()) => {
                self.clean_end = end + batch.len() as u64;
                Ok(())
            }
            Err((written, error)) => {
                let (stored, at) = (written.saturating_sub(healing), end + healing as u64);
                Err(Failed { stored, at, error, syscall: "write" })
            }
        }
    }

    /// Takes back bytes that a failed append has stored; they are of the same batch. Returns whether they are
    /// gone.
    ///
    /// They are made blank: what another program wrote behind them must stay. Only on a full disk, where none can have
    /// written, they are cut off; blanks would keep it full.
    pub(crate) fn take_back(&self, folder: &Folder, at: u64, bytes: &[u8], full: bool) -> io::Result<bool> {
        // A descriptor for appending writes at no other place.
        let file = folder.open(LOG, Open::Side)?;
        let stat = file.stat()?;
        if stat.id != self.id || read_range(&*file, at, bytes.len())? != bytes {
            return Ok(false);
        }
        if full && stat.size == at + bytes.len() as u64 {
            file.set_len(at)?;
        } else {
            write_all_at(&*file, &vec![b' '; bytes.len()], at)?;
        }
        Ok(true)
    }

    /// Closes a torn tail, if there is one.
    pub(crate) fn heal(&mut self) -> std::result::Result<(), Failed> {
        self.append(b"")
    }

    /// Length of the file, and whether its last line lacks its newline.
    fn end(&self) -> std::result::Result<(u64, bool), (&'static str, io::Error)> {
        let end = self.file.size().map_err(|error| ("lseek", error))?;
        if end == 0 || end == self.clean_end {
            return Ok((end, false));
        }
        let last = read_range(&*self.file, end - 1, 1).map_err(|error| ("read", error))?;
        Ok((end, last != b"\n"))
    }
}
