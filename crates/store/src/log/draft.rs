//! A new log in the making.
//!
//! Invariant: it is made under a random name of its own, with the old log's permissions from the start, and
//! is locked by its maker for as long as it is being made, so that it can be distinguished from
//! what a crash left behind.

use std::io;
use std::ops::Range;

use crate::disk::bytes::{CHUNK, write_all_at};
use crate::disk::{File, Stat};
use crate::folder::Folder;
use crate::hints::origins::{Origin, Origins};
use crate::log::line_run::LineRun;
use crate::paths::{new_id, temporary_log};

/// See the head of this file.
pub(crate) struct Draft {
    file: Box<dyn File>,
    name: String,
    buffer: Vec<u8>,
    written: u64,
    /// A run of lines of the old log that is to be copied next.
    run: LineRun,
    /// Where its lines come from, but for copies of late ones.
    pub(crate) origins: Origins,
}

impl Draft {
    /// Makes an empty one, as accessible as the log that it will replace, if there is one.
    pub(crate) fn create(folder: &Folder, like: Option<&Stat>) -> io::Result<Self> {
        let prepare = |file: &dyn File| like.map_or(Ok(()), |like| file.set_access(like));
        let (name, _, file) = folder.create_locked(|random| temporary_log(&new_id(random)), prepare)?;
        Ok(Self {
            file,
            name,
            buffer: Vec::new(),
            written: 0,
            run: LineRun::default(),
            origins: Origins::default(),
        })
    }

    /// Its name in the folder.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The file, to be read.
    pub(crate) fn file(&self) -> &dyn File {
        &*self.file
    }

    /// How long it will be once everything is written.
    pub(crate) fn length(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Adds one line, given without its newline. Its event may have stood in the old log, with so many bytes.
    pub(crate) fn line(&mut self, text: &[u8], origin: Origin, old_length: u64) -> io::Result<()> {
        self.origins.add(text.len() as u64 + 1, origin, old_length);
        self.buffer.extend_from_slice(text);
        self.buffer.push(b'\n');
        self.write_if(CHUNK)
    }

    /// Adds whole lines as they are.
    pub(crate) fn lines(&mut self, text: &[u8]) -> io::Result<()> {
        self.buffer.extend_from_slice(text);
        self.write_if(CHUNK)
    }

    /// Adds the line at `range` of the old log. Neighbours are copied together: call [`Draft::end_run`]
    /// before anything else is added.
    pub(crate) fn old_line(&mut self, old: &dyn File, range: &Range<u64>) -> io::Result<()> {
        let length = range.end + 1 - range.start;
        self.origins.add(length, Origin::Old(range.start), length);
        self.run.add(range).map_or(Ok(()), |done| done.copy(old, &mut |bytes| self.lines(bytes)))
    }

    /// Copies what [`Draft::old_line`] has gathered.
    pub(crate) fn end_run(&mut self, old: &dyn File) -> io::Result<()> {
        std::mem::take(&mut self.run).copy(old, &mut |bytes| self.lines(bytes))
    }

    /// Writes what was added and not yet written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.write_if(0)
    }

    /// Puts what was written onto stable storage.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// Removes it, or, where this user may remove nothing, gives its room back. Does nothing once it is the log.
    pub(crate) fn discard(&self, folder: &Folder) {
        let refused =
            folder.remove(&self.name).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied);
        // Only while its own name leads to it: a draft that was renamed is the log.
        if refused
            && let (Ok(Some(named)), Ok(ours)) = (folder.stat(&self.name), self.file.stat())
            && named.id == ours.id
            && named.links == 1
        {
            let _ = self.file.set_len(0);
        }
    }

    fn write_if(&mut self, more_than: usize) -> io::Result<()> {
        if self.buffer.len() > more_than {
            write_all_at(&*self.file, &self.buffer, self.written)?;
            self.written += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }
}
