//! Appending: from a line in memory to a line in the log.
//!
//! Every line goes through the queue, and only the holder of the state takes lines out, so lines of one
//! process are written in the order of their acceptance, whoever does the writing. The caller's own thread
//! writes at once if nobody else holds the folder; otherwise the line waits for [`Store::settle`] or
//! [`Store::flush`], which may take their time on a background thread.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::log::group_commit::Durability;
use crate::log::queue::{Entry, OnFault, Ticket};
use crate::paths::{FOLDER_WAIT, INLINE_WAIT, LOG, MAX_LINE};
use crate::store::{State, Store};

/// Bytes written by one call: more would hold the folder for long.
const BATCH: usize = 4 << 20;

/// What became of appended lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Appended {
    /// Accepted; nothing more to wait for.
    Settled,
    /// In the operating system's hands, but something that belongs to it (an fsync, `index.json`, a
    /// JavaScript program's rewrite) is still to be waited for with [`Store::settle`].
    Written(Ticket),
    /// A ledger's: in the operating system's hands, under a lease. That no JavaScript program's rewrite
    /// missed it is still to be seen, by [`Store::look`], once for all that was written until then.
    Leased,
    /// Still in the queue.
    Queued(Ticket),
}

impl Store {
    /// Appends whole lines (each ending in a newline) from the caller's own thread, waiting a few
    /// milliseconds at most for the folder.
    ///
    /// # Errors
    /// [`Error::TooLong`]; with [`OnFault::Refuse`] whatever the disk says, and then nothing of it is in the
    /// log or will be.
    pub fn append(&self, lines: Vec<u8>, on_fault: OnFault, durability: Durability) -> Result<Appended> {
        let bytes = longest_line(&lines);
        if bytes > MAX_LINE {
            return Err(Error::TooLong { bytes, limit: MAX_LINE });
        }
        let disk = durability == Durability::Disk;
        if disk && on_fault == OnFault::Refuse {
            self.ensure_usable()?;
        }
        let (ticket, first) = {
            let mut queue = self.queue();
            let first = queue.is_empty();
            (queue.push(lines, on_fault, disk), first)
        };
        // If others wait already, waiting again at each call would stall the caller for long.
        let wait = if first { INLINE_WAIT } else { Duration::ZERO };
        let Some(mut state) = self.state_within(wait) else { return Ok(Appended::Queued(ticket)) };
        let result = self.drain_in(&mut state, wait, true);
        // A ledger's lines do not wait for `index.json`.
        let settled = !disk && !state.peers.is_waiting() && (state.large || on_fault == OnFault::Keep);
        let leased = settled && state.peers.is_due();
        drop(state);
        let mut queue = self.queue();
        match (result, queue.take_error(ticket)) {
            (_, Some(error)) => Err(error),
            (Err(Error::Busy { .. }), None) => Ok(Appended::Queued(ticket)),
            (Err(error), None) if queue.contains_any(&(ticket..=ticket)) => match on_fault {
                OnFault::Keep => Ok(Appended::Queued(ticket)),
                OnFault::Refuse => {
                    queue.withdraw(ticket);
                    Err(error)
                }
            },
            _ if leased => Ok(Appended::Leased),
            _ if settled => Ok(Appended::Settled),
            _ => Ok(Appended::Written(ticket)),
        }
    }

    /// Waits until appended lines, those of all tickets in the range, have all that their acceptance
    /// promises. For background threads.
    ///
    /// # Errors
    /// What refused lines of one of the tickets; asked for a single ticket, its lines are then neither in the
    /// log nor in the queue. [`Error::Unsafe`] or the failure of an fsync: they are in the log, but may not
    /// survive a power cut.
    pub fn settle(&self, tickets: RangeInclusive<Ticket>, durability: Durability) -> Result<()> {
        let drained = if self.queue().contains_any(&tickets) { self.drain_patiently() } else { Ok(()) };
        self.queue().settle(&tickets, drained)?;
        self.sync(durability)?;
        self.settle_with_peers()?;
        // A courtesy to others; the log is what counts.
        let _ = self.write_small_index(FOLDER_WAIT);
        Ok(())
    }

    /// Writes all that waits and brings `index.json` up to date.
    ///
    /// # Errors
    /// Whatever the disk says; lines that are to be kept are then still in the queue.
    pub fn flush(&self, durability: Durability) -> Result<()> {
        if !self.queue().is_empty() {
            self.drain_patiently()?;
        }
        self.sync(durability)?;
        self.settle_with_peers()?;
        let _ = self.write_index();
        Ok(())
    }

    /// Makes what was appended with [`Durability::Disk`] durable; does nothing with [`Durability::Process`].
    ///
    /// # Errors
    /// The failure of an fsync, this one or an earlier one.
    pub fn sync(&self, durability: Durability) -> Result<()> {
        match durability {
            Durability::Process => Ok(()),
            Durability::Disk => self.commit.wait(&self.folder, self.commit.newest()),
        }
    }

    /// Best effort before the process ends: what waits is written if the folder can be had within `wait`; a
    /// small `index.json` follows.
    ///
    /// With `last`, background threads that wait for the folder give up then: Node waits for them before it
    /// ends.
    pub fn flush_at_exit(&self, wait: Duration, last: bool) {
        let start = self.folder.monotonic();
        let left = || wait.saturating_sub(self.folder.monotonic().saturating_sub(start));
        if !self.queue().is_empty()
            && let Some(mut state) = self.state_within(wait)
        {
            let _ = self.drain(&mut state, left());
        }
        self.settle_with_peers_within(left());
        let _ = self.write_small_index(left());
        if last {
            self.hurry.store(true, Ordering::Relaxed);
        }
    }

