//! Lines that come in pieces, scanned as they come.
//!
//! Invariant: the pieces make the same sealed events as their text at once.

use std::sync::Arc;

use event::line::Scanner;

use crate::columns::Columns;
use crate::sealed::Sealed;

/// See the head of this file.
#[derive(Default)]
pub struct Gathering {
    text: Vec<u8>,
    columns: Columns,
    scanner: Scanner,
}

impl Gathering {
    /// Of a text that is there as a whole.
    #[must_use]
    pub fn of(text: Vec<u8>) -> Self {
        let mut gathering = Self::default();
        gathering.scan(0, &text);
        Self { text, ..gathering }
    }

    /// Adds lines, each ending in a newline.
    pub fn add(&mut self, lines: &[u8]) {
        self.scan(self.text.len() as u64, lines);
        self.text.extend_from_slice(lines);
    }

    /// The events among them; `name` is what messages call the lines.
    #[must_use]
    pub fn seal(mut self, name: String) -> Sealed {
        // The last line may lack its newline.
        let unterminated = self.text.last().is_some_and(|&last| last != b'\n');
        self.columns.end_lines(self.text.len() as u64 + u64::from(unterminated));
        Sealed::new(name, Arc::new(self.columns), Box::new(self.text))
    }

    fn scan(&mut self, mut offset: u64, lines: &[u8]) {
        let mut rest = lines;
        while !rest.is_empty() {
            let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or_default();
            self.columns.add_line(&mut self.scanner, offset, line);
            rest = rest.get(length + 1..).unwrap_or_default();
            offset += length as u64 + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Gathering;
    use crate::Sealed;

    #[test]
    fn pieces_are_what_their_text_is() {
        let pieces: [&[u8]; 4] = [
            b"{\"eventId\":\"a\",\"timestamp\":1}\nno event\n",
            b"\n{\"eventId\":\"b\",\"timestamp\":2}\n",
            b"",
            b"{\"eventId\":\"c\",\"timestamp\":3}\nno event\n",
        ];
        let mut gathering = Gathering::default();
        for piece in pieces {
            gathering.add(piece);
        }
        let taken = |sealed: Sealed| {
            let positions: Vec<u32> = (0..3).collect();
            (sealed.len(), sealed.take(&positions).ok())
        };
        let whole = taken(Gathering::of(pieces.concat()).seal("whole".to_owned()));
        assert_eq!(whole.0, 3);
        assert!(whole.1.is_some());
        assert_eq!(taken(gathering.seal("pieces".to_owned())), whole);
    }
}
