//! Finishing a rewrite that its process did not finish.
//!
//! `.events.prev` exists from just before the new log takes the old one's name until the old one is known to
//! hold nothing that the new one lacks. Whoever takes the folder lock and finds it looks which of the two the
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

use crate::disk::bytes::end_of_lines;
use crate::disk::{File, Open, Stat};
use crate::error::{Error, Result};
use crate::hints::checkpoint::{Checkpoint, Rewrite};
use crate::log::open_log::Log;
use crate::paths::{
    CHECKPOINT, DRAIN_GRACE, INDEX, LOCK, LOCK_STALE_MS, LOG, PREVIOUS, REJECTED, is_draft_of, temporary_id,
};
use crate::rewrite::late_lines::has_tail;
use crate::store::{State, Store};

/// Pause between two looks at the old log.
const PAUSE: Duration = Duration::from_micros(300);

/// Whether the old log may still get lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Leftover {
    /// Nobody writes to it any more.
    Nothing,
    /// A program still has it open.
    Perhaps,
}

impl Store {
    /// See the head of this file. The folder lock is held.
    pub(crate) fn finish_rewrite(&self, state: &mut State) -> Result<()> {
        let result = self.go_on_rewriting(state);
        if result.is_err() {
            // Some of the lines may have been moved already: next time, compare.
            state.checkpoint = Checkpoint::default();
        }
        result
    }

    fn go_on_rewriting(&self, state: &mut State) -> Result<()> {
        let stat = |name: &'static str| self.folder.stat(name).map_err(|error| self.at("stat", name, &error));
        let Some(previous) = stat(PREVIOUS)? else { return Ok(()) };
        let Some(log) = stat(LOG)? else {
            // A planted link or pipe is not to become the log.
            self.folder.open(PREVIOUS, Open::Read).map_err(|error| self.at("open", PREVIOUS, &error))?;
            return self.folder.rename(PREVIOUS, LOG).map_err(|error| self.at("rename", LOG, &error));
        };
        if previous.id == log.id {
            return match self.remove_previous() {
                // A sticky or append-only folder lets this user remove nothing. Two names of one file are no harm.
                Err(error) if error.is_not_permitted() => Ok(()),
                removed => {
                    self.remove_drafts();
                    removed
                }
            };
        }
        let Some(lock) = &state.lock else { return Ok(()) };
        let file = &*lock.checkpoint;
        let failed = |error: io::Error| self.at("read", CHECKPOINT, &error);
        let ours_to_go_on = state.checkpoint.rewrite.is_some_and(|rewrite| rewrite.previous == previous.id)
            && state.checkpoint.is_current(file).map_err(failed)?;
        if !ours_to_go_on {
            state.checkpoint = Checkpoint::load(file, self.folder.boot()).map_err(failed)?;
        }
        let old =
            self.folder.open(PREVIOUS, Open::Read).map_err(|error| self.at("open", PREVIOUS, &error))?;
        let mut new = Log::open(&self.folder)?;
        // Without a record of S, nothing that the old log holds may be missing: better twice considered than
        // once lost.
        let mut rewrite = state
            .checkpoint
            .rewrite
            .filter(|rewrite| rewrite.previous == previous.id)
            .unwrap_or(Rewrite { previous: previous.id, from: 0, kept: 0 });
        let copies = (!ours_to_go_on).then_some(rewrite);
        if !ours_to_go_on {
            let size = old.stat().map_err(failed)?.size;
            let end = end_of_lines(&*old, rewrite.from, size).map_err(failed)?;
            self.move_missing_lines(&*old, rewrite.from..end, &mut new, rewrite.kept)?;
            rewrite.from = end;
        }
        // Where the system cannot tell whether somebody still writes, only time can.
        let can_tell = old.has_no_writer().map_err(failed)?.is_some();
        let wait = if can_tell { Duration::ZERO } else { DRAIN_GRACE };
        let leftover = self.drain_old(&*old, &mut rewrite.from, &mut new, wait, copies)?;
        drop(old);
        state.checkpoint.rewrite = Some(rewrite);
        if leftover == Leftover::Nothing {
            // What was moved must not be lost by a power cut together with its only other copy.
            new.file.sync().map_err(|error| self.at("fsync", LOG, &error))?;
            self.remove_previous()?;
            state.checkpoint.rewrite = None;
        }
        let Some(lock) = &state.lock else { return Ok(()) };
        state.checkpoint.store(&*lock.checkpoint).map_err(|error| self.at("write", CHECKPOINT, &error))?;
        self.remove_drafts();
        Ok(())
    }

