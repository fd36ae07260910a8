//! Files of the store as the tool reads them, and small files of its own beside them.
//!
//! Invariant: a read takes no lock, creates nothing and follows no link.

use std::io;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event::needle::Needle;
use store::Store;
use store::disk::folder::RealFolder;
use store::disk::lines::{Walked, find_lines};
use store::disk::{Disk, File, FileId, Open};

use crate::exit::{Failure, Result};
use crate::text::numbers::long;

/// Looks at a line and where it stands, and says whether to go on.
pub(crate) type Visit<'a> = dyn FnMut(u64, &[u8]) -> Result<ControlFlow<()>> + 'a;

/// A file of the folder, open for reading.
pub(crate) struct StoreFile {
    pub(super) file: Box<dyn File>,
    path: PathBuf,
}

impl StoreFile {
    /// Opens a file of a folder; `None` if there is none. Links, pipes and devices are refused: the engine writes to
    /// none, and what is read must be what is written.
    pub(crate) fn open(folder: &Path, name: &str) -> Result<Option<Self>> {
        Self::open_for(folder, name, Open::Read)
    }

    /// The same as the engine opens it for an append, which makes it if it is missing.
    pub(crate) fn open_to_append(folder: &Path, name: &str) -> Result<Option<Self>> {
        Self::open_for(folder, name, Open::Append)
    }

    fn open_for(folder: &Path, name: &str, mode: Open) -> Result<Option<Self>> {
        let path = folder.join(name);
        match RealFolder::new(folder).open(name, mode) {
            Ok(file) => Ok(Some(Self { file, path })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                Ok(None)
            }
            Err(error) => Err(failed("open", &path, &error)),
        }
    }

    /// Which file it is, and its length.
    pub(crate) fn stat(&self) -> Result<(FileId, u64)> {
        let stat = self.file.stat().map_err(|error| failed("fstat", &self.path, &error))?;
        Ok((stat.id, stat.size))
    }

    /// The parts of a log, ascending, that have all events of a time: all of it, where the checkpoint does not say.
    pub(crate) fn stretches(&self, since: Option<f64>, until: Option<f64>) -> Result<Vec<Range<u64>>> {
        let known = || {
            let store = Store::alone(Arc::new(RealFolder::new(self.path.parent()?)));
            store.stretches(&*self.file, since, until)
        };
        let timed = since.is_some() || until.is_some();
        match timed.then(known).flatten() {
            Some(stretches) => Ok(stretches),
            None => Ok(std::iter::once(0..self.stat()?.1).collect()),
        }
    }

    /// Visits the lines of a part that end in a newline, until `visit` breaks; with a needle, only those that may match
    /// it. In bounded memory; a long line that cannot be an event comes as one null byte.
    pub(crate) fn find_lines(
        &self,
        part: Range<u64>,
        needle: Option<&Needle>,
        visit: &mut Visit<'_>,
    ) -> Result<Walked> {
        let mut failure = None;
        let walked = find_lines(&*self.file, part, needle, &mut |offset, line| {
            visit(offset, line).unwrap_or_else(|error| {
                failure = Some(error);
                ControlFlow::Break(())
            })
        });
        match failure {
            Some(error) => Err(error),
            None => walked.map_err(|error| failed("read", &self.path, &error)),
        }
    }

    /// Calls `visit(offset, line, whole)` for each line of the file: the last one is not whole if it has no newline.
    /// Returns the length of all.
    pub(crate) fn for_each_line(&self, visit: &mut dyn FnMut(u64, &[u8], bool)) -> Result<u64> {
        let walked = self.find_lines(0..self.stat()?.1, None, &mut |offset, line| {
            visit(offset, line, true);
            Ok(ControlFlow::Continue(()))
        })?;
        if !walked.tail.is_empty() {
            visit(walked.whole, &walked.tail, false);
        }
        Ok(walked.end)
    }

    /// Reads at a position; 0 at the end.
    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize> {
        self.file.read_at(buffer, offset).map_err(|error| failed("read", &self.path, &error))
    }

    /// Reads up to so many bytes; fewer only at the end.
    pub(crate) fn read(&self, offset: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.read_at(rest, offset + long(filled))? {
                0 => break,
                read => filled += read,
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }
}

/// A failed system call on a file of the store, in the engine's words.
fn failed(syscall: &'static str, path: &Path, error: &io::Error) -> Failure {
    store::Error::io(syscall, path.to_string_lossy(), error).into()
}

/// Makes creations and renames in a folder durable, as far as its file system knows how.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    RealFolder::new(folder).sync_folder().map_err(|error| Failure::io("fsync", folder, &error))
}

/// Adds a line to a small file of a folder; when it gets larger than `largest`, its older half goes.
pub(crate) fn append_bounded(folder: &Path, name: &str, line: &[u8], largest: usize) -> io::Result<()> {
    let place = RealFolder::new(folder);
    if !folder.exists() {
        place.create_folder()?;
    }
    let file = place.open(name, Open::Append)?;
    let size = usize::try_from(file.size()?).unwrap_or(usize::MAX);
    if size.saturating_add(line.len()) <= largest {
        return file.append(line).map(|_| ());
    }
    let keep = largest / 2;
    let mut kept = vec![0; keep];
    let read = file.read_at(&mut kept, long(size.saturating_sub(keep)))?;
    kept.truncate(read);
    let start = memchr::memchr(b'\n', &kept).map_or(0, |newline| newline + 1);
    let text = [kept.get(start..).unwrap_or_default(), line].concat();
    let again = place.open(name, Open::Side)?;
    again.set_len(0)?;
    again.write_at(&text, 0).map(|_| ())
}
