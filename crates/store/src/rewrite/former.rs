//! Where the events of a new log stood in the old one, for rewrites that are given lines rather than places.
//!
//! Invariant: an event is known by its identity. Of several lines with one identity the first of the new log is the
//! first of the old one, the second the second, and all beyond these are the last.

use std::collections::HashMap;

use columns::{Columns, Keys};
use event::identity::event_key;
use event::line::{Line, Scanner};

use crate::hints::origins::Origin;

/// See the head of this file.
pub(crate) struct Former<'a> {
    columns: &'a Columns,
    /// The next row of each identity.
    rows: HashMap<u64, u32>,
    /// The row behind a row of the same identity.
    later: HashMap<u32, u32>,
    /// Identities that were in some log before, perhaps not in this one.
    written: Keys,
    scanner: Scanner,
}

impl<'a> Former<'a> {
    pub(crate) fn of(columns: &'a Columns, written: Keys) -> Self {
        let mut rows = HashMap::with_capacity(columns.len());
        let mut later = HashMap::new();
        for row in (0..columns.len()).rev() {
            let Ok(number) = u32::try_from(row) else { continue };
            if let Some(next) = rows.insert(columns.key(row), number) {
                later.insert(number, next);
            }
        }
        Self { columns, rows, later, written, scanner: Scanner::new() }
    }

    /// Where a line of the new log comes from, and how long the old line was, its newline included.
    pub(crate) fn origin_of(&mut self, line: &[u8]) -> (Origin, u64) {
        let Line::Event(event) = self.scanner.scan(line) else { return (Origin::Fresh, 0) };
        let key = event_key(&event);
        let Some(row) = self.rows.get_mut(&key) else {
            return (if self.written.contains(&key) { Origin::Known } else { Origin::Fresh }, 0);
        };
        let range = self.columns.range(*row as usize);
        if let Some(next) = self.later.get(row) {
            *row = *next;
        }
        (Origin::Old(range.start), range.end + 1 - range.start)
    }
}
