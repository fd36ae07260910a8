//! `events.rejected.ndjson`: lines that a rewrite could not understand, byte for byte.
//!
//! Invariant: each line is there once, also if the rewrite is tried several times: what was set aside from a log
//! begins at an offset that the record in the checkpoint names, and a later try goes on behind it. A line is on
//! stable storage here before the log without it gets its name.

use std::io;

use crate::disk::bytes::{read_range, write_all_at};
use crate::disk::{File, Open};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::paths::{LOG, REJECTED};

/// Bytes copied at a time.
const PIECE: u64 = 1 << 20;

/// How long the file is; 0 if there is none.
pub(crate) fn length(folder: &Folder) -> Result<u64> {
    let stat = folder.stat(REJECTED).map_err(|error| folder.failed("stat", REJECTED, &error))?;
    Ok(stat.map_or(0, |stat| stat.size))
}

/// Appends the malformed lines of a log, durably. `since` is how long the file was before lines of this log were
/// set aside for the first time.
pub(crate) fn set_aside(
    folder: &Folder,
    log: Option<&dyn File>,
    malformed: &[(u64, u64)],
    since: u64,
) -> Result<()> {
    let (Some(log), false) = (log, malformed.is_empty()) else { return Ok(()) };
    let failed = |syscall| move |error: io::Error| folder.failed(syscall, REJECTED, &error);
    let file = folder.open(REJECTED, Open::Side).map_err(failed("open"))?;
    let size = file.stat().map_err(failed("fstat"))?.size;
    let block = Block { log, malformed };
    let at = match since {
        since if since <= size && block.begins_like(&*file, since, size).map_err(failed("read"))? => since,
        // Another program wrote there.
        _ => size,
    };
    // What stands there already is written again: an fsync may have failed, and then its pages are gone.
    let mut end = at;
    block
        .visit(
            &mut |bytes| {
                write_all_at(&*file, bytes, end)?;
                end += bytes.len() as u64;
                Ok(true)
            },
            starts_a_line(&*file, at).map_err(failed("read"))?,
        )
        .map_err(|(syscall, error)| {
            folder.failed(syscall, if syscall == "read" { LOG } else { REJECTED }, &error)
        })?;
    file.sync().map_err(failed("fsync"))?;
    // The new file's name must not come to the disk later than the rename.
    folder.sync_folder().map_err(|error| Error::io("fsync", folder.path(), &error))
}

fn starts_a_line(file: &dyn File, at: u64) -> io::Result<bool> {
    Ok(at == 0 || read_range(file, at - 1, 1)? == b"\n")
}

/// The malformed lines of a log, one behind the other, each with a newline.
struct Block<'a> {
    log: &'a dyn File,
    malformed: &'a [(u64, u64)],
}

impl Block<'_> {
    /// Whether what stands in the file from `at` to `size` is the beginning of the block.
    fn begins_like(&self, file: &dyn File, mut at: u64, size: u64) -> io::Result<bool> {
        let mut alike = true;
        let first = starts_a_line(file, at)?;
        self.visit(
            &mut |bytes| {
                let length = usize::try_from(size - at).unwrap_or(usize::MAX).min(bytes.len());
                alike = read_range(file, at, length)? == bytes.get(..length).unwrap_or_default();
                at += length as u64;
                Ok(alike && at < size)
            },
            first,
        )
        .map_err(|(_, error)| error)?;
        Ok(alike && at == size)
    }

    /// Calls `visit` with the block, piece by piece, until it returns `false`. A block that does not start a
    /// line begins with a newline.
    fn visit(
        &self,
        visit: &mut dyn FnMut(&[u8]) -> io::Result<bool>,
        starts_a_line: bool,
    ) -> std::result::Result<(), (&'static str, io::Error)> {
        let mut visit = |bytes: &[u8]| visit(bytes).map_err(|error| ("write", error));
        if !starts_a_line && !visit(b"\n")? {
            return Ok(());
        }
        for &(start, length) in self.malformed {
            let (mut offset, end) = (start, start + length);
            loop {
                let piece = usize::try_from(PIECE.min(end - offset)).unwrap_or(usize::MAX);
                let mut bytes = read_range(self.log, offset, piece).map_err(|error| ("read", error))?;
                if bytes.len() < piece {
                    return Err(("read", io::ErrorKind::UnexpectedEof.into()));
                }
                offset += bytes.len() as u64;
                if offset == end {
                    bytes.push(b'\n');
                }
                if !visit(&bytes)? {
                    return Ok(());
                }
                if offset == end {
                    break;
                }
            }
        }
        Ok(())
    }
}
