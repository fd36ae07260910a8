//! Beside programs that run the JavaScript module.
//!
//! Such a program appends without any lock, which costs us nothing, and rewrites the log under `.lock`: it
//! reads the log, writes a new file and renames it. A line that we append between its reading and its
//! renaming would vanish with the old file. So after writing we look: first whether a foreign `.lock` exists,
//! then whether the name still leads to our file (the other order misses some). If either looks bad, the
//! lines are remembered until the other program is done, and appended again if the new log lacks them.
//!
//! One look serves all that a ledger logs under one lease: a rewrite that read the log before one of the
//! lines was written has by then replaced our file, or still holds its `.lock`. A rewrite that begins later has
//! read the line.
//!
//! Invariant: a line that was written while a JavaScript program was rewriting under `.lock` is kept here
//! until it is known to be in the log that the name leads to. The log is never closed without a look.

use crate::disk::{FileId, Stat};
use crate::folder::Folder;
use crate::lock::lock_file::{self, Owner, Seen};
use crate::log::open_log::Log;
use crate::paths::{LOCK, LOG};

/// More than this is not gathered before a look: the memory would be kept.
const GATHERED: usize = 64 << 10;

/// Lines that a rewriting program may have missed.
#[derive(Default)]
pub(crate) struct JavaScriptPrograms {
    /// Whole lines, each ending in a newline, that a rewrite may have missed.
    missed: Vec<u8>,
    /// Lines written since the last look, likewise.
    unseen: Vec<u8>,
    /// A `.lock` that is known to be ours.
    ours: Option<Stat>,
    /// A `.lock` that is not ours.
    seen: Seen,
}

impl JavaScriptPrograms {
    /// Whether lines are remembered that a rewrite may have missed.
    pub(crate) fn may_have_missed(&self) -> bool {
        !self.missed.is_empty()
    }

    /// Whether lines were written since the last look.
    pub(crate) fn is_due(&self) -> bool {
        !self.unseen.is_empty()
    }

    /// Takes lines that were just written to `log`; a look follows now or at the end of the lease.
    pub(crate) fn wrote(&mut self, folder: &Folder, log: &Log, lines: &[u8]) {
        if self.unseen.len() + lines.len() <= GATHERED {
            gather(&mut self.unseen, lines);
        } else {
            self.check(folder, log);
            if self.is_rewriting(folder, log.id) || self.may_have_missed() {
                gather(&mut self.missed, lines);
            }
        }
    }

    /// Looks whether the lines written since the last look may be missed by a rewriting program, and
    /// remembers them if so.
    pub(crate) fn check(&mut self, folder: &Folder, log: &Log) {
        if !self.is_due() {
            return;
        }
        if self.is_rewriting(folder, log.id) || self.may_have_missed() {
            self.missed.append(&mut self.unseen);
        }
        give_back(&mut self.unseen);
    }

    fn is_rewriting(&mut self, folder: &Folder, log: FileId) -> bool {
        let foreign = self.foreign_lock(folder);
        // A failed look proves nothing.
        foreign || folder.stat(LOG).is_ok_and(|stat| stat.is_none_or(|stat| stat.id != log))
    }

    /// Whether a JavaScript program holds `.lock`.
    pub(crate) fn foreign_lock(&mut self, folder: &Folder) -> bool {
        let Ok(Some(stat)) = folder.stat(LOCK) else { return false };
        if self.ours == Some(stat) {
            return false;
        }
        let Ok(Some(file)) = lock_file::read(folder, LOCK, &mut self.seen) else { return false };
        match file.owner {
            Owner::Foreign | Owner::Unsettled => true,
            Owner::Stale => false,
            Owner::Ours => {
                self.ours = Some(file.stat);
                false
            }
        }
    }

    /// The lines that a rewrite may have missed.
    pub(crate) fn missed(&self) -> &[u8] {
        &self.missed
    }

    /// They are in the log.
    pub(crate) fn found(&mut self) {
        give_back(&mut self.missed);
    }
}

fn gather(into: &mut Vec<u8>, lines: &[u8]) {
    into.extend_from_slice(lines);
    if lines.last().is_some_and(|&last| last != b'\n') {
        into.push(b'\n');
    }
}

/// Empties it, and gives the memory back if that was much.
fn give_back(lines: &mut Vec<u8>) {
    if lines.capacity() > 2 * GATHERED {
        *lines = Vec::new();
    } else {
        lines.clear();
    }
}
