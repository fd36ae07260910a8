//! Finishing a rewrite that its process did not finish.
//!
//! `.events.prev` exists from just before the new log takes the old one's name until the old one is known to
//! hold nothing that the new one lacks. A process that takes the folder lock and finds it looks which of the two the
//! crash left:
//!
//! | found | means | done |
//! |---|---|---|
//! | both names lead to one file | the rename did not happen | the second name is removed, if this user may |
//! | two files | the rename happened | lines of the old one from S on that the new one lacks are appended to it; then the old one is removed |
//! | no log | the log was removed by hand | the old one gets its name back |
//!
//! Invariant: doing this twice, or dying in the middle and doing it again, changes nothing.

use std::io;
use std::time::Duration;

use crate::disk::lines::end_of_lines;
use crate::disk::{File, Open, Stat};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::hints::checkpoint::{Checkpoint, Rewrite};
use crate::limits::{DRAIN_GRACE, INLINE_WAIT, LOCK_STALE_MS};
use crate::log::late_lines::{has_tail, move_lines, move_missing_lines};
use crate::log::open_log::Log;
use crate::paths::{CHECKPOINT, LOCK, LOG, PREVIOUS, is_draft_of, temporary_id};
use crate::wait::patience::{Patience, Pauses};

/// Pauses between two looks at the old log.
const PAUSES: Pauses = Pauses(Duration::from_micros(300), Duration::from_micros(300));

/// Whether the old log may still get lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leftover {
    /// No process writes to it any more.
    Nothing,
    /// A program still has it open.
    Perhaps,
}

/// Open files that have lost their names. The last close of a large file takes long, since its room is given back then:
/// they are closed when the folder is free.
pub(crate) type Nameless = Vec<Box<dyn File>>;

/// Most files that are kept open for that.
const MOST_NAMELESS: usize = 16;

/// Finishes an interrupted rewrite, if there is one; see the head of this file. The folder lock is held;
/// `file` is the checkpoint's. `progress` is how far this process got before.
pub(crate) fn finish_rewrite(
    folder: &Folder,
    file: &dyn File,
    checkpoint: &mut Checkpoint,
    progress: &mut Option<Rewrite>,
    nameless: &mut Nameless,
) -> Result<()> {
    // If it fails, some of the lines may have been moved already: next time, compare.
    let before = progress.take();
    *progress = go_on_rewriting(folder, file, checkpoint, before, nameless)?;
    Ok(())
}

fn go_on_rewriting(
    folder: &Folder,
    file: &dyn File,
    checkpoint: &mut Checkpoint,
    progress: Option<Rewrite>,
    nameless: &mut Nameless,
) -> Result<Option<Rewrite>> {
    let stat = |name: &'static str| folder.stat(name).map_err(|error| folder.failed("stat", name, &error));
    let Some(previous) = stat(PREVIOUS)? else { return Ok(None) };
    let Some(log) = stat(LOG)? else {
        // A planted link or pipe is not to become the log.
        folder.open(PREVIOUS, Open::Read).map_err(|error| folder.failed("open", PREVIOUS, &error))?;
        folder.rename(PREVIOUS, LOG).map_err(|error| folder.failed("rename", LOG, &error))?;
        return Ok(None);
    };
    if previous.id == log.id {
        return match remove_previous(folder) {
            // A sticky or append-only folder lets this user remove nothing. Two names of one file do no harm.
            Err(error) if error.is_not_permitted() => Ok(None),
            removed => {
                nameless.extend(remove_drafts(folder));
                removed.map(|()| None)
            }
        };
    }
    let failed = |error: io::Error| folder.failed("read", CHECKPOINT, &error);
    let ours_to_go_on = progress.is_some_and(|progress| progress.previous == previous.id)
        && checkpoint.rewrite == progress
        && checkpoint.is_current(file).map_err(failed)?;
    if !ours_to_go_on {
        *checkpoint = Checkpoint::load(file, folder.boot()).map_err(failed)?;
    }
    let old = folder.open(PREVIOUS, Open::Read).map_err(|error| folder.failed("open", PREVIOUS, &error))?;
    let mut new = Log::open(folder)?;
    // Without a record of S, nothing that the old log holds may be missing: better to look at a line twice than to lose
    // it.
    let mut rewrite = checkpoint
        .rewrite
        .filter(|rewrite| rewrite.previous == previous.id)
        .unwrap_or(Rewrite { previous: previous.id, from: 0, kept: 0, rejected: 0 });
    let copies = (!ours_to_go_on).then_some(rewrite);
    if !ours_to_go_on {
        let size = old.stat().map_err(failed)?.size;
        let end = end_of_lines(&*old, rewrite.from, size).map_err(failed)?;
        move_missing_lines(folder, &*old, rewrite.from..end, &mut new, rewrite.kept)?;
        rewrite.from = end;
    }
    // Where the system cannot say whether a process still writes, a grace time has to do.
    let can_tell = old.has_no_writer().map_err(failed)?.is_some();
    let wait = folder.patience(if can_tell { Duration::ZERO } else { DRAIN_GRACE });
    let leftover = drain(folder, &*old, &mut rewrite.from, &mut new, &wait, copies)?;
    checkpoint.rewrite = Some(rewrite);
    if leftover == Leftover::Nothing {
        // What was moved must not be lost by a power cut together with its only other copy.
        new.file.sync().map_err(|error| folder.failed("fsync", LOG, &error))?;
        keep_open(old, nameless);
        remove_previous(folder)?;
        checkpoint.rewrite = None;
    }
    checkpoint.store(file).map_err(|error| folder.failed("write", CHECKPOINT, &error))?;
    nameless.extend(remove_drafts(folder));
    Ok(checkpoint.rewrite)
}

