//! Whole reads and writes over files that read and write in parts.
//!
//! Invariant: a short read is the end of the file or is continued; a short write is continued or reported
//! with what was written.

use std::io;

use crate::disk::File;

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
