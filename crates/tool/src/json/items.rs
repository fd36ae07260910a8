//! The items of an import: lines, or the elements of one JSON array of any size.
//!
//! Only brackets and quotes are looked at, to find where an element ends; what it means is the scanner's to say. The
//! input is read once, from beginning to end, so that a pipe will do.
//!
//! Invariant: memory is bounded by the largest item; one beyond the bound is given out cut, and so refused.

use std::io::{BufRead, Read};
use std::path::Path;

use crate::engine::MAX_LINE;
use crate::exit::{Failure, Result};
use crate::text::numbers::long;

/// The largest item that is kept: larger ones are not events.
const LONGEST: usize = MAX_LINE + 1024;
const BOM: &[u8] = b"\xEF\xBB\xBF";

/// An item with its place for people.
pub(crate) struct Item {
    pub(crate) place: String,
    pub(crate) text: Vec<u8>,
}

/// The items of a source.
pub(crate) struct Items<R> {
    source: R,
    count: u64,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Lines,
    Array,
    Over,
}

impl<R: BufRead> Items<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, count: 0, state: State::New }
    }

    /// The next item; blank lines are none.
    pub(crate) fn next_item(&mut self) -> Result<Option<Item>> {
        if self.state == State::New {
            self.state = self.next_state()?;
        }
        match self.state {
            State::Array => self.element(),
            State::Lines => self.line(),
            State::New | State::Over => Ok(None),
        }
    }

    /// Passes over white space, and finds out what the source is.
    fn next_state(&mut self) -> Result<State> {
        let mut first = true;
        loop {
            let buffer = self.source.fill_buf().map_err(|error| failed(&error))?;
            let Some(&byte) = buffer.first() else { return Ok(State::Over) };
            if first && buffer.starts_with(BOM) {
                self.source.consume(BOM.len());
                first = false;
                continue;
            }
            first = false;
            match byte {
                b'\n' => {
                    self.count += 1;
                    self.source.consume(1);
                }
                b' ' | b'\t' | b'\r' => self.source.consume(1),
                b'[' => {
                    self.count = 0;
                    self.source.consume(1);
                    return Ok(State::Array);
                }
                _ => return Ok(State::Lines),
            }
        }
    }

    fn line(&mut self) -> Result<Option<Item>> {
        loop {
            let mut text = Vec::new();
            let limit = long(LONGEST);
            let read = self
                .source
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut text)
                .map_err(|error| failed(&error))?;
            if read == 0 {
                self.state = State::Over;
                return Ok(None);
            }
            self.count += 1;
            if long(read) == limit && text.last() != Some(&b'\n') {
                self.source.skip_until(b'\n').map_err(|error| failed(&error))?;
            }
            if !event::text::trim(&text).is_empty() {
                return Ok(Some(Item { place: format!("line {}", self.count), text }));
            }
        }
    }

    /// The text up to the comma or bracket that ends the element.
    fn element(&mut self) -> Result<Option<Item>> {
        let mut text = Vec::new();
        let mut nesting = Nesting::default();
        loop {
            let buffer = self.source.fill_buf().map_err(|error| failed(&error))?;
            if buffer.is_empty() {
                return Err(Failure::System("the array has no end".to_owned()));
            }
            let end = buffer.iter().position(|&byte| nesting.ends_at(byte));
            let taken = end.unwrap_or(buffer.len());
            let room = LONGEST.saturating_sub(text.len()).min(taken);
            text.extend_from_slice(buffer.get(..room).unwrap_or_default());
            let closing = end.and_then(|end| buffer.get(end)).copied();
            self.source.consume(taken + usize::from(closing.is_some()));
            match closing {
                None => {}
                Some(b',') => return Ok(Some(self.item(text))),
                Some(_) => {
                    self.state = State::Over;
                    let blank = text.iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
                    return Ok((!blank).then(|| self.item(text)));
                }
            }
        }
    }

    fn item(&mut self, text: Vec<u8>) -> Item {
        self.count += 1;
        Item { place: format!("item {}", self.count), text }
    }

    /// Fails if anything but white space follows the end of an array. To be called after the last item.
    pub(crate) fn finish(&mut self) -> Result<()> {
        loop {
            let buffer = self.source.fill_buf().map_err(|error| failed(&error))?;
            if buffer.is_empty() {
                return Ok(());
            }
            if buffer.iter().any(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
                return Err(Failure::System("something follows the end of the array".to_owned()));
            }
            let length = buffer.len();
            self.source.consume(length);
        }
    }
}

/// How deep a position in an element is.
#[derive(Default)]
struct Nesting {
    depth: u64,
    quoted: bool,
    escaped: bool,
}

impl Nesting {
    /// Whether the element ends at this byte.
    fn ends_at(&mut self, byte: u8) -> bool {
        if self.quoted {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.quoted = false,
                _ => {}
            }
            return false;
        }
        match byte {
            b'"' => self.quoted = true,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' if self.depth > 0 => self.depth -= 1,
            b']' | b'}' => return true,
            b',' => return self.depth == 0,
            _ => {}
        }
        false
    }
}

fn failed(error: &std::io::Error) -> Failure {
    Failure::io("read", Path::new("the input"), error)
}

#[cfg(test)]
mod tests {
    use super::Items;

    /// The items, and whether reading ended well. The reader gives few bytes at a time.
    fn items(text: &str) -> (Vec<String>, bool) {
        let mut items = Items::new(std::io::BufReader::with_capacity(5, text.as_bytes()));
        let mut found = Vec::new();
        loop {
            match items.next_item() {
                Ok(Some(item)) => {
                    found.push(format!("{}: {}", item.place, String::from_utf8_lossy(&item.text).trim()));
                }
                Ok(None) => return (found, items.finish().is_ok()),
                Err(_) => return (found, false),
            }
        }
    }

    #[test]
    fn lines_and_elements_are_found() {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        assert_eq!(items("{}\n\n 5\n"), (list(&["line 1: {}", "line 3: 5"]), true));
        assert_eq!(items("\n{}"), (list(&["line 2: {}"]), true));
        let tricky = "\u{FEFF} \n\t[{\"a\":\"],[{}\\\"\\\\\"}, [[],{}] ,5]\n ";
        assert_eq!(
            items(tricky),
            (list(&["item 1: {\"a\":\"],[{}\\\"\\\\\"}", "item 2: [[],{}]", "item 3: 5"]), true)
        );
        assert_eq!(items("[ ]"), (list(&[]), true));
        assert_eq!(items(""), (list(&[]), true));
        assert_eq!(items("[5,]"), (list(&["item 1: 5"]), true));
        assert_eq!(items("[1] x"), (list(&["item 1: 1"]), false));
        assert_eq!(items("[1,{\"a\":"), (list(&["item 1: 1"]), false));
    }
}
