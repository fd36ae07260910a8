//! The lines of a file from its end to its beginning.
//!
//! Invariant: the lines are those that a walk forward visits, in reverse; only as much is read as is asked for.

use std::ops::Range;

use crate::engine::StoreFile;
use crate::exit::Result;
use crate::text::numbers::long;

/// First block that is read; a line that is longer is read in growing blocks.
const BLOCK: usize = 64 << 10;
/// Largest block.
const LARGEST: usize = 8 << 20;

/// A walk that goes backward.
pub(crate) struct Backward<'a> {
    file: &'a StoreFile,
    /// Bytes from `start` on. Those from `end` on were given out already.
    buffer: Vec<u8>,
    start: u64,
    end: usize,
    /// Where the first line begins.
    first: u64,
    block: usize,
    /// Whether a newline stands at `end`.
    terminated: bool,
    over: bool,
}

/// A line; [`Backward::bytes`] gives its bytes until the next step.
pub(crate) struct LineAt {
    pub(crate) offset: u64,
    range: Range<usize>,
    /// Whether its newline is there.
    pub(crate) whole: bool,
}

impl<'a> Backward<'a> {
    /// A walk over the lines of a part of the file, which begins with a line.
    pub(crate) fn new(file: &'a StoreFile, part: Range<u64>) -> Self {
        let Range { start: first, end: start } = part;
        Self { file, buffer: Vec::new(), start, end: 0, first, block: BLOCK, terminated: false, over: false }
    }

    /// The next line towards the beginning.
    pub(crate) fn step(&mut self) -> Result<Option<LineAt>> {
        let mut unseen = self.end;
        while !self.over {
            let newline = memchr::memrchr(b'\n', self.buffer.get(..unseen).unwrap_or_default());
            let first = newline.map_or(0, |newline| newline + 1);
            if newline.is_none() && self.start > self.first {
                unseen = self.read_before()?;
                continue;
            }
            self.over = newline.is_none();
            let line =
                LineAt { offset: self.start + long(first), range: first..self.end, whole: self.terminated };
            self.terminated = true;
            self.end = newline.unwrap_or(0);
            unseen = self.end;
            self.block = BLOCK;
            // The newline at the very end of a file begins no line.
            if line.whole || !line.range.is_empty() {
                return Ok(Some(line));
            }
        }
        Ok(None)
    }

    /// The bytes of the line that was stepped to.
    pub(crate) fn bytes(&self, line: &LineAt) -> &[u8] {
        self.buffer.get(line.range.clone()).unwrap_or_default()
    }

    /// Puts the block before the buffer in front of it. Returns how long it is.
    fn read_before(&mut self) -> Result<usize> {
        let before = self.start.saturating_sub(self.first);
        let length = self.block.min(usize::try_from(before).unwrap_or(usize::MAX));
        self.block = (self.block * 2).min(LARGEST);
        let from = self.start - long(length);
        let mut block = self.file.read(from, length)?;
        // A file that was cut meanwhile ends earlier; what is missing reads as nothing.
        block.resize(length, b' ');
        block.extend_from_slice(self.buffer.get(..self.end).unwrap_or_default());
        self.buffer = block;
        self.end += length;
        self.start = from;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::Backward;
    use crate::engine::StoreFile;
    use crate::exit::Result;

    type Lines = Vec<(u64, Vec<u8>, bool)>;

    fn backward(file: &StoreFile, size: u64) -> Result<Lines> {
        let mut lines = Lines::new();
        let mut walk = Backward::new(file, 0..size);
        while let Some(line) = walk.step()? {
            lines.push((line.offset, walk.bytes(&line).to_vec(), line.whole));
        }
        lines.reverse();
        Ok(lines)
    }

    fn forward(file: &StoreFile) -> Result<Lines> {
        let mut lines = Lines::new();
        file.for_each_line(&mut |offset, line, whole| lines.push((offset, line.to_vec(), whole)))?;
        Ok(lines)
    }

    #[test]
    fn lines_backward_are_the_lines_forward_reversed() -> std::result::Result<(), Box<dyn std::error::Error>>
    {
        let folder = std::env::temp_dir().join(format!("guidance-ledger-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder)?;
        for text in [
            String::new(),
            "\n".into(),
            "a".into(),
            "a\n".into(),
            "\n\n".into(),
            "a\n\nb".into(),
            format!("{}\ny\n", "x".repeat(65_535)),
            format!("{}\n", "x".repeat(65_536)),
            format!("{}\ny", "x".repeat(300_000)),
            format!("\n{}", "ab\n".repeat(50_000)),
        ] {
            std::fs::write(folder.join("file"), &text)?;
            let Ok(Some(file)) = StoreFile::open(&folder, "file") else { return Err("not opened".into()) };
            let size = u64::try_from(text.len())?;
            let (Ok(back), Ok(there)) = (backward(&file, size), forward(&file)) else {
                return Err("not read".into());
            };
            assert_eq!(back, there, "{:?}", text.get(..10));
        }
        std::fs::remove_dir_all(&folder)?;
        Ok(())
    }
}
