//! Beside programs that run the JavaScript module.
//!
//! Such a program appends without any lock, which costs us nothing, and rewrites the log under `.lock`: it
//! reads the log, writes a new file and renames it. A line that we append between its reading and its
//! renaming would vanish with the old file. So after writing we look: first whether a foreign `.lock` exists,
//! then whether the name still leads to our file (the other order misses some). If either looks bad, the
//! lines are remembered until the other program is done, and appended again if the new log lacks them.
//!
//! One look serves all that a ledger logs under one lease: a rewrite that read the log before one of the
//! lines was written has by then replaced our file, or still holds its `.lock`.
//!
//! Invariant: a line that was written while a JavaScript program was rewriting under `.lock` is kept here
//! until it is known to be in the log that the name leads to. The log is never closed without a look.

use std::collections::HashMap;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::disk::bytes::for_each_line;
use crate::disk::{File, Folder, Stat};
use crate::error::Result;
use crate::lock::lock_file::{self, Owner, Seen};
use crate::log::open_log::Log;
use crate::paths::{FOLDER_WAIT, INLINE_WAIT, LOCK, LOCK_STALE_MS, LOG};
use crate::store::{State, Store};

/// Pause between two looks at a foreign `.lock`.
const PAUSE: Duration = Duration::from_millis(5);
/// A foreign `.lock` is waited for until it must be stale, and a little longer.
const PATIENCE: Duration = Duration::from_millis(LOCK_STALE_MS as u64 + 1000);

/// Lines that a rewriting program may have missed.
#[derive(Default)]
pub(crate) struct Peers {
    /// Whole lines, each ending in a newline, that a rewrite may have missed.
    lines: Vec<u8>,
    /// Lines written since the last look, likewise.
    unseen: Vec<u8>,
    /// A `.lock` that is known to be ours.
    harmless: Option<Stat>,
    /// A `.lock` that is not ours.
    seen: Seen,
}

impl Peers {
    /// Whether lines are remembered.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Whether lines were written since the last look.
    pub(crate) fn is_due(&self) -> bool {
        !self.unseen.is_empty()
    }

    /// Takes lines that were just written; [`Peers::look`] must follow.
    pub(crate) fn wrote(&mut self, lines: &[u8]) {
        self.unseen.extend_from_slice(lines);
        if lines.last().is_some_and(|&last| last != b'\n') {
            self.unseen.push(b'\n');
        }
    }

    /// Looks whether the lines written since the last look may be missed by a rewriting program, and
    /// remembers them if so.
    pub(crate) fn look(&mut self, folder: &Folder, log: &Log) {
        if !self.is_due() {
            return;
        }
        let foreign = self.foreign_lock(folder);
        // A failed look proves nothing.
        let replaced = folder.stat(LOG).is_ok_and(|stat| stat.is_none_or(|stat| stat.id != log.id));
        if foreign || replaced || self.is_waiting() {
            self.lines.append(&mut self.unseen);
        }
        self.unseen.clear();
    }

    /// Whether a JavaScript program holds `.lock`.
    fn foreign_lock(&mut self, folder: &Folder) -> bool {
        let Ok(Some(stat)) = folder.stat(LOCK) else { return false };
        if self.harmless == Some(stat) {
            return false;
        }
        let Ok(Some(file)) = lock_file::read(folder, LOCK, &mut self.seen) else { return false };
        match file.owner {
            Owner::Foreign | Owner::Unsettled => true,
            Owner::Stale => false,
            Owner::Ours => {
                self.harmless = Some(file.stat);
                false
            }
        }
    }

    fn forget(&mut self) {
        self.lines = Vec::new();
    }
}

impl Store {
    /// Whether lines may have been missed by a JavaScript program that rewrites the log; [`Store::flush`]
    /// sees to them.
    #[must_use]
    pub fn waits_for_peers(&self) -> bool {
        self.state.try_lock().map_or(true, |state| state.peers.is_waiting())
    }

