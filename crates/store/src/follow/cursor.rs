//! A cursor: a text from which another process learns which events were given out.
//!
//! ```text
//! gl1 ~ boot ~ level / level / … ~ offset . length . check . event . time . number ~ CRC-32
//! level   inode . born . generation . offset [ . start . limit . floor ]
//! ```
//!
//! Numbers are hexadecimal, times their bits. The boot is that of the machine in which it was made. The offset of the
//! last level is that behind the last event. Of that event the cursor has the length (up to 255), a CRC-32 of so many
//! bytes before the offset, and a hash of the id. Then come the latest time of all events that were given, and how
//! many events the log has up to the offset.
//!
//! Invariant: a text that was changed is refused; what it says is bounded, and believed only if the log agrees.

use std::fmt::Write as _;

use event::line::Event;

use crate::disk::File;
use crate::disk::bytes::read_range;
use crate::follow::track::{Level, Since, Track};
use crate::hints::move_entry::{LogName, fnv};
use crate::hints::moves::Moves;

const VERSION: &str = "gl1";
/// A longer text is not a cursor.
const LONGEST: usize = 4096;
/// Most levels: one for each move that is kept, and the log itself.
const LEVELS: usize = 17;
/// How much of the last line is checked.
const CHECKED: u64 = 255;

/// The event that was given out last, and what is known of those before.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Last {
    /// Where its line ends, behind the newline.
    pub(crate) end: u64,
    length: u64,
    check: u32,
    /// A hash of its id, or of its text.
    pub(crate) event: u64,
    /// The latest time of all events that were given out.
    pub(crate) newest: f64,
    /// How many events the log has up to its end, if that is known.
    pub(crate) number: Option<u64>,
}

impl Last {
    pub(crate) fn new(line: &[u8], end: u64, event: &Event<'_>, newest: f64, number: Option<u64>) -> Self {
        let length = CHECKED.min(line.len() as u64);
        let tail = line.len() - usize::try_from(length).unwrap_or(0);
        let check = crc32fast::hash(line.get(tail..).unwrap_or_default());
        Self { end, length, check, event: stable_key(event), newest, number }
    }

    /// The same if its line ends elsewhere.
    pub(crate) fn at(self, end: u64) -> Self {
        Self { end, ..self }
    }

    /// Whether the line stands in a log where it stood.
    pub(crate) fn is_in(&self, log: &dyn File) -> std::io::Result<bool> {
        let Some(start) = self.end.checked_sub(self.length + 1) else { return Ok(false) };
        let bytes = read_range(log, start, usize::try_from(self.length + 1).unwrap_or(0))?;
        let line = bytes.strip_suffix(b"\n");
        Ok(line.is_some_and(|line| line.len() as u64 == self.length && crc32fast::hash(line) == self.check))
    }
}

/// A hash of an event's id, or of its text if it has none; the same in every process.
pub(crate) fn stable_key(event: &Event<'_>) -> u64 {
    match &event.id {
        Some(id) => fnv(&id.decode()),
        None => fnv(event.text),
    }
}

/// What a cursor says. See the head of this file.
#[derive(Clone, PartialEq, Debug)]
pub struct Cursor {
    /// When the machine was started, see [`Disk::boot`](crate::disk::Disk::boot).
    pub(crate) boot: u64,
    levels: Vec<Level>,
    pub(crate) last: Last,
}

impl Cursor {
    /// Reads a text; `None` if it is not a cursor.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (content, crc) = text.rsplit_once('~').filter(|_| text.len() <= LONGEST)?;
        if crc.len() != 8 || u32::from_str_radix(crc, 16).ok()? != crc32fast::hash(content.as_bytes()) {
            return None;
        }
        let mut parts = content.split('~');
        if parts.next()? != VERSION {
            return None;
        }
        let boot = u64::from_str_radix(parts.next()?, 16).ok()?;
        let mut levels = parts.next()?.split('/').map(parse_level).collect::<Option<Vec<_>>>()?;
        let last: Vec<_> = numbers(parts.next()?).collect::<Option<_>>()?;
        let [end, length, check, event, newest, number] = last.as_slice() else { return None };
        levels.last_mut()?.offset = *end;
        let last = Last {
            end: *end,
            length: (*length <= CHECKED).then_some(*length)?,
            check: u32::try_from(*check).ok()?,
            event: *event,
            newest: f64::from_bits(*newest),
            number: number.checked_sub(1),
        };
        (levels.len() <= LEVELS && parts.next().is_none()).then_some(Self { boot, levels, last })
    }

    /// Its track, as far as the moves between its logs are known.
    pub(crate) fn track(&self, moves: &Moves) -> Option<Track> {
        let mut levels = self.levels.clone();
        let mut below: Option<(LogName, u64)> = None;
        for level in &mut levels {
            if let Some((name, offset)) = below {
                let chain = moves.chain(name, level.name, offset)?;
                // What was read behind the end of a move is not known here.
                let [made] = chain.as_slice() else { return None };
                if offset > made.upto {
                    return None;
                }
                level.made = Some(std::sync::Arc::clone(made));
            }
            below = Some((level.name, level.offset));
        }
        Track::of(levels)
    }

    /// The log that it is in.
    pub(crate) fn log(&self) -> LogName {
        self.levels.last().map(|level| level.name).unwrap_or_default()
    }
}

