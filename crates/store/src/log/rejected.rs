//! `events.rejected.ndjson`: the lines that are not events, byte for byte.
//!
//! Lines come here as places in a log and are copied in pieces, since a line may be longer than memory.
//!
//! Invariant: what [`set_aside`] has returned from is on stable storage, and stands there once, also if the rewrite
//! is tried several times: what was set aside from a log begins at an offset that the record in the checkpoint
//! names, and a later try goes on behind it. Nothing here is ever removed.

use std::io;

use crate::disk::bytes::{CHUNK, for_each_piece, read_range, write_all_at};
use crate::disk::{File, Open};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::limits::INLINE_WAIT;
use crate::paths::{REJECTED, new_id, temporary};

/// Where a line stands: its offset and its length without the newline.
pub(crate) type Place = (u64, u64);

/// How long the file is; 0 if there is none.
pub(crate) fn length(folder: &Folder) -> Result<u64> {
    let stat = folder.stat(REJECTED).map_err(|error| folder.failed("stat", REJECTED, &error))?;
    Ok(stat.map_or(0, |stat| stat.size))
}

/// Appends lines of `log`, durably. `since` is how long the file was when lines of this log were set aside for the
/// first time; without it, the last lines of the file may be these.
pub(crate) fn set_aside(folder: &Folder, log: &dyn File, places: &[Place], since: Option<u64>) -> Result<()> {
    if places.is_empty() {
        return Ok(());
    }
    let failed = |syscall| move |error: io::Error| folder.failed(syscall, REJECTED, &error);
    let mut file = folder.open(REJECTED, Open::Side).map_err(failed("open"))?;
    if file.stat().map_err(failed("fstat"))?.links > 1 {
        part_from_other_names(folder, &*file).map_err(failed("rename"))?;
        file = folder.open(REJECTED, Open::Side).map_err(failed("open"))?;
    }
    let size = file.stat().map_err(failed("fstat"))?.size;
    let length = places.iter().fold(0_u64, |sum, (_, length)| sum.saturating_add(length + 1));
    let since = since.or(size.checked_sub(length)).filter(|since| *since <= size);
    let at = match since {
        Some(since) if begins_there(&*file, since, size, log, places).map_err(failed("read"))? => since,
        // Another program wrote there.
        _ => size,
    };
    // What stands there already is written again: an fsync may have failed, and then its pages are gone.
    let mut position = at;
    let mut write = |part: &[u8]| {
        write_all_at(&*file, part, position)?;
        position += part.len() as u64;
        Ok(true)
    };
    for_each_part(&*file, at, log, places, &mut write).map_err(failed("write"))?;
    file.sync().map_err(failed("fsync"))?;
    // The new file's name must not come to the disk later than the rename.
    folder
        .make_names_durable(&folder.patience(INLINE_WAIT))
        .map_err(|error| Error::io("fsync", folder.path(), &error))
}

/// Gives the file's name to a copy, so that its other names, a backup's or a planted one, stay as they are.
fn part_from_other_names(folder: &Folder, file: &dyn File) -> io::Result<()> {
    let name = temporary(REJECTED, &new_id(folder.random()));
    let stat = file.stat()?;
    let copied = folder.open(&name, Open::New).and_then(|copy| {
        copy.try_lock()?;
        copy.set_access(&stat)?;
        let mut position = 0;
        for_each_piece(file, 0, stat.size, |piece| {
            write_all_at(&*copy, piece, position)?;
            position += piece.len() as u64;
            Ok(true)
        })?;
        copy.sync()
    });
    let renamed = copied.and_then(|()| folder.rename(&name, REJECTED));
    if renamed.is_err() {
        let _ = folder.remove(&name);
    }
    renamed
}

/// Whether what stands in the file from `at` to its end is the beginning of these lines.
fn begins_there(file: &dyn File, at: u64, size: u64, log: &dyn File, places: &[Place]) -> io::Result<bool> {
    let (mut position, mut same) = (at, true);
    let mut compare = |part: &[u8]| {
        let length = usize::try_from(size - position).unwrap_or(usize::MAX).min(part.len());
        same = read_range(file, position, length)? == part.get(..length).unwrap_or_default();
        position += length as u64;
        Ok(same && position < size)
    };
    for_each_part(file, at, log, places, &mut compare)?;
    Ok(same && position == size)
}

/// Hands the lines with their newlines to `visit`, as they are to stand in the file from `at` on, joined to parts of
/// about [`CHUNK`] bytes, until it returns `false`.
fn for_each_part(
    file: &dyn File,
    at: u64,
    log: &dyn File,
    places: &[Place],
    visit: &mut dyn FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let mut part = Vec::new();
    // A file that ends within a line gets a newline before the first of ours.
    if at > 0 && read_range(file, at - 1, 1)? != b"\n" {
        part.push(b'\n');
    }
    for &(offset, length) in places {
        let mut go_on = true;
        for_each_piece(log, offset, offset.saturating_add(length), |piece| {
            part.extend_from_slice(piece);
            if part.len() > CHUNK {
                go_on = visit(&part)?;
                part.clear();
            }
            Ok(go_on)
        })?;
        if !go_on {
            return Ok(());
        }
        part.push(b'\n');
    }
    visit(&part).map(|_| ())
}
