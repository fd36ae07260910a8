//! Events on their way out, each with its cursor.
//!
//! Invariant: there are as many cursors as events, in the same order.

use std::ops::Range;

use event::line::Event;

use crate::follow::cursor::{Head, Last};
use crate::follow::track::Track;

/// A slice of events. See the head of this file.
pub struct Given {
    head: Head,
    events: Vec<u8>,
    tails: Vec<u8>,
    places: Vec<(Range<usize>, Range<usize>)>,
}

impl Given {
    pub(crate) fn new(track: &Track, boot: u64) -> Self {
        Self { head: Head::new(track, boot), events: Vec::new(), tails: Vec::new(), places: Vec::new() }
    }

    pub(crate) fn add(&mut self, event: &Event<'_>, last: &Last) {
        if !self.events.is_empty() {
            self.events.push(b',');
            self.tails.extend_from_slice(b"\",\"");
        }
        let (start, tail) = (self.events.len(), self.tails.len());
        self.events.extend_from_slice(event.text);
        self.head.add_tail(last, &mut self.tails);
        self.places.push((start..self.events.len(), tail..self.tails.len()));
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The text of each event.
    pub fn events(&self) -> impl Iterator<Item = &[u8]> {
        self.places.iter().map(|(event, _)| self.events.get(event.clone()).unwrap_or_default())
    }

    /// The text of each event, and the cursor behind it.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], String)> {
        self.places.iter().map(|(event, tail)| {
            let tail = String::from_utf8_lossy(self.tails.get(tail.clone()).unwrap_or_default());
            (self.events.get(event.clone()).unwrap_or_default(), self.head.text().to_owned() + &tail)
        })
    }

    /// The text of a JSON array of three: the events, what follows the beginning of each cursor, that beginning.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let parts: [&[u8]; 7] =
            [b"[[", &self.events, b"],[\"", &self.tails, b"\"],\"", self.head.text().as_bytes(), b"\"]"];
        parts.concat()
    }
}