    /// Appends to the new log the lines of the old one from `from` on, until nobody has the old one open for
    /// writing or `wait` is over. `from` moves along.
    ///
    /// With `copies`, a process that died may have got further than `from`: up to the unterminated end, which then
    /// is among the copies in the new log.
    pub(crate) fn drain_old(
        &self,
        old: &dyn File,
        from: &mut u64,
        new: &mut Log,
        wait: Duration,
        copies: Option<Rewrite>,
    ) -> Result<Leftover> {
        let failed = |syscall: &'static str, name: &'static str| {
            move |error: io::Error| self.at(syscall, name, &error)
        };
        let start = self.folder.monotonic();
        loop {
            // Asked before the last look: what is written after it was written by nobody we waited for.
            let quiet = old.has_no_writer().map_err(failed("fcntl", PREVIOUS))?;
            let waited = self.folder.monotonic().saturating_sub(start);
            let done = quiet.unwrap_or(waited >= DRAIN_GRACE);
            let size = old.stat().map_err(failed("fstat", PREVIOUS))?.size;
            let whole = end_of_lines(old, *from, size).map_err(failed("read", PREVIOUS))?;
            let tail_is_there = |copies: Rewrite| {
                has_tail(old, copies.from, whole..size, &*new.file, copies.kept).map_err(failed("read", LOG))
            };
            let with_tail = done && whole < size && !copies.map_or(Ok(false), tail_is_there)?;
            self.move_lines(old, *from..if with_tail { size } else { whole }, new)?;
            *from = if done { (*from).max(size) } else { whole };
            if done {
                return Ok(Leftover::Nothing);
            }
            if waited >= wait {
                return Ok(Leftover::Perhaps);
            }
            self.folder.sleep(PAUSE);
        }
    }

    /// Removes the old log for good: were it to come back with a power cut, so would what was evicted from
    /// it.
    pub(crate) fn remove_previous(&self) -> Result<()> {
        self.folder.remove(PREVIOUS).map_err(|error| self.at("unlink", PREVIOUS, &error))?;
        self.folder.sync_folder().map_err(|error| Error::io("fsync", self.folder.path(), &error))
    }

    fn is_stale(&self, stat: &Stat) -> bool {
        let age_ms = self.folder.now_ms().saturating_sub(stat.modified_ns / 1_000_000);
        age_ms > LOCK_STALE_MS.unsigned_abs()
    }

    /// Removes what dead processes were making. A draft that its maker still works on is locked; an
    /// `index.json` or a copy of the rejected lines is made by the holder of the folder lock only, and that is
    /// who calls. A draft of `.lock` takes an instant: one that is so old that the lock itself would be stale is
    /// nobody's.
    pub(crate) fn remove_drafts(&self) {
        let Ok(names) = self.folder.list() else { return };
        for name in names.iter().filter(|name| temporary_id(name).is_some()) {
            let Ok(file) = self.folder.open(name, Open::Read) else { continue };
            // The lock is kept until the name is gone, so that its maker, if it is just about to lock it,
            // sees either.
            let is_dead = if is_draft_of(name, LOCK) {
                file.stat().is_ok_and(|stat| self.is_stale(&stat))
            } else {
                [INDEX, REJECTED].iter().any(|made| is_draft_of(name, made))
                    || name.starts_with("events.tmp.") && file.try_lock().unwrap_or(false)
            };
            if is_dead {
                let _ = self.folder.remove(name);
            }
        }
    }
}
