//! Whole reads and writes over files that read and write in parts, and the walk over a file's lines.
//!
//! Invariant: a short read is the end of the file or is continued; a short write is continued or reported
//! with what was written. Lines end at byte 0x0A and at nothing else.

use std::io;

use crate::disk::File;
use crate::paths::MAX_READ_LINE;
use event::text::trim;

/// Bytes read at a time.
pub(crate) const CHUNK: usize = 1 << 20;

/// Reads up to `length` bytes at `offset`; fewer only at the end of the file.
///
/// A length that memory does not suffice for fails with `OutOfMemory`, where an allocation would end the process.
/// Lengths that the file of another program gives are to be bounded before all the same.
pub(crate) fn read_range(file: &dyn File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
    bytes.resize(length, 0);
    let read = read_into(file, offset, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
}

/// Reads exactly `length` bytes at `offset`; fewer are an error, `UnexpectedEof`.
pub(crate) fn read_whole(file: &dyn File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let bytes = read_range(file, offset, length)?;
    if bytes.len() < length { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(bytes) }
}

/// Fills `buffer` from `offset`; returns how much there was.
pub(crate) fn read_into(file: &dyn File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(filled)
}

/// Writes everything at `offset`.
pub(crate) fn write_all_at(file: &dyn File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = file.write_at(bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = bytes.get(written..).unwrap_or_default();
        offset += written as u64;
    }
    Ok(())
}

/// Appends everything. On failure says how many bytes had been written before.
pub(crate) fn append_all(file: &dyn File, bytes: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut done = 0;
    while let Some(rest) = bytes.get(done..).filter(|rest| !rest.is_empty()) {
        match file.append(rest) {
            Ok(0) => return Err((done, io::ErrorKind::WriteZero.into())),
            Ok(written) => done += written,
            Err(error) => return Err((done, error)),
        }
    }
    Ok(())
}

/// What stands for a line that cannot be an event and is too long to be held: malformed by any reading.
pub(crate) const UNREADABLE: &[u8] = b"\0";
/// How much of a line is held before its end is known.
const HELD: usize = 4 << 20;

/// What [`for_each_line`] met.
pub(crate) struct Walked {
    /// Where the last whole line ended.
    pub(crate) whole: u64,
    /// Where the walk ended: at its limit, or at the end of the file.
    pub(crate) end: u64,
    /// The bytes between the two, or [`UNREADABLE`]: a torn tail, or a line still being written.
    pub(crate) tail: Vec<u8>,
}

/// Calls `visit(offset, line)` for each line of `[from, to)` that ends in a newline, without it.
///
/// A long line that is not an event, by its length or by its first character, is visited as [`UNREADABLE`]; its true
/// length is the distance to the next line. Others are held whole, at most [`MAX_READ_LINE`] bytes at a time.
pub(crate) fn for_each_line(
    file: &dyn File,
    from: u64,
    to: u64,
    mut visit: impl FnMut(u64, &[u8]),
) -> io::Result<Walked> {
    let mut pending = Pending::Short(Vec::new());
    let mut start = from;
    let mut position = from;
    let mut chunk = vec![0; CHUNK.min(usize::try_from(to.saturating_sub(from)).unwrap_or(CHUNK))];
    while position < to {
        let want = chunk.len().min(usize::try_from(to - position).unwrap_or(usize::MAX));
        let Some(space) = chunk.get_mut(..want) else { break };
        let read = read_into(file, position, space)?;
        if read == 0 {
            break;
        }
        position += read as u64;
        let mut rest = space.get(..read).unwrap_or_default();
        while let Some(newline) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(newline);
            let end = position - after.len() as u64;
            if pending.is_empty() {
                visit(start, line);
            } else {
                pending.extend(line);
                visit(start, &pending.take(file, start, end)?);
            }
            start = end + 1;
            rest = after.get(1..).unwrap_or_default();
        }
        pending.extend(rest);
    }
    Ok(Walked { whole: start, end: position, tail: pending.take(file, start, position)? })
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

/// Hands `[start, end)` to `visit` in pieces of at most [`CHUNK`] bytes, until it returns `false`.
pub(crate) fn for_each_piece(
    file: &dyn File,
    start: u64,
    end: u64,
    mut visit: impl FnMut(&[u8]) -> io::Result<bool>,
) -> io::Result<()> {
    let mut position = start;
    while position < end {
        let bytes = read_range(file, position, CHUNK.min(usize::try_from(end - position).unwrap_or(CHUNK)))?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        position += bytes.len() as u64;
        if !visit(&bytes)? {
            break;
        }
    }
    Ok(())
}
