//! Lines that came into the old log while it was being replaced, on their way into the new one.
//!
//! They are moved as places in the old log, read and written in batches: what came late may be more than memory.
//!
//! Invariant: a batch ends at the end of a line, so that no line of another program gets into the middle of ours. A
//! line that no program can read is set aside instead.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::ops::Range;

use crate::disk::File;
use crate::disk::bytes::{CHUNK, for_each_piece, read_range, read_whole};
use crate::disk::lines::{end_of_lines, next_newline};
use crate::error::Result;
use crate::folder::Folder;
use crate::limits::MAX_READ_LINE;
use crate::log::draft::Draft;
use crate::log::open_log::Log;
use crate::log::rejected::set_aside;
use crate::paths::{LOG, PREVIOUS};

/// About the most that is written at once.
const BATCH: usize = 4 << 20;

/// Copies whole lines of the old log from `from` on into the draft, which no other program sees yet. Returns where
/// they ended.
pub(crate) fn copy_into(draft: &mut Draft, old: &dyn File, from: u64) -> io::Result<u64> {
    let end = end_of_lines(old, from, old.stat()?.size)?;
    for_each_piece(old, from, end, |piece| draft.lines(piece).map(|()| true))?;
    Ok(end)
}

/// Appends the lines in `[start, end)` of the old log to the new one. The last of them may lack its newline.
pub(crate) fn move_lines(folder: &Folder, old: &dyn File, lines: Range<u64>, new: &mut Log) -> Result<()> {
    let failed = |error: io::Error| folder.failed("read", PREVIOUS, &error);
    let Range { mut start, end } = lines;
    while start < end {
        let length = BATCH.min(usize::try_from(end - start).unwrap_or(BATCH));
        let mut batch = read_whole(old, start, length).map_err(failed)?;
        if let Some(newline) = memchr::memrchr(b'\n', &batch) {
            batch.truncate(newline + 1);
        } else {
            let line_end = next_newline(old, start + batch.len() as u64, end).map_err(failed)?;
            let length = usize::try_from(line_end - start).ok().filter(|&length| length <= MAX_READ_LINE);
            let Some(length) = length else {
                // A process that died may have done the same.
                set_aside(folder, old, &[(start, line_end - start)], None)?;
                start = line_end + 1;
                continue;
            };
            batch = read_whole(old, start, length).map_err(failed)?;
            batch.push(b'\n');
        }
        new.append(&batch).map_err(|failed| folder.failed(failed.syscall, LOG, &failed.error))?;
        start += batch.len() as u64;
    }
    Ok(())
}

/// Appends those lines in `[start, end)` of the old log that the new one does not hold from `kept` on; a line that
/// occurs twice must be there twice.
pub(crate) fn move_missing_lines(
    folder: &Folder,
    old: &dyn File,
    lines: Range<u64>,
    new: &mut Log,
    kept: u64,
) -> Result<()> {
    let failed = |error: io::Error| folder.failed("read", PREVIOUS, &error);
    let hashes = Hashes::default();
    let mut wanted: HashMap<u128, u32> = HashMap::new();
    hashes
        .for_each_line(old, lines.clone(), |_, hash| *wanted.entry(hash).or_default() += 1)
        .map_err(failed)?;
    let size = new.file.size().map_err(failed)?;
    hashes
        .for_each_line(&*new.file, kept..size, |_, hash| {
            if let Some(count) = wanted.get_mut(&hash) {
                *count = count.saturating_sub(1);
            }
        })
        .map_err(|error| folder.failed("read", LOG, &error))?;
    let mut runs: Vec<Range<u64>> = Vec::new();
    hashes
        .for_each_line(old, lines, |place, hash| {
            let Some(count) = wanted.get_mut(&hash).filter(|count| **count > 0) else { return };
            *count -= 1;
            match runs.last_mut() {
                Some(run) if run.end == place.start => run.end = place.end + 1,
                _ => runs.push(place.start..place.end + 1),
            }
        })
        .map_err(failed)?;
    runs.into_iter().try_for_each(|run| move_lines(folder, old, run, new))
}

/// Whether the unterminated end of the old log, which begins at `tail`, is in the new log from `kept` on, beside all
/// whole lines of the old one from `from` on, which are there.
pub(crate) fn has_tail(
    old: &dyn File,
    from: u64,
    tail: Range<u64>,
    new: &dyn File,
    kept: u64,
) -> io::Result<bool> {
    let hashes = Hashes::default();
    let mut wanted = None;
    hashes.for_each_line(old, tail.clone(), |_, hash| wanted = Some(hash))?;
    let count = |file, lines| {
        let mut count = 0_u64;
        hashes.for_each_line(file, lines, |_, hash| count += u64::from(Some(hash) == wanted))?;
        io::Result::Ok(count)
    };
    Ok(count(new, kept..new.stat()?.size)? > count(old, from..tail.start)?)
}

/// Names lines by 128 bits that cannot be foreseen, so that no two lines are taken for one.
#[derive(Default)]
struct Hashes(RandomState, RandomState);

impl Hashes {
    /// Calls `visit(place, hash)` for each line in a range that is not empty, the unterminated one included.
    fn for_each_line(
        &self,
        file: &dyn File,
        lines: Range<u64>,
        mut visit: impl FnMut(Range<u64>, u128),
    ) -> io::Result<()> {
        let Range { mut start, end } = lines;
        let mut position = start;
        let mut line = self.begin();
        while position < end {
            let length = CHUNK.min(usize::try_from(end - position).unwrap_or(CHUNK));
            let bytes = read_range(file, position, length)?;
            if bytes.is_empty() {
                break;
            }
            let mut rest = bytes.as_slice();
            while let Some((text, after)) =
                memchr::memchr(b'\n', rest).and_then(|at| rest.split_at_checked(at))
            {
                line.0.write(text);
                line.1.write(text);
                position += text.len() as u64;
                if position > start {
                    visit(start..position, hash_of(&line));
                }
                line = self.begin();
                position += 1;
                start = position;
                rest = after.get(1..).unwrap_or_default();
            }
            line.0.write(rest);
            line.1.write(rest);
            position += rest.len() as u64;
        }
        if position > start {
            visit(start..position, hash_of(&line));
        }
        Ok(())
    }

    fn begin(&self) -> (impl Hasher + use<>, impl Hasher + use<>) {
        (self.0.build_hasher(), self.1.build_hasher())
    }
}

fn hash_of((first, second): &(impl Hasher, impl Hasher)) -> u128 {
    u128::from(first.finish()) << 64 | u128::from(second.finish())
}

#[cfg(test)]
mod tests {
    use super::{Hashes, hash_of};
    use std::hash::Hasher;

    #[test]
    fn a_line_has_one_hash_however_it_is_read() {
        let hashes = Hashes::default();
        let text: Vec<u8> = (0..100).collect();
        let hash = |cuts: &[usize]| {
            let mut line = hashes.begin();
            let mut start = 0;
            for &cut in cuts.iter().chain([&text.len()]) {
                line.0.write(&text[start..cut]);
                line.1.write(&text[start..cut]);
                start = cut;
            }
            hash_of(&line)
        };
        let whole = hash(&[]);
        for first in 0..100 {
            assert_eq!(hash(&[first]), whole);
            assert_eq!(hash(&[first, (first + 9).min(100)]), whole);
        }
        assert_ne!(whole, Hashes::default().begin().0.finish().into());
    }
}
