//! Whole reads and writes over files that read and write in parts, and the walk over a file's lines.
//!
//! Invariant: a short read is the end of the file or is continued; a short write is continued or reported
//! with what was written. Lines end at byte 0x0A and at nothing else.

use std::io;

use crate::disk::File;
use crate::paths::MAX_READ_LINE;

/// Bytes read at a time.
pub(crate) const CHUNK: usize = 1 << 20;

/// Reads up to `length` bytes at `offset`; fewer only at the end of the file.
pub(crate) fn read_range(file: &dyn File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let read = read_into(file, offset, &mut bytes)?;
    bytes.truncate(read);
    Ok(bytes)
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

/// Appends everything. On failure tells how many bytes had been written before.
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

/// What [`for_each_line`] met.
pub(crate) struct Walked {
    /// Where the last whole line ended.
    pub(crate) whole: u64,
    /// The bytes behind it, up to the limit of the walk: a torn tail, or a line still being written.
    pub(crate) tail: Vec<u8>,
}

/// Calls `visit(offset, line)` for each line of `[from, to)` that ends in a newline, without it.
///
/// Lines longer than V8 can hold are visited cut to their first bytes, enough to be seen as malformed; their
/// true length is the distance to the next line.
pub(crate) fn for_each_line(
    file: &dyn File,
    from: u64,
    to: u64,
    mut visit: impl FnMut(u64, &[u8]),
) -> io::Result<Walked> {
    let mut pending: Vec<u8> = Vec::new();
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
            if pending.is_empty() {
                visit(start, line);
            } else {
                extend_bounded(&mut pending, line);
                visit(start, &pending);
                pending.clear();
            }
            start = position - after.len() as u64 + 1;
            rest = after.get(1..).unwrap_or_default();
        }
        extend_bounded(&mut pending, rest);
    }
    Ok(Walked { whole: start, tail: pending })
}

/// Collects a line, but not without end.
fn extend_bounded(pending: &mut Vec<u8>, more: &[u8]) {
    let room = (MAX_READ_LINE + 1).saturating_sub(pending.len());
    pending.extend_from_slice(more.get(..room).unwrap_or(more));
}
