//! Lines of a log that stand behind each other, copied together.
//!
//! Invariant: each copied line is the bytes of its event and a newline, whatever white space stood behind it.

use std::io;
use std::ops::Range;

use crate::disk::File;
use crate::disk::bytes::{CHUNK, read_range};

/// A run of lines, by their place in the log; empty at first.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LineRun(Range<u64>);

impl LineRun {
    /// Adds the line at `range`. If it does not stand behind the others, they are handed back, to be copied now.
    pub(crate) fn add(&mut self, range: &Range<u64>) -> Option<Self> {
        if self.0.end == range.start && !self.0.is_empty() {
            self.0.end = range.end + 1;
            return None;
        }
        Some(std::mem::replace(self, Self(range.start..range.end + 1)))
    }

    /// Hands the lines to `write`, in pieces.
    pub(crate) fn copy(
        self,
        log: &dyn File,
        write: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let Range { mut start, end } = self.0;
        while start < end {
            let length = CHUNK.min(usize::try_from(end - start).unwrap_or(CHUNK));
            let mut bytes = read_range(log, start, length)?;
            if bytes.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            start += bytes.len() as u64;
            // The byte behind a line may be white space that was trimmed; in the copy it is the newline.
            if start == end {
                bytes.pop();
                bytes.push(b'\n');
            }
            write(&bytes)?;
        }
        Ok(())
    }
}