fn numbers(text: &str) -> impl Iterator<Item = Option<u64>> {
    text.split('.').map(|number| u64::from_str_radix(number, 16).ok())
}

fn parse_level(text: &str) -> Option<Level> {
    let all: Vec<_> = numbers(text).collect::<Option<_>>()?;
    let (&[inode, born_ns, generation, offset], rest) = all.split_first_chunk::<4>()?;
    let since = match rest {
        [] => None,
        &[start, limit, floor] => Some(Since { start, limit, floor: f64::from_bits(floor) }),
        _ => return None,
    };
    Some(Level { name: LogName { inode, born_ns, generation }, offset, since, made: None })
}

/// The part that the cursors of one slice share.
pub(crate) struct Head {
    text: String,
    crc: crc32fast::Hasher,
}

impl Head {
    pub(crate) fn new(track: &Track, boot: u64) -> Self {
        let mut text = format!("{VERSION}~{boot:x}~");
        for (number, level) in track.levels().enumerate() {
            let Level { name, since, .. } = level;
            // That of the last one is the last event's.
            let offset = if std::ptr::eq(level, track.top()) { 0 } else { level.offset };
            let slash = if number > 0 { "/" } else { "" };
            let LogName { inode, born_ns, generation } = name;
            let _ = write!(text, "{slash}{inode:x}.{born_ns:x}.{generation:x}.{offset:x}");
            if let Some(Since { start, limit, floor }) = since {
                let _ = write!(text, ".{start:x}.{limit:x}.{:x}", floor.to_bits());
            }
        }
        text.push('~');
        let mut crc = crc32fast::Hasher::new();
        crc.update(text.as_bytes());
        Self { text, crc }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Adds the rest of the cursor behind an event.
    pub(crate) fn add_tail(&self, last: &Last, out: &mut Vec<u8>) {
        let start = out.len();
        let number = last.number.map_or(0, |number| number + 1);
        let fields =
            [last.end, last.length, u64::from(last.check), last.event, last.newest.to_bits(), number];
        for (at, field) in fields.into_iter().enumerate() {
            if at > 0 {
                out.push(b'.');
            }
            put_hex(field, 1, out);
        }
        let mut crc = self.crc.clone();
        crc.update(out.get(start..).unwrap_or_default());
        out.push(b'~');
        put_hex(u64::from(crc.finalize()), 8, out);
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

/// `number` in hexadecimal, with at least so many digits.
fn put_hex(number: u64, digits: u32, out: &mut Vec<u8>) {
    let significant = (64 - number.leading_zeros()).div_ceil(4).max(digits);
    for digit in (0..significant).rev() {
        let value = usize::try_from(number >> (4 * digit) & 15).unwrap_or(0);
        out.push(DIGITS.get(value).copied().unwrap_or(b'0'));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::line::{Line, Scanner};

    fn cursor_of(track: &Track, last: &Last) -> String {
        let head = Head::new(track, 0xb007);
        let mut tail = Vec::new();
        head.add_tail(last, &mut tail);
        head.text().to_owned() + std::str::from_utf8(&tail).unwrap()
    }

    #[test]
    fn a_cursor_survives_the_trip_and_no_change() {
        let name = LogName { inode: 0xabc, born_ns: 1 << 60, generation: u64::MAX };
        let since = Since { start: 1, limit: 900, floor: -0.5 };
        let low = Level { offset: 77, ..Level::new(LogName::default()) };
        let top = Level { since: Some(since), ..Level::new(name) };
        let track = Track::of(vec![low, top]).unwrap();
        let mut scanner = Scanner::new();
        let line = br#"{"eventId":"e1"}"#;
        let Line::Event(event) = scanner.scan(line) else { panic!("an event") };
        for number in [None, Some(0), Some(12)] {
            let last = Last::new(line, 100, &event, f64::NEG_INFINITY, number);
            let text = cursor_of(&track, &last);
            let cursor = Cursor::parse(&text).unwrap();
            assert_eq!((cursor.boot, cursor.last), (0xb007, last));
            assert_eq!(cursor.levels.iter().map(|level| level.offset).collect::<Vec<_>>(), [77, 100]);
            assert_eq!((cursor.log(), cursor.levels[1].since), (name, Some(since)));
            assert!(Cursor::parse(&text[..text.len() - 1]).is_none());
            for at in 0..text.len() {
                let changed: String = text
                    .chars()
                    .enumerate()
                    .map(|(n, c)| if n == at { if c == '1' { '2' } else { '1' } } else { c })
                    .collect();
                assert!(Cursor::parse(&changed).is_none(), "{changed}");
            }
        }
        for text in ["", "gl1", "gl1~", "~~~", "gl1~0~0.0.0.0~0~00000000", "ü~~"] {
            assert!(Cursor::parse(text).is_none(), "{text}");
        }
    }
}
