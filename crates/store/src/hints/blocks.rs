//! Which times the events of each megabyte of the log have: what a process that asks for a range of time need not
//! read.
//!
//! A block begins where the one before ended, and ends at the first line that begins a megabyte or more behind its
//! beginning. So blocks are the same whichever process makes them, and however often it stops between. They are kept
//! in the checkpoint, 32 bytes each; the last one, which still grows, in its slots.
//!
//! Invariant: an event of a block whose time is a number lies between its oldest and its newest; a block that is not
//! known is read.

use std::ops::Range;

use crate::hints::fields::Fields;

/// How much of the log a block is at least.
const BLOCK: u64 = 1 << 20;
/// Most blocks that are kept; the rest of the log is read.
pub(crate) const MOST_BLOCKS: u32 = 1 << 16;
/// Bytes of a block in the checkpoint: end, oldest, newest, whether some time is not a number.
pub(crate) const BLOCK_BYTES: usize = 32;

/// The times of one block.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Times {
    pub(crate) oldest: f64,
    pub(crate) newest: f64,
    /// Whether the time of some event is not a number.
    pub(crate) odd: bool,
}

impl Default for Times {
    fn default() -> Self {
        Self { oldest: f64::INFINITY, newest: f64::NEG_INFINITY, odd: false }
    }
}

impl Times {
    /// Whether an event may lie in `[from, to]`, or only JavaScript can say.
    fn may_match(&self, (from, to): (f64, f64)) -> bool {
        self.odd || (self.oldest <= to && self.newest >= from)
    }
}

/// The blocks of one log. See the head of this file.
#[derive(Clone, PartialEq, Default, Debug)]
pub(crate) struct Blocks {
    /// Whether they begin with the log.
    pub(crate) known: bool,
    /// How many are in the checkpoint, and their CRC.
    pub(crate) stored: (u32, u32),
    /// Those behind them.
    finished: Vec<u8>,
    /// Where the one begins that still grows, and its times so far.
    pub(crate) start: u64,
    pub(crate) times: Times,
}

impl Blocks {
    /// Those of an empty log.
    pub(crate) fn empty() -> Self {
        Self { known: true, ..Self::default() }
    }

    /// As a slot describes them.
    pub(crate) fn read(stored: (u32, u32), start: u64, times: Times) -> Self {
        Self { known: true, stored, finished: Vec::new(), start, times }
    }

    /// A line begins at `offset`.
    pub(crate) fn line(&mut self, offset: u64) {
        if self.known && offset.saturating_sub(self.start) >= BLOCK && self.count() < MOST_BLOCKS {
            let Times { oldest, newest, odd } = std::mem::take(&mut self.times);
            for number in [offset, oldest.to_bits(), newest.to_bits(), u64::from(odd)] {
                self.finished.extend_from_slice(&number.to_le_bytes());
            }
            self.start = offset;
        }
    }

    /// It is an event of this time; `None` if that is not a number.
    pub(crate) fn event(&mut self, time: Option<f64>) {
        match time {
            Some(time) => {
                self.times.oldest = self.times.oldest.min(time);
                self.times.newest = self.times.newest.max(time);
            }
            None => self.times.odd = true,
        }
    }

    fn count(&self) -> u32 {
        self.stored.0 + u32::try_from(self.finished.len() / BLOCK_BYTES).unwrap_or(u32::MAX / 2)
    }

    /// What is to be written behind the blocks that are in the checkpoint.
    pub(crate) fn unwritten(&self) -> &[u8] {
        &self.finished
    }

    /// It was written.
    pub(crate) fn written(&mut self) {
        let (count, crc) = self.stored;
        let mut hasher = crc32fast::Hasher::new_with_initial_len(crc, u64::from(count) * BLOCK_BYTES as u64);
        hasher.update(&self.finished);
        self.stored = (self.count(), hasher.finalize());
        self.finished.clear();
    }

    /// What has to be read of a log of this size for the events in `[from, to]`, ascending; `bytes` are the blocks as
    /// they are in the checkpoint. `None` if they are not these blocks.
    pub(crate) fn stretches(&self, bytes: &[u8], size: u64, range: (f64, f64)) -> Option<Vec<Range<u64>>> {
        let whole = bytes.len() == self.stored.0 as usize * BLOCK_BYTES;
        if !self.known || !whole || crc32fast::hash(bytes) != self.stored.1 {
            return None;
        }
        let mut stretches: Vec<Range<u64>> = Vec::new();
        let mut start = 0;
        for block in bytes.chunks_exact(BLOCK_BYTES) {
            let mut fields = Fields(block);
            let end = fields.u64()?;
            let times = Times { oldest: fields.f64()?, newest: fields.f64()?, odd: fields.u64()? != 0 };
            if end <= start || end > size {
                return None;
            }
            if times.may_match(range) {
                add(&mut stretches, start..end);
            }
            start = end;
        }
        add(&mut stretches, start..size);
        Some(stretches)
    }
}

/// Adds what follows, in one piece with what it touches.
fn add(stretches: &mut Vec<Range<u64>>, next: Range<u64>) {
    match stretches.last_mut().filter(|last| last.end == next.start) {
        Some(last) => last.end = next.end,
        None => stretches.push(next),
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Blocks};

    fn blocks(lines: u32, stop: u32) -> (Blocks, Vec<u8>) {
        let (mut blocks, mut bytes) = (Blocks::empty(), Vec::new());
        for line in 0..lines {
            blocks.line(u64::from(line) * BLOCK / 4);
            blocks.event(Some(f64::from(line)));
            if line % stop == 0 {
                bytes.extend_from_slice(blocks.unwritten());
                blocks.written();
            }
        }
        bytes.extend_from_slice(blocks.unwritten());
        blocks.written();
        (blocks, bytes)
    }

    #[test]
    fn blocks_are_the_same_however_often_they_are_written() {
        let (all, bytes) = blocks(41, 1000);
        let (parts, again) = blocks(41, 3);
        assert_eq!(
            (all.stored, all.start, all.times, &bytes),
            (parts.stored, parts.start, parts.times, &again)
        );
        assert_eq!((all.stored.0, bytes.len()), (10, 320));
    }

    #[test]
    fn only_what_may_match_is_read() {
        let (blocks, bytes) = blocks(41, 3);
        let size = 11 * BLOCK;
        let one = |start, end| std::iter::once(start..end).collect::<Vec<_>>();
        let of = |from, to| blocks.stretches(&bytes, size, (from, to));
        assert_eq!(of(9.0, 9.0), Some(vec![2 * BLOCK..3 * BLOCK, 10 * BLOCK..size]));
        assert_eq!(of(7.0, 8.0), Some(vec![BLOCK..3 * BLOCK, 10 * BLOCK..size]));
        assert_eq!(of(f64::NEG_INFINITY, f64::INFINITY), Some(one(0, size)));
        assert_eq!(of(100.0, 200.0), Some(one(10 * BLOCK, size)));
        assert_eq!(blocks.stretches(&bytes[32..], size, (9.0, 9.0)), None, "one is missing");
        assert_eq!(blocks.stretches(&bytes, 5 * BLOCK, (9.0, 9.0)), None, "the log is shorter");
        for at in [0, 8, 31, 319] {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            assert_eq!(blocks.stretches(&torn, size, (9.0, 9.0)), None, "byte {at}");
        }
    }
}
