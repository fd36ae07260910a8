//! `events.rejected.ndjson`: the lines that are no events, byte for byte.
//!
//! Lines come here as places in a log and are copied in pieces, since a line may be longer than memory.
//!
//! Invariant: what [`Store::set_aside`] has returned from is on stable storage. Nothing here is ever removed.

use std::io;

use crate::disk::bytes::{CHUNK, append_all, for_each_piece, read_range, write_all_at};
use crate::disk::{File, Open};
use crate::error::{Error, Result};
use crate::lock::folder_lock::at;
use crate::paths::{REJECTED, new_id, temporary};
use crate::store::Store;

/// Where a line stands: its offset and its length without the newline.
pub(crate) type Place = (u64, u64);

impl Store {
    /// Appends lines of `log` to the file, durably. If this was tried before and failed, they may be there already:
    /// then they are written again at their place.
    pub(crate) fn set_aside(&self, log: &dyn File, places: &[Place], tried_before: bool) -> Result<()> {
        if places.is_empty() {
            return Ok(());
        }
        let failed = |syscall| move |error: io::Error| at(&self.folder, syscall, REJECTED, &error);
        let mut file = self.folder.open(REJECTED, Open::Append).map_err(failed("open"))?;
        if file.stat().map_err(failed("fstat"))?.links > 1 {
            self.part_from_other_names(&*file).map_err(failed("rename"))?;
            file = self.folder.open(REJECTED, Open::Append).map_err(failed("open"))?;
        }
        let size = file.stat().map_err(failed("fstat"))?.size;
        let length = places.iter().fold(0_u64, |sum, (_, length)| sum.saturating_add(length + 1));
        if tried_before
            && let Some(before) = size.checked_sub(length)
            && stands_at(&*file, before, log, places).map_err(failed("read"))?
        {
            // Their writer may have died before the fsync, or it failed and the pages are gone.
            let file = self.folder.open(REJECTED, Open::Side).map_err(failed("open"))?;
            let mut position = before;
            for_each_part(log, places, |part| {
                write_all_at(&*file, part, position)?;
                position += part.len() as u64;
                Ok(true)
            })
            .map_err(failed("write"))?;
            file.sync().map_err(failed("fsync"))?;
            return self.folder.sync_folder().map_err(|error| Error::io("fsync", self.folder.path(), &error));
        }
        if size > 0 && read_range(&*file, size - 1, 1).map_err(failed("read"))? != b"\n" {
            append_all(&*file, b"\n").map_err(|(_, error)| failed("write")(error))?;
        }
        for_each_part(log, places, |part| {
            append_all(&*file, part).map_err(|(_, error)| error).map(|()| true)
        })
        .map_err(failed("write"))?;
        file.sync().map_err(failed("fsync"))?;
        if size == 0 {
            // The new file's name must not come to the disk later than the rename.
            self.folder.sync_folder().map_err(|error| Error::io("fsync", self.folder.path(), &error))?;
        }
        Ok(())
    }
}

impl Store {
    /// Gives the file's name to a copy, so that its other names, a backup's or a stranger's, stay as they are.
    fn part_from_other_names(&self, file: &dyn File) -> io::Result<()> {
        let name = temporary(REJECTED, &new_id(self.folder.random()));
        let stat = file.stat()?;
        let copied = self.folder.open(&name, Open::New).and_then(|copy| {
            copy.set_access(&stat)?;
            let mut position = 0;
            for_each_piece(file, 0, stat.size, |piece| {
                write_all_at(&*copy, piece, position)?;
                position += piece.len() as u64;
                Ok(true)
            })?;
            copy.sync()
        });
        let renamed = copied.and_then(|()| self.folder.rename(&name, REJECTED));
        if renamed.is_err() {
            let _ = self.folder.remove(&name);
        }
        renamed
    }
}

/// Whether exactly these lines stand in `file` at `position`.
fn stands_at(file: &dyn File, mut position: u64, log: &dyn File, places: &[Place]) -> io::Result<bool> {
    let mut same = true;
    for_each_part(log, places, |part| {
        same = read_range(file, position, part.len())? == part;
        position += part.len() as u64;
        Ok(same)
    })?;
    Ok(same)
}

/// Hands the lines with their newlines to `visit`, joined to parts of about [`CHUNK`] bytes, until it returns `false`.
fn for_each_part(
    log: &dyn File,
    places: &[Place],
    mut visit: impl FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let mut part = Vec::new();
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
