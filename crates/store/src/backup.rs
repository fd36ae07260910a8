//! `backup()`: the lines of the log, or of archive and log, as one file, while others write.
//!
//! It is the log as it was at one instant: byte for byte, lines that are not events included, and half a line at the
//! end left out. With an archive, the lines of that come first, and each event is in the file once.
//!
//! Invariant: the file is made under another name, brought to the disk, read again and compared, and then renamed. What
//! was there before stays until then.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::path::Path;

use crate::archive::ArchivePlace;
use crate::archive::contents::Contents;
use crate::archive::snapshot::Snapshot;
use crate::disk::bytes::{CHUNK, for_each_piece, read_range, write_all_at};
use crate::disk::lines::end_of_lines;
use crate::disk::{File, Open};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::limits::FOLDER_WAIT;
use crate::log::recovery::remove_drafts;
use crate::paths::{LOG, is_archive_file, new_id, temporary};
use crate::store::Store;
use crate::wait::patience::Caller;
use event::line::{Line, Scanner};

/// What is in a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backup {
    /// Lines.
    pub lines: u64,
    /// Lines that are events.
    pub events: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Store {
    /// Writes a backup to the file at an absolute path, and replaces what is there.
    ///
    /// # Errors
    /// Whatever the disk says, and if what was written is not what is read; what was there stays then.
    pub fn backup(&self, file: &Path, archive: Option<&ArchivePlace>, caller: &Caller) -> Result<Backup> {
        let path = file.to_string_lossy();
        let invalid = || Error::io("open", path.clone(), &io::ErrorKind::InvalidInput.into());
        let (Some(parent), Some(name)) = (file.parent().and_then(Path::to_str), file.file_name()) else {
            return Err(invalid());
        };
        let name = name.to_str().ok_or_else(invalid)?;
        let target = self.folder.elsewhere(parent);
        let identity =
            |folder: &Folder| folder.identity().map_err(|error| Error::io("stat", folder.path(), &error));
        if identity(&target)?.is_none() {
            return Err(Error::io("open", path.clone(), &io::ErrorKind::NotFound.into()));
        }
        if identity(&target)? == identity(&self.folder)? && is_of_a_store(name) || is_archive_file(name) {
            return Err(invalid());
        }
        drop(remove_drafts(&target));
        let draft = temporary(name, &new_id(target.random()));
        let written = self.write_backup(&target, &draft, archive).and_then(|backup| {
            target.rename(&draft, name).map_err(|error| target.failed("rename", name, &error))?;
            let patience = target.patience_of(caller, FOLDER_WAIT);
            let named = target.make_names_durable(&patience);
            named.map_err(|error| Error::io("fsync", target.path(), &error)).map(|()| backup)
        });
        if written.is_err() {
            let _ = target.remove(&draft);
        }
        written
    }

    fn write_backup(&self, target: &Folder, draft: &str, archive: Option<&ArchivePlace>) -> Result<Backup> {
        let failed = |syscall| move |error: io::Error| target.failed(syscall, draft, &error);
        let file = target.open(draft, Open::New).map_err(failed("open"))?;
        file.try_lock().map_err(failed("flock"))?;
        let mut writer = Writer::new(&*file);
        let log = match archive {
            None => self.folder.open_log()?,
            Some(place) => {
                let mut snapshot = Snapshot::open(&self.folder, place)?;
                let log = snapshot.log.take();
                let mut contents = Contents::new(snapshot);
                while let Some(lines) = contents.next((f64::NEG_INFINITY, f64::INFINITY))? {
                    writer.write(&lines).map_err(failed("write"))?;
                }
                log
            }
        };
        if let Some(log) = log {
            self.copy_log(&*log, &mut writer, &failed("write"))?;
        }
        let (backup, hash) = writer.finish();
        file.sync().map_err(failed("fsync"))?;
        let mut read = hash.again();
        let mut position = 0;
        while position < backup.bytes {
            let bytes = read_range(&*file, position, CHUNK).map_err(failed("read"))?;
            if bytes.is_empty() {
                break;
            }
            read.add(&bytes);
            position += bytes.len() as u64;
        }
        if read.value() == hash.value() && file.size().map_err(failed("lseek"))? == backup.bytes {
            Ok(backup)
        } else {
            let reason =
                io::Error::new(io::ErrorKind::InvalidData, "it does not hold what was written to it");
            Err(failed("read")(reason))
        }
    }

    fn copy_log(
        &self,
        log: &dyn File,
        writer: &mut Writer<'_>,
        failed: &dyn Fn(io::Error) -> Error,
    ) -> Result<()> {
        let unreadable = |error: io::Error| self.folder.failed("read", LOG, &error);
        let size = log.size().map_err(unreadable)?;
        let whole = end_of_lines(log, 0, size).map_err(unreadable)?;
        let mut wrong = None;
        for_each_piece(log, 0, whole, |piece| {
            wrong = writer.write(piece).err();
            Ok(wrong.is_none())
        })
        .map_err(unreadable)?;
        if let Some(error) = wrong {
            return Err(failed(error));
        }
        // A whole event that lacks nothing but its newline counts as one.
        let mut tail = read_range(log, whole, usize::try_from(size - whole).unwrap_or(usize::MAX))
            .map_err(unreadable)?;
        if matches!(Scanner::new().scan(&tail), Line::Event(_)) {
            tail.push(b'\n');
            writer.write(&tail).map_err(failed)?;
        }
        Ok(())
    }
}

