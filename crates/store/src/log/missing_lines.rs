//! Which lines a log lacks.
//!
//! Invariant: a line that occurs twice among the wanted must be found twice.

use std::collections::HashMap;
use std::io;

use crate::disk::File;
use crate::disk::lines::for_each_line;

/// Lines that are looked for in a log, one stretch after the other.
pub(crate) struct WantedLines<'a> {
    lines: &'a [u8],
    /// How often each is still to be found.
    counts: HashMap<&'a [u8], usize>,
}

impl<'a> WantedLines<'a> {
    /// Whole lines, each ending in a newline; none of them found yet.
    pub(crate) fn new(lines: &'a [u8]) -> Self {
        let mut counts: HashMap<&[u8], usize> = HashMap::new();
        for line in whole_lines(lines) {
            *counts.entry(line).or_default() += 1;
        }
        Self { lines, counts }
    }

    /// Looks through `[from, to)`. Returns where the last whole line ended; what is behind it was not looked at.
    pub(crate) fn search(&mut self, log: &dyn File, from: u64, to: u64) -> io::Result<u64> {
        let walked = for_each_line(log, from, to, |_, line| self.found(line))?;
        Ok(walked.whole)
    }

    /// Looks through the log from `from` on, its unterminated end included.
    pub(crate) fn search_to_end(&mut self, log: &dyn File, from: u64) -> io::Result<()> {
        let size = log.stat()?.size;
        let walked = for_each_line(log, from, size, |_, line| self.found(line))?;
        self.found(&walked.tail);
        Ok(())
    }

    fn found(&mut self, line: &[u8]) {
        if let Some(count) = self.counts.get_mut(line) {
            *count = count.saturating_sub(1);
        }
    }

    /// Those that were not found, in their order.
    pub(crate) fn missing(mut self) -> Vec<u8> {
        let mut missing = Vec::new();
        for line in whole_lines(self.lines) {
            if let Some(count) = self.counts.get_mut(line).filter(|count| **count > 0) {
                *count -= 1;
                missing.extend_from_slice(line);
                missing.push(b'\n');
            }
        }
        missing
    }
}

fn whole_lines(lines: &[u8]) -> impl Iterator<Item = &[u8]> {
    lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
}
