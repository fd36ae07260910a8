//! Lines that wait to be written, in the order of their acceptance.
//!
//! Nearly always a line is written by the call that brings it and waits for no time at all. It waits when
//! another process holds the folder, or, if it is a ledger's, when the disk refused it.
//!
//! Invariant: lines leave in the order in which they came, each exactly once: written, or refused with the
//! error that its ticket gives.

use std::collections::{HashMap, VecDeque};
use std::ops::RangeInclusive;

use crate::error::{Error, Result};
use crate::limits::MAX_WAITING;

/// Number of a line or batch in the queue; counts up from 1.
pub type Ticket = u64;

/// What becomes of a line that the disk refuses.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFault {
    /// It is refused: the caller gets an error and has to bring it again.
    Refuse,
    /// It stays in the queue until it is written.
    Keep,
}

/// One line or batch.
pub(crate) struct Entry {
    pub(crate) ticket: Ticket,
    /// Whole lines, each ending in a newline.
    pub(crate) bytes: Vec<u8>,
    pub(crate) on_fault: OnFault,
    /// Whether it counts as accepted only on stable storage.
    pub(crate) disk: bool,
}

/// Lines, counted.
#[derive(Default)]
struct Amount {
    bytes: usize,
    lines: u64,
}

impl Amount {
    fn add(&mut self, lines: &[u8]) {
        self.bytes += lines.len();
        self.lines += memchr::memchr_iter(b'\n', lines).count() as u64;
    }

    fn take(&mut self, lines: &[u8]) {
        self.bytes = self.bytes.saturating_sub(lines.len());
        self.lines = self.lines.saturating_sub(memchr::memchr_iter(b'\n', lines).count() as u64);
    }
}

/// The queue.
#[derive(Default)]
pub(crate) struct Queue {
    entries: VecDeque<Entry>,
    /// How much waits, what is being written included.
    waiting: Amount,
    last: Ticket,
    /// Errors of refused lines whose callers have not asked yet.
    refused: HashMap<Ticket, Error>,
}

impl Queue {
    /// Whether so much waits that `bytes` more must not.
    pub(crate) fn is_full_for(&self, bytes: usize) -> bool {
        self.waiting.bytes > 0 && self.waiting.bytes.saturating_add(bytes) > MAX_WAITING
    }

    /// How many lines wait.
    pub(crate) fn waiting_lines(&self) -> u64 {
        self.waiting.lines
    }

    /// How many refused lines or batches there are whose callers have not asked yet.
    pub(crate) fn refused_tickets(&self) -> u64 {
        self.refused.len() as u64
    }

    /// Adds lines at the end.
    pub(crate) fn push(&mut self, bytes: Vec<u8>, on_fault: OnFault, disk: bool) -> Ticket {
        self.last += 1;
        self.waiting.add(&bytes);
        self.entries.push_back(Entry { ticket: self.last, bytes, on_fault, disk });
        self.last
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether a caller asks for stable storage.
    pub(crate) fn asks_for_disk(&self) -> bool {
        self.entries.iter().any(|entry| entry.disk)
    }

    /// Whether lines of one of these tickets still wait.
    pub(crate) fn contains_any(&self, tickets: &RangeInclusive<Ticket>) -> bool {
        self.entries.iter().any(|entry| tickets.contains(&entry.ticket))
    }

    /// Takes everything out, to be written. What was written is reported with [`Queue::written`], the rest put
    /// back.
    pub(crate) fn take(&mut self) -> VecDeque<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// These lines, which were taken, wait no longer.
    pub(crate) fn written(&mut self, lines: &[u8]) {
        self.waiting.take(lines);
    }

    /// Puts back what was not written, before what came meanwhile. Of what is not to be kept, `error` is
    /// remembered instead.
    pub(crate) fn put_back(&mut self, unwritten: impl DoubleEndedIterator<Item = Entry>, error: &Error) {
        for entry in unwritten.rev() {
            match entry.on_fault {
                OnFault::Keep => self.entries.push_front(entry),
                OnFault::Refuse => {
                    self.waiting.take(&entry.bytes);
                    self.refused.insert(entry.ticket, error.clone());
                }
            }
        }
    }

    /// Withdraws lines that must not be written any more. Returns whether they were still there.
    pub(crate) fn withdraw(&mut self, ticket: Ticket) -> bool {
        let before = self.entries.len();
        let waiting = &mut self.waiting;
        self.entries.retain(|entry| {
            let stays = entry.ticket != ticket;
            if !stays {
                waiting.take(&entry.bytes);
            }
            stays
        });
        self.entries.len() != before
    }

    /// The fate of tickets after an attempt to write. Asked for one, its error is given once, and what could
    /// not be written is withdrawn. Asked for several, nothing changes; a caller that wants to know more asks
    /// for each.
    pub(crate) fn settle(&mut self, tickets: &RangeInclusive<Ticket>, attempt: Result<()>) -> Result<()> {
        let (first, last) = tickets.clone().into_inner();
        if first == last {
            return match (self.take_error(first), attempt) {
                (Some(error), _) => Err(error),
                (None, Err(error)) if self.withdraw(first) => Err(error),
                _ => Ok(()),
            };
        }
        if let Some(error) =
            self.refused.iter().find_map(|(ticket, error)| tickets.contains(ticket).then_some(error))
        {
            return Err(error.clone());
        }
        if self.contains_any(tickets) { attempt } else { Ok(()) }
    }

    /// The error of a refused ticket, given once.
    pub(crate) fn take_error(&mut self, ticket: Ticket) -> Option<Error> {
        self.refused.remove(&ticket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_kept_and_refusals_are_told_once() {
        let mut queue = Queue::default();
        let a = queue.push(b"a\n".to_vec(), OnFault::Keep, false);
        let b = queue.push(b"b\n".to_vec(), OnFault::Refuse, false);
        let taken = queue.take();
        let c = queue.push(b"c\n".to_vec(), OnFault::Keep, false);
        let error = Error::TooLong { bytes: 1, limit: 0 };
        queue.put_back(taken.into_iter(), &error);
        assert!(
            queue.contains_any(&(a..=a)) && !queue.contains_any(&(b..=b)) && queue.contains_any(&(c..=c))
        );
        assert!(queue.settle(&(a..=c), Ok(())).is_err(), "a group fails with its member");
        assert!(queue.settle(&(b..=b), Ok(())).is_err());
        assert!(queue.settle(&(b..=b), Ok(())).is_ok(), "told once");
        assert!(queue.settle(&(a..=a), Ok(())).is_ok());
        let order: Vec<_> = queue.take().into_iter().map(|entry| entry.ticket).collect();
        assert_eq!(order, [a, c]);
    }
}