    /// Whether lines wait to be written.
    #[must_use]
    pub fn has_queued(&self) -> bool {
        !self.queue().is_empty()
    }

    /// Writes what is in the queue, waiting for the folder as long as anyone should. For background threads.
    pub(crate) fn drain_patiently(&self) -> Result<()> {
        let (mut state, waited) = self.timed(|| self.state());
        let result = self.drain(&mut state, FOLDER_WAIT.saturating_sub(waited));
        result.map_err(|error| error.after(waited))
    }

    /// Writes what is in the queue, in order.
    pub(crate) fn drain(&self, state: &mut State, wait: Duration) -> Result<()> {
        self.drain_in(state, wait, false)
    }

    /// The same; `may_lease` if the caller sees to the end of a lease.
    fn drain_in(&self, state: &mut State, wait: Duration, may_lease: bool) -> Result<()> {
        self.renew_if_asked(state, wait)?;
        self.begin(state, wait)?;
        let mut result = self.ensure_usable_for(&self.queue());
        while result.is_ok() {
            let entries = self.queue().take();
            if entries.is_empty() {
                break;
            }
            result = self.write_entries(state, entries);
        }
        if result.is_ok() && may_lease {
            self.end_or_keep(state);
        } else {
            self.end(state);
        }
        result
    }

    fn write_entries(&self, state: &mut State, mut entries: VecDeque<Entry>) -> Result<()> {
        while let Some(first) = entries.pop_front() {
            let mut batch = vec![first];
            let mut size = batch.first().map_or(0, |entry| entry.bytes.len());
            while let Some(next) = entries.front().filter(|next| size + next.bytes.len() <= BATCH) {
                size += next.bytes.len();
                batch.extend(entries.pop_front());
            }
            if let Err((unwritten, error)) = self.write_batch(state, batch) {
                self.queue().put_back(unwritten.into_iter().chain(entries), &error);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes one batch. On failure returns what of it is not in the log.
    fn write_batch(
        &self,
        state: &mut State,
        mut batch: Vec<Entry>,
    ) -> std::result::Result<(), (Vec<Entry>, Error)> {
        let State { log: Some(log), peers, index_behind, .. } = state else {
            let error = Error::Busy { path: self.folder.path().to_owned(), waited_ms: 0 };
            return Err((batch, error));
        };
        let joined;
        let bytes = if let [entry] = batch.as_slice() {
            &entry.bytes
        } else {
            joined = batch.iter().flat_map(|entry| entry.bytes.iter().copied()).collect::<Vec<_>>();
            &joined
        };
        let result = log.append(bytes);
        let stored = result.as_ref().map_or_else(|failed| failed.stored, |()| bytes.len());
        *index_behind |= stored > 0;
        let failure = result.err().map(|failed| self.at(failed.syscall, LOG, &failed.error));
        if stored > 0 {
            peers.wrote(bytes.get(..stored).unwrap_or_default());
            // Whoever awaits an append is told only after the look; for a ledger the end of the lease is
            // early enough.
            if batch.iter().any(|entry| entry.on_fault == OnFault::Refuse || entry.disk) {
                peers.look(&self.folder, log);
            }
        }
        if batch.iter().any(|entry| entry.disk) && stored > 0 {
            self.commit.wrote(log.id, &log.file);
        }
        let Some(error) = failure else { return Ok(()) };
        let mut rest = stored;
        batch.retain_mut(|entry| {
            let whole = stored_lines(&entry.bytes, rest.min(entry.bytes.len()));
            rest = rest.saturating_sub(entry.bytes.len());
            entry.bytes.drain(..whole);
            !entry.bytes.is_empty()
        });
        Err((batch, error))
    }
}

/// How much of `lines` is made of lines whose text is in the file, when the first `stored` bytes are. A line
/// that lacks no more than its newline is there: readers count it, and the next append brings the newline.
fn stored_lines(lines: &[u8], stored: usize) -> usize {
    if lines.get(stored) == Some(&b'\n') {
        return stored + 1;
    }
    lines.get(..stored).and_then(|bytes| memchr::memrchr(b'\n', bytes)).map_or(0, |newline| newline + 1)
}

/// Length of the longest line, without its newline.
fn longest_line(lines: &[u8]) -> usize {
    if lines.len() <= MAX_LINE {
        return lines.len();
    }
    lines.split(|&byte| byte == b'\n').map(<[u8]>::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::stored_lines;

    #[test]
    fn a_line_is_stored_once_its_text_is() {
        let lines = b"{1}\n{22}\n";
        assert_eq!(stored_lines(lines, 0), 0);
        assert_eq!(stored_lines(lines, 2), 0);
        assert_eq!(stored_lines(lines, 3), 4, "only the newline is missing");
        assert_eq!(stored_lines(lines, 4), 4);
        assert_eq!(stored_lines(lines, 7), 4);
        assert_eq!(stored_lines(lines, 8), 9);
        assert_eq!(stored_lines(lines, 9), 9);
    }
}
