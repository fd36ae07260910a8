//! A repair: the copy of the log, then the engine's work on it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::engine::{Engine, LOG, sync_folder};
use crate::exit::{Failure, Result};
use crate::folder::Folder;
use crate::text::numbers::whole;
use crate::text::times::{Zone, now_ms};

/// Repairs a folder. Returns the copy's path, if the log was copied, and how many lines were set aside.
pub(crate) fn repair(
    folder: &Folder,
    engine: &Engine,
    wait: Duration,
    changes_log: bool,
) -> Result<(Option<PathBuf>, u64)> {
    let lock = engine.lock(wait)?;
    let backup = if changes_log { back_up(folder).map(Some) } else { Ok(None) };
    let repaired = backup.and_then(|backup| Ok((backup, engine.repair()?)));
    let released = lock.release();
    let repaired = repaired?;
    released?;
    Ok(repaired)
}

/// A copy of the log, on the disk. A compaction meanwhile does not matter: it leaves the file that is copied.
fn back_up(folder: &Folder) -> Result<PathBuf> {
    let now = now_ms();
    let time = Zone::new(true).show(now).replace(':', "-");
    let ms = whole(now.rem_euclid(1000.0));
    let path = folder.file(&format!("events.backup.{}.{ms:03}Z.ndjson", time.trim_end_matches('Z')));
    let copied = (|| -> io::Result<()> {
        let mut log = File::open(folder.file(LOG))?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut copy = options.open(&path)?;
        copy.set_permissions(log.metadata()?.permissions())?;
        io::copy(&mut log, &mut copy)?;
        copy.sync_all()
    })();
    copied.map_err(|error| {
        let _ = std::fs::remove_file(&path);
        Failure::io("copy", &path, &error)
    })?;
    sync_folder(&folder.path)?;
    Ok(path)
}
