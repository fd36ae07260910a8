//! Events from a stream: one object a line, or a single object over several lines.
//!
//! Invariant: memory is bounded by the longest line, and by the longest event for an object over several lines. A line is given out
//! as soon as it has come.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::path::Path;

use event::line::{Line, Scanner};

use crate::engine::MAX_LINE;
use crate::exit::{Failure, Result};

/// The items of a stream, with the number of their first line.
pub(crate) struct Input<R> {
    source: R,
    number: u64,
    begun: bool,
    /// Lines that were read ahead.
    ahead: VecDeque<(u64, Vec<u8>)>,
}

impl<R: BufRead> Input<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, number: 0, begun: false, ahead: VecDeque::new() }
    }

    /// The next item that is not blank.
    pub(crate) fn next_item(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        loop {
            let item = match self.ahead.pop_front() {
                Some(item) => item,
                None => match self.read_line()? {
                    Some(item) => item,
                    None => return Ok(None),
                },
            };
            if event::text::trim(&item.1).is_empty() {
                continue;
            }
            if self.begun || !is_beginning(&item.1) {
                self.begun = true;
                return Ok(Some(item));
            }
            self.begun = true;
            if let Some(whole) = self.read_whole(item)? {
                return Ok(Some(whole));
            }
        }
    }

    /// The whole stream as one object; else its lines are put ahead.
    fn read_whole(&mut self, first: (u64, Vec<u8>)) -> Result<Option<(u64, Vec<u8>)>> {
        let number = first.0;
        let mut length = first.1.len();
        self.ahead.push_back(first);
        while length <= MAX_LINE {
            let Some(line) = self.read_line()? else {
                let parts: Vec<&[u8]> = self.ahead.iter().map(|(_, line)| line.as_slice()).collect();
                let text = parts.join(b"\n".as_slice());
                if matches!(Scanner::new().scan(&text), Line::Event(_)) {
                    self.ahead.clear();
                    return Ok(Some((number, text)));
                }
                break;
            };
            length += line.1.len() + 1;
            self.ahead.push_back(line);
        }
        Ok(None)
    }

    fn read_line(&mut self) -> Result<Option<(u64, Vec<u8>)>> {
        let mut line = Vec::new();
        let limit = crate::text::numbers::long(MAX_LINE) + 2;
        let failed = |error| Failure::io("read", Path::new("stdin"), &error);
        let read = self.source.by_ref().take(limit).read_until(b'\n', &mut line).map_err(failed)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
        } else if line.len() > MAX_LINE {
            // What is too long is refused as a whole: its rest goes.
            self.source.skip_until(b'\n').map_err(failed)?;
        }
        Ok(Some((self.number, line)))
    }
}

/// Whether a line may be the beginning of an object that goes on in the next line.
fn is_beginning(line: &[u8]) -> bool {
    event::text::trim(line).first() == Some(&b'{') && matches!(Scanner::new().scan(line), Line::Malformed)
}

#[cfg(test)]
mod tests {
    use super::Input;

    fn items(text: &str) -> Vec<(u64, String)> {
        let mut input = Input::new(text.as_bytes());
        let mut items = Vec::new();
        while let Ok(Some((number, item))) = input.next_item() {
            items.push((number, String::from_utf8_lossy(&item).into_owned()));
        }
        items
    }

    #[test]
    fn lines_and_one_object_over_lines_are_told_apart() {
        assert_eq!(items("{\"a\":1}\n\n{\n5"), [(1, "{\"a\":1}".into()), (3, "{".into()), (4, "5".into())]);
        assert_eq!(items("\n{\n \"a\": 1\n}\n"), [(2, "{\n \"a\": 1\n}".into())]);
        assert_eq!(items("{\n{}\n"), [(1, "{".into()), (2, "{}".into())]);
        assert_eq!(items(""), []);
    }
}
