//! The members of a file, one after the other, whatever lies between them.
//!
//! Invariant: each byte of the file is of a member or of a gap. A gap ends where the next sound head begins; damage
//! costs what is damaged.

use std::io;
use std::ops::Range;

use crate::archive::member::{HEAD, Head, MAGIC};
use crate::disk::File;
use crate::disk::bytes::{CHUNK, read_range};

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stretch {
    /// A member that is there in full; whether it can be read is another question.
    Member(u64, Head),
    /// Anything else.
    Gap(Range<u64>),
}

/// Walks over `[from, end)` of a file.
pub(crate) struct Members {
    position: u64,
    end: u64,
}

impl Members {
    pub(crate) fn new(from: u64, end: u64) -> Self {
        Self { position: from, end }
    }

    /// The next stretch; `None` at the end.
    pub(crate) fn next(&mut self, file: &dyn File) -> io::Result<Option<Stretch>> {
        if self.position >= self.end {
            return Ok(None);
        }
        let start = self.position;
        let head = self.head_at(file, start)?;
        if let Some(head) = head {
            self.position += u64::from(head.length);
            return Ok(Some(Stretch::Member(start, head)));
        }
        self.position = self.next_head(file, start + 1)?;
        Ok(Some(Stretch::Gap(start..self.position)))
    }

    fn head_at(&self, file: &dyn File, at: u64) -> io::Result<Option<Head>> {
        let head = Head::decode(&read_range(file, at, HEAD)?);
        Ok(head.filter(|head| at + u64::from(head.length) <= self.end))
    }

    /// Where the next sound head begins; else the end.
    fn next_head(&self, file: &dyn File, from: u64) -> io::Result<u64> {
        let mut position = from;
        while position < self.end {
            let bytes = read_range(file, position, CHUNK + MAGIC.len())?;
            for at in memchr::memmem::find_iter(&bytes, &MAGIC) {
                let at = position + at as u64;
                if self.head_at(file, at)?.is_some() {
                    return Ok(at);
                }
            }
            position += CHUNK as u64;
        }
        Ok(self.end)
    }
}