/// Whether a name in a store's folder is for the store.
fn is_of_a_store(name: &str) -> bool {
    name.starts_with("events.") || name.starts_with('.') || name == crate::paths::INDEX
}

/// Writes lines, counts them and sums them up.
struct Writer<'a> {
    file: &'a dyn File,
    backup: Backup,
    hash: Hash,
    scanner: Scanner,
    /// The beginning of a line.
    line: Vec<u8>,
}

impl<'a> Writer<'a> {
    fn new(file: &'a dyn File) -> Self {
        Self {
            file,
            backup: Backup::default(),
            hash: Hash::default(),
            scanner: Scanner::new(),
            line: Vec::new(),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        write_all_at(self.file, bytes, self.backup.bytes)?;
        self.backup.bytes += bytes.len() as u64;
        self.hash.add(bytes);
        let mut rest = bytes;
        while let Some((line, after)) = memchr::memchr(b'\n', rest).and_then(|at| rest.split_at_checked(at)) {
            self.backup.lines += 1;
            let whole = if self.line.is_empty() {
                line
            } else {
                self.line.extend_from_slice(line);
                &self.line
            };
            self.backup.events += u64::from(matches!(self.scanner.scan(whole), Line::Event(_)));
            self.line.clear();
            rest = after.get(1..).unwrap_or_default();
        }
        self.line.extend_from_slice(rest);
        Ok(())
    }

    fn finish(self) -> (Backup, Hash) {
        (self.backup, self.hash)
    }
}

/// 128 bits of what was added, which cannot be foreseen.
struct Hash {
    keys: (RandomState, RandomState),
    states: (std::hash::DefaultHasher, std::hash::DefaultHasher),
}

impl Default for Hash {
    fn default() -> Self {
        Self::of((RandomState::new(), RandomState::new()))
    }
}

impl Hash {
    fn of(keys: (RandomState, RandomState)) -> Self {
        let states = (keys.0.build_hasher(), keys.1.build_hasher());
        Self { keys, states }
    }

    /// An empty one that is to come to the same value.
    fn again(&self) -> Self {
        Self::of(self.keys.clone())
    }

    fn add(&mut self, bytes: &[u8]) {
        self.states.0.write(bytes);
        self.states.1.write(bytes);
    }

    fn value(&self) -> (u64, u64) {
        (self.states.0.finish(), self.states.1.finish())
    }
}
