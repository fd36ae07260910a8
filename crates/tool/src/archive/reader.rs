//! Reading archives.
//!
//! Invariants: memory is bounded by the longest line, and 16 bytes for each event where several archives are read. A
//! line that an earlier archive has is passed over; lines that are the same within one archive are all events that
//! were in the log.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use event::line::{Event, Line, Scanner};
use flate2::read::MultiGzDecoder;

use crate::engine::MAX_READ_LINE;
use crate::exit::{Failure, Result};
use crate::text::numbers::long;

const BLOCK: usize = 128 << 10;

/// Visits each event of an archive. Returns how many lines are not events.
pub(crate) fn read(path: &Path, visit: &mut dyn FnMut(&Event<'_>) -> Result<()>) -> Result<u64> {
    let file = File::open(path).map_err(|error| Failure::io("open", path, &error))?;
    let failed = |error| Failure::io("read", path, &error);
    let mut lines =
        BufReader::with_capacity(BLOCK, MultiGzDecoder::new(BufReader::with_capacity(BLOCK, file)));
    let mut scanner = Scanner::new();
    let mut line = Vec::new();
    let mut malformed = 0;
    loop {
        line.clear();
        let read =
            lines.by_ref().take(long(MAX_READ_LINE) + 1).read_until(b'\n', &mut line).map_err(failed)?;
        if read == 0 {
            return Ok(malformed);
        }
        let cut = read > MAX_READ_LINE && line.last() != Some(&b'\n');
        if cut {
            lines.skip_until(b'\n').map_err(failed)?;
        }
        match scanner.scan(&line) {
            Line::Event(event) if !cut => visit(&event)?,
            Line::Blank => {}
            _ => malformed += 1,
        }
    }
}

/// The events of several archives, each once.
#[derive(Default)]
pub(crate) struct Together {
    /// Two keyed hashes of each line of the archives before this one.
    before: HashSet<(u64, u64)>,
    hashers: (RandomState, RandomState),
}

impl Together {
    /// Visits the events of the next archive that none before it has. Returns how many lines are not events.
    pub(crate) fn read(
        &mut self,
        path: &Path,
        visit: &mut dyn FnMut(&Event<'_>) -> Result<()>,
    ) -> Result<u64> {
        let mut new = Vec::new();
        let (before, (first, second)) = (&self.before, &self.hashers);
        let malformed = read(path, &mut |event| {
            let key = (first.hash_one(event.text), second.hash_one(event.text));
            if before.contains(&key) {
                return Ok(());
            }
            new.push(key);
            visit(event)
        })?;
        self.before.extend(new);
        Ok(malformed)
    }
}
