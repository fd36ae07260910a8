//! A large log in parts, one for each core.
//!
//! Invariant: parts are cut at the beginning of lines, and their results come in the order of the log.

use std::io;

use crate::disk::File;
use crate::disk::bytes::read_range;

/// Less than this is left to one thread.
const PARALLEL_FROM: u64 = 4 << 20;
/// More threads than this are not worth their start.
const MOST_THREADS: usize = 4;

/// Calls `scan` for `[from, to)` of the log, at once or for each part in a thread of its own.
pub(crate) fn in_parts<T: Send>(
    log: &dyn File,
    from: u64,
    to: u64,
    scan: &(dyn Fn(u64, u64) -> io::Result<T> + Sync),
) -> io::Result<Vec<T>> {
    let bounds = bounds(log, from, to)?;
    let ranges = bounds.iter().zip(bounds.iter().skip(1)).map(|(&start, &end)| (start, end));
    if bounds.len() == 2 {
        return ranges.map(|(start, end)| scan(start, end)).collect();
    }
    std::thread::scope(|scope| {
        let scans: Vec<_> = ranges
            .map(|(start, end)| std::thread::Builder::new().spawn_scoped(scope, move || scan(start, end)))
            .collect();
        scans
            .into_iter()
            .map(|scan| scan?.join().map_err(|_| io::Error::other("a scanning thread panicked"))?)
            .collect()
    })
}

/// Cuts `[from, to)` at line ends into about equal parts.
fn bounds(log: &dyn File, from: u64, to: u64) -> io::Result<Vec<u64>> {
    let mut bounds = vec![from];
    if to - from >= PARALLEL_FROM {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS) as u64;
        for part in 1..threads {
            let wanted = from + (to - from) / threads * part;
            if let Some(bound) = next_line_start(log, wanted, to)?
                && bounds.last().is_some_and(|&last| last < bound)
            {
                bounds.push(bound);
            }
        }
    }
    bounds.push(to);
    Ok(bounds)
}

/// Where the first line after `from` starts.
fn next_line_start(log: &dyn File, from: u64, to: u64) -> io::Result<Option<u64>> {
    const STEP: usize = 64 << 10;
    let mut position = from;
    while position < to {
        let bytes = read_range(log, position, STEP)?;
        if bytes.is_empty() {
            break;
        }
        if let Some(newline) = memchr::memchr(b'\n', &bytes) {
            let start = position + newline as u64 + 1;
            return Ok((start < to).then_some(start));
        }
        position += bytes.len() as u64;
    }
    Ok(None)
}