    /// Looks whether a JavaScript program's rewrite may have missed what the running lease wrote. Returns
    /// whether nothing is left to do; else [`Store::flush`] must be called.
    #[must_use]
    pub fn look(&self) -> bool {
        let Some(mut state) = self.state_within(INLINE_WAIT) else { return false };
        self.look_in(&mut state);
        !state.peers.is_waiting()
    }

    fn look_in(&self, state: &mut State) {
        if let State { log: Some(log), peers, .. } = state {
            peers.look(&self.folder, log);
        }
    }

    /// Waits until no JavaScript program rewrites the log, and sees to it that the log holds what was written
    /// meanwhile. For background threads.
    pub(crate) fn settle_with_peers(&self) -> Result<()> {
        self.settle_with_peers_in(|| Some(self.state()), PATIENCE, FOLDER_WAIT)
    }

    /// The same before the process ends, as far as it can be had within `wait`.
    pub(crate) fn settle_with_peers_within(&self, wait: Duration) {
        let _ = self.settle_with_peers_in(|| self.state_within(wait), wait, wait);
    }

    fn settle_with_peers_in<'a>(
        &'a self,
        state: impl Fn() -> Option<MutexGuard<'a, State>>,
        patience: Duration,
        wait: Duration,
    ) -> Result<()> {
        let start = self.folder.monotonic();
        loop {
            let (state, waited) = self.timed(&state);
            let Some(mut state) = state else { return Ok(()) };
            self.look_in(&mut state);
            if !state.peers.is_waiting() {
                return Ok(());
            }
            let hurry = self.hurry.load(Ordering::Relaxed);
            let patient = !hurry && self.folder.monotonic().saturating_sub(start) < patience;
            if patient && state.peers.foreign_lock(&self.folder) {
                drop(state);
                self.folder.sleep(PAUSE);
                continue;
            }
            if state.log.is_some() {
                // The log may have been replaced under a running lease.
                self.end_quickly(&mut state);
            }
            let begun = self.begin(&mut state, wait.saturating_sub(waited));
            begun.map_err(|error| error.after(waited))?;
            let result = self.append_missing(&mut state);
            self.end(&mut state);
            result?;
        }
    }

    fn append_missing(&self, state: &mut State) -> Result<()> {
        let State { log: Some(log), peers, index_behind, .. } = state else { return Ok(()) };
        // An equal identity proves nothing here: the number of the replaced file is reused at once, and times
        // of birth are as coarse as a clock tick.
        let missing =
            missing_lines(&*log.file, 0, &peers.lines).map_err(|error| self.at("read", LOG, &error))?;
        if missing.is_empty() {
            peers.forget();
            return Ok(());
        }
        *index_behind = true;
        // What fails here is remembered still.
        log.append(&missing).map_err(|failed| self.at(failed.syscall, LOG, &failed.error))?;
        peers.forget();
        peers.wrote(&missing);
        peers.look(&self.folder, log);
        Ok(())
    }
}

/// Those of `lines` that the log does not hold from offset `from` on; a line that occurs twice must be there
/// twice.
pub(crate) fn missing_lines(log: &dyn File, from: u64, lines: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut wanted: HashMap<&[u8], usize> = HashMap::new();
    for line in whole_lines(lines) {
        *wanted.entry(line).or_default() += 1;
    }
    let size = log.stat()?.size;
    let mut found = |line: &[u8]| {
        if let Some(count) = wanted.get_mut(line) {
            *count = count.saturating_sub(1);
        }
    };
    let walked = for_each_line(log, from, size, |_, line| found(line))?;
    found(&walked.tail);
    let mut missing = Vec::new();
    for line in whole_lines(lines) {
        if let Some(count) = wanted.get_mut(line).filter(|count| **count > 0) {
            *count -= 1;
            missing.extend_from_slice(line);
            missing.push(b'\n');
        }
    }
    Ok(missing)
}

fn whole_lines(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}
