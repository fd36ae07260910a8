//! `.events.outbox`: lines that a rewrite would have taken away before they were shipped.
//!
//! Invariant: what [`add`] has returned from is on stable storage. Lines are only added, under the folder lock, until
//! all of them are shipped; then the file is cut to nothing. A line may stand here and in the log: a shared store knows
//! it by its bytes.

use std::io;

use crate::disk::bytes::{read_range, write_all_at};
use crate::disk::{File, Open};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::limits::{INLINE_WAIT, MAX_OUTBOX};
use crate::log::line_run::LineRun;
use crate::log::rejected::Place;
use crate::paths::OUTBOX;

/// Opens the file; `None` if there is none.
pub(crate) fn open(folder: &Folder) -> Result<Option<Box<dyn File>>> {
    if folder.stat(OUTBOX).map_err(|error| folder.failed("stat", OUTBOX, &error))?.is_none() {
        return Ok(None);
    }
    folder.open(OUTBOX, Open::Side).map(Some).map_err(|error| folder.failed("open", OUTBOX, &error))
}

/// Adds lines of `log`, by their places, durably.
pub(crate) fn add(folder: &Folder, log: &dyn File, lines: &[Place]) -> Result<()> {
    let failed = |syscall| move |error: io::Error| folder.failed(syscall, OUTBOX, &error);
    let file = folder.open(OUTBOX, Open::Side).map_err(failed("open"))?;
    let size = file.stat().map_err(failed("fstat"))?.size;
    let length = lines.iter().fold(0_u64, |sum, (_, length)| sum.saturating_add(length + 1));
    if size.saturating_add(length) > MAX_OUTBOX {
        return Err(Error::Unshipped { path: folder.path_of(OUTBOX), bytes: size.saturating_add(length) });
    }
    let mut position = size;
    let mut write = |bytes: &[u8]| {
        write_all_at(&*file, bytes, position)?;
        position += bytes.len() as u64;
        Ok(())
    };
    let copied = (|| {
        // A process that died in the middle left half a line.
        if size > 0 && read_range(&*file, size - 1, 1)? != b"\n" {
            write(b"\n")?;
        }
        let mut run = LineRun::default();
        for &(offset, length) in lines {
            if let Some(done) = run.add(&(offset..offset + length)) {
                done.copy(log, &mut write)?;
            }
        }
        run.copy(log, &mut write)
    })();
    copied.map_err(failed("write"))?;
    file.sync().map_err(failed("fsync"))?;
    // The new file's name must not come to the disk later than the rename.
    folder
        .make_names_durable(&folder.patience(INLINE_WAIT))
        .map_err(|error| Error::io("fsync", folder.path(), &error))
}
