//! The walk over a file's lines, in bounded memory.
//!
//! Invariant: each line that ends in a newline is visited once, in order, whole, with its offset; with a needle, at
//! least those that may match it. Lines end at byte 0x0A and at nothing else.

use std::io;
use std::ops::{ControlFlow, Range};

use crate::disk::File;
use crate::disk::bytes::{CHUNK, read_into, read_range};
use crate::limits::MAX_READ_LINE;
use event::needle::Needle;
use event::text::trim;

/// What stands for a line that cannot be an event and is too long to be held: malformed by any reading.
const UNREADABLE: &[u8] = b"\0";
/// Bytes read at a time for a search: they stay in the processor's cache until they are searched.
const SEARCHED: usize = 256 << 10;
/// How much of a line is held before its end is known.
const HELD: usize = 4 << 20;

/// Looks at a line, and says whether to go on.
pub type Visit<'a> = dyn FnMut(u64, &[u8]) -> ControlFlow<()> + 'a;

/// What a walk met.
#[derive(Debug)]
pub struct Walked {
    /// Where the last whole line ended that was walked over.
    pub whole: u64,
    /// Where the walk ended: at its limit, at the end of the file, or behind the line at which it was to end.
    pub end: u64,
    /// The bytes between the two: a torn tail, or a line still being written. One null byte if it is too long to be
    /// held, and cannot be an event.
    pub tail: Vec<u8>,
}

/// Calls `visit(offset, line)` for each line of `[from, to)` that ends in a newline, without it.
///
/// A long line that is not an event, by its length or by its first character, is visited as one null byte; its true
/// length is the distance to the next line. Others are held whole, at most as many bytes as V8 reads at a time.
pub(crate) fn for_each_line(
    file: &dyn File,
    from: u64,
    to: u64,
    mut visit: impl FnMut(u64, &[u8]),
) -> io::Result<Walked> {
    find_lines(file, from..to, None, &mut |offset, line| {
        visit(offset, line);
        ControlFlow::Continue(())
    })
}

/// The same until `visit` breaks; with a needle, only for lines that may match it.
///
/// # Errors
/// Whatever reading says.
pub fn find_lines(
    file: &dyn File,
    part: Range<u64>,
    needle: Option<&Needle>,
    visit: &mut Visit<'_>,
) -> io::Result<Walked> {
    let Range { mut start, end: to } = part;
    let ended = |at| Ok(Walked { whole: at, end: at, tail: Vec::new() });
    let mut pending = Pending::Short(Vec::new());
    let mut position = start;
    let chunk = if needle.is_some() { SEARCHED } else { CHUNK };
    let mut chunk = vec![0; chunk.min(usize::try_from(to.saturating_sub(start)).unwrap_or(chunk))];
    while position < to {
        let want = chunk.len().min(usize::try_from(to - position).unwrap_or(usize::MAX));
        let Some(space) = chunk.get_mut(..want) else { break };
        let read = read_into(file, position, space)?;
        if read == 0 {
            break;
        }
        let mut rest = space.get(..read).unwrap_or_default();
        position += read as u64;
        if !pending.is_empty() {
            let Some((line, after)) = split_line(rest) else {
                pending.extend(rest);
                continue;
            };
            pending.extend(line);
            rest = after;
            let end = position - rest.len() as u64;
            let line = pending.take(file, start, end - 1)?;
            let wanted = needle.is_none_or(|needle| needle.may_match(&line));
            if wanted && visit(start, &line).is_break() {
                return ended(end);
            }
            start = end;
        }
        let whole = memchr::memrchr(b'\n', rest).map_or(0, |newline| newline + 1);
        let (lines, tail) = rest.split_at(whole);
        if let ControlFlow::Break(next) = visit_whole(lines, start, needle, visit) {
            return ended(next);
        }
        start += whole as u64;
        pending.extend(tail);
    }
    Ok(Walked { whole: start, end: position, tail: pending.take(file, start, position)? })
}

/// Visits lines that each end in a newline, the first of which stands at `offset`. Says where the next one begins if
/// the walk is to end.
fn visit_whole(
    lines: &[u8],
    offset: u64,
    needle: Option<&Needle>,
    visit: &mut Visit<'_>,
) -> ControlFlow<u64> {
    let mut hits = needle.map(|needle| needle.hits(lines));
    let mut at = 0;
    loop {
        if let Some(hits) = &mut hits {
            let Some(hit) = hits.from(at) else { break };
            let before = lines.get(at..hit).unwrap_or_default();
            at += memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        }
        let Some((line, _)) = split_line(lines.get(at..).unwrap_or_default()) else { break };
        let start = offset + at as u64;
        at += line.len() + 1;
        if visit(start, line).is_break() {
            return ControlFlow::Break(offset + at as u64);
        }
    }
    ControlFlow::Continue(())
}

/// A line without its newline, and what follows it.
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let newline = memchr::memchr(b'\n', bytes)?;
    Some((bytes.get(..newline)?, bytes.get(newline + 1..)?))
}

/// The beginning of a line whose end is not known yet.
enum Pending {
    /// All of it.
    Short(Vec<u8>),
    /// It is read again when its end is known, if it can be an event.
    Long { hopeful: bool },
}

impl Pending {
    fn is_empty(&self) -> bool {
        matches!(self, Self::Short(bytes) if bytes.is_empty())
    }

    fn extend(&mut self, more: &[u8]) {
        let Self::Short(bytes) = self else { return };
        bytes.extend_from_slice(more);
        if bytes.len() > HELD {
            let first = trim(bytes).first();
            *self = Self::Long { hopeful: first.is_none_or(|&first| first == b'{') };
        }
    }

    /// The line, which stands at `[start, end)` of the file. Leaves the beginning of an empty one.
    fn take(&mut self, file: &dyn File, start: u64, end: u64) -> io::Result<Vec<u8>> {
        match std::mem::replace(self, Self::Short(Vec::new())) {
            Self::Short(bytes) => Ok(bytes),
            Self::Long { hopeful } => match usize::try_from(end - start) {
                Ok(length) if hopeful && length <= MAX_READ_LINE => read_range(file, start, length),
                _ => Ok(UNREADABLE.to_vec()),
            },
        }
    }
}

/// Where the last whole line of `[from, to)` ends, behind its newline; `from` if there is none.
pub(crate) fn end_of_lines(file: &dyn File, from: u64, to: u64) -> io::Result<u64> {
    let mut end = to;
    while end > from {
        let start = from.max(end.saturating_sub(CHUNK as u64));
        let bytes = read_range(file, start, usize::try_from(end - start).unwrap_or(CHUNK))?;
        if let Some(newline) = memchr::memrchr(b'\n', &bytes) {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(from)
}

/// Where the first newline of `[from, to)` stands; `to` if there is none.
pub(crate) fn next_newline(file: &dyn File, from: u64, to: u64) -> io::Result<u64> {
    let mut start = from;
    while start < to {
        let bytes = read_range(file, start, CHUNK.min(usize::try_from(to - start).unwrap_or(CHUNK)))?;
        if bytes.is_empty() {
            break;
        }
        if let Some(newline) = memchr::memchr(b'\n', &bytes) {
            return Ok(start + newline as u64);
        }
        start += bytes.len() as u64;
    }
    Ok(to)
}
