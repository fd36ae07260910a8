//! Lines that are known by their events rather than by their places.
//!
//! Two kinds: all lines of a log that a program replaced which keeps no record of what went where, and lines that were
//! read from a log after its successor had been finished: those come into the successor a little later.
//!
//! Invariant: what was noted once is recognised once. Memory is bounded.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use event::identity::event_key;
use event::line::{Event, Line, Scanner};

use crate::disk::File;
use crate::disk::lines::for_each_line;

/// Most lines that are noted.
const MOST: usize = 1 << 20;
/// For how long a line may come late: a writer waits for a program that rewrites, and then looks whether its line is
/// there.
const LATE: Duration = Duration::from_secs(60);

/// See the head of this file.
#[derive(Default)]
pub(crate) struct LateLines {
    counts: HashMap<u64, u32>,
    until: Duration,
    /// Up to this place of the log the lines are there at any time.
    pub(crate) limit: u64,
}

impl LateLines {
    /// Notes the lines in a range of a log. `false` if they are too many; then none is noted.
    pub(crate) fn note(&mut self, log: &dyn File, lines: Range<u64>) -> std::io::Result<bool> {
        let mut scanner = Scanner::new();
        let mut noted = 0;
        for_each_line(log, lines.start, lines.end, |_, line| {
            if noted <= MOST
                && let Line::Event(event) = scanner.scan(line)
            {
                noted += 1;
                *self.counts.entry(event_key(&event)).or_default() += 1;
            }
        })?;
        if noted > MOST {
            self.counts.clear();
        }
        self.until = Duration::ZERO;
        Ok(noted <= MOST)
    }

    /// Whether there is anything to recognise in a log that was read up to `offset`.
    pub(crate) fn expects_any(&mut self, offset: u64, now: Duration) -> bool {
        if self.counts.is_empty() {
            return false;
        }
        if offset < self.limit || self.until.is_zero() {
            self.until = now + LATE;
        }
        if now > self.until {
            *self = Self::default();
        }
        !self.counts.is_empty()
    }

    /// Whether the event was noted. Asked again, it may be another one. What is recognised is added to `taken`.
    pub(crate) fn take(&mut self, event: &Event<'_>, taken: &mut Vec<u64>) -> bool {
        if self.counts.is_empty() {
            return false;
        }
        let key = event_key(event);
        let Some(count) = self.counts.get_mut(&key) else { return false };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(&key);
        }
        taken.push(key);
        true
    }

    /// What was taken in vain is recognised again.
    pub(crate) fn put_back(&mut self, taken: Vec<u64>) {
        for key in taken {
            *self.counts.entry(key).or_default() += 1;
        }
    }
}
