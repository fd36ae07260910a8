//! The lines of a file that wait, from a place on.
//!
//! Invariant: a line is given whole, and only if it is that of an event.

use std::io;

use event::line::{Line, Scanner};

use crate::disk::File;
use crate::disk::lines::for_each_line;

/// How much is read at a time; a longer line is read alone.
const STRETCH: u64 = 1 << 20;

/// How much is taken at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Most {
    /// Events.
    pub events: usize,
    /// After so many bytes no further one is added.
    pub bytes: usize,
    /// A longer event is set aside.
    pub longest: usize,
}

/// A line that waits, and where the next one begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// The line without its newline.
    pub line: Vec<u8>,
    /// The part that it stands in.
    pub part: u64,
    /// The offset behind it.
    pub end: u64,
}

/// What a stretch of a file holds.
pub(crate) struct Stretch {
    pub(crate) lines: Vec<Waiting>,
    /// Where what was looked at ends.
    pub(crate) end: u64,
    /// A line that is too long, if it is the first.
    pub(crate) too_long: Option<Waiting>,
}

/// Events from `start` on. With `tail`, an unterminated last line is passed over, for nothing will ever end it.
pub(crate) fn stretch(
    file: &dyn File,
    start: u64,
    part: u64,
    most: &Most,
    tail: bool,
) -> io::Result<Stretch> {
    let size = file.size()?;
    let mut reach = STRETCH;
    loop {
        let upto = size.min(start.saturating_add(reach));
        let mut scanner = Scanner::new();
        let (mut lines, mut bytes, mut full, mut too_long) = (Vec::new(), 0, false, None);
        let mut end = start;
        let walked = for_each_line(file, start, upto, |offset, line| {
            if full || too_long.is_some() {
                return;
            }
            // The line of an event is given whole; others may not be.
            let behind = offset.saturating_add(line.len() as u64).saturating_add(1);
            if !matches!(scanner.scan(line), Line::Event(_)) {
                return;
            }
            let waiting = Waiting { line: line.to_vec(), part, end: behind };
            if line.len() > most.longest {
                too_long = Some(waiting);
                return;
            }
            bytes += line.len();
            end = behind;
            lines.push(waiting);
            full = lines.len() >= most.events || bytes >= most.bytes;
        })?;
        if !full && too_long.is_none() {
            end = if tail && walked.end == size { size } else { walked.whole };
        }
        if end == start && upto < size && too_long.is_none() {
            // A line longer than the stretch.
            reach = reach.saturating_mul(4);
            continue;
        }
        return Ok(Stretch { lines, end, too_long });
    }
}

/// The place of the first event that has this time or a later one; `upto` if there is none before it.
pub(crate) fn first_since(log: &dyn File, upto: u64, since: f64) -> io::Result<u64> {
    let (mut scanner, mut first) = (Scanner::new(), upto);
    for_each_line(log, 0, upto, |offset, line| {
        if first == upto
            && let Line::Event(event) = scanner.scan(line)
            && event.timestamp.is_some_and(|time| time >= since)
        {
            first = offset;
        }
    })?;
    Ok(first)
}