/// Removes the old log for good: were it to come back with a power cut, so would what was evicted from it.
pub(crate) fn remove_previous(folder: &Folder) -> Result<()> {
    folder.remove(PREVIOUS).map_err(|error| folder.failed("unlink", PREVIOUS, &error))?;
    folder
        .make_names_durable(&folder.patience(INLINE_WAIT))
        .map_err(|error| Error::io("fsync", folder.path(), &error))
}

/// Keeps a file open that is about to lose its name; where an open file cannot be removed, it is closed.
pub(crate) fn keep_open(file: Box<dyn File>, nameless: &mut Nameless) {
    if cfg!(not(windows)) {
        nameless.push(file);
    }
}

/// Removes what dead processes were making. A draft that its maker still works on is locked; one of `.lock` takes an
/// instant, and is left over if it is so old that the lock itself would be stale.
pub(crate) fn remove_drafts(folder: &Folder) -> Nameless {
    let mut nameless = Nameless::new();
    let Ok(names) = folder.list() else { return nameless };
    for name in names.iter().filter(|name| temporary_id(name).is_some()) {
        let Ok(file) = folder.open(name, Open::Read) else { continue };
        // The lock is kept until the name is gone, so that its maker, if it is just about to lock it, sees either.
        let is_dead = if is_draft_of(name, LOCK) {
            file.stat().is_ok_and(|stat| is_stale(folder, &stat))
        } else {
            file.try_lock().unwrap_or(false)
        };
        if is_dead && folder.remove(name).is_ok() && nameless.len() < MOST_NAMELESS {
            nameless.push(file);
        }
    }
    nameless
}

fn is_stale(folder: &Folder, stat: &Stat) -> bool {
    let age_ms = folder.now_ms().saturating_sub(stat.modified_ns / 1_000_000);
    age_ms > LOCK_STALE_MS.unsigned_abs()
}

/// Appends to the new log the lines of the old one from `from` on, until no process has the old one open for
/// writing or `wait` is over. `from` moves along.
///
/// With `copies`, a process that died may have got further than `from`: up to the unterminated end, which then
/// is among the copies in the new log.
pub(crate) fn drain(
    folder: &Folder,
    old: &dyn File,
    from: &mut u64,
    new: &mut Log,
    patience: &Patience,
    copies: Option<Rewrite>,
) -> Result<Leftover> {
    let failed = |syscall: &'static str, name: &'static str| {
        move |error: io::Error| folder.failed(syscall, name, &error)
    };
    let since = folder.monotonic();
    let nothing = patience.poll(&*folder.background().time, PAUSES, || {
        // Asked before the last look: what is written after it comes from no process that we waited for.
        let quiet = old.has_no_writer().map_err(failed("fcntl", PREVIOUS))?;
        let done = quiet.unwrap_or_else(|| folder.monotonic().saturating_sub(since) >= DRAIN_GRACE);
        let size = old.stat().map_err(failed("fstat", PREVIOUS))?.size;
        let whole = end_of_lines(old, *from, size).map_err(failed("read", PREVIOUS))?;
        let tail_is_there = |copies: Rewrite| {
            has_tail(old, copies.from, whole..size, &*new.file, copies.kept).map_err(failed("read", LOG))
        };
        let with_tail = done && whole < size && !copies.map_or(Ok(false), tail_is_there)?;
        move_lines(folder, old, *from..if with_tail { size } else { whole }, new)?;
        *from = if done { (*from).max(size) } else { whole };
        Ok::<_, Error>(done.then_some(Leftover::Nothing))
    })?;
    Ok(nothing.unwrap_or(Leftover::Perhaps))
}
