//! A large log in parts, one for each core.
//!
//! Invariant: parts are cut at the beginning of lines, and their results come in the order of the log.

use std::io;

use crate::disk::File;
use crate::disk::bytes::read_range;
use crate::wait::Time;

/// Less than this is left to one thread.
const PARALLEL_FROM: u64 = 4 << 20;
/// More threads than this are not worth their start.
const MOST_THREADS: usize = 4;

/// Calls `scan` for `[from, to)` of the log, at once or in parts on several threads.
pub(crate) fn in_parts<T: Send>(
    log: &dyn File,
    time: &dyn Time,
    from: u64,
    to: u64,
    scan: &(dyn Fn(u64, u64) -> io::Result<T> + Sync),
) -> io::Result<Vec<T>> {
    let bounds = bounds(log, time.processors(), from, to)?;
    let ranges = bounds.iter().zip(bounds.iter().skip(1)).map(|(&start, &end)| (start, end));
    if bounds.len() == 2 {
        return ranges.map(|(start, end)| scan(start, end)).collect();
    }
    let mut results: Vec<Option<io::Result<T>>> = ranges.clone().map(|_| None).collect();
    let scans = ranges.zip(&mut results).map(|((start, end), result)| -> Box<dyn FnOnce() + Send + '_> {
        Box::new(move || *result = Some(scan(start, end)))
    });
    time.together(scans.collect());
    let panicked = || Err(io::Error::other("a scanning thread panicked"));
    results.into_iter().map(|result| result.unwrap_or_else(panicked)).collect()
}

/// Cuts `[from, to)` at line ends into about equal parts.
fn bounds(log: &dyn File, processors: usize, from: u64, to: u64) -> io::Result<Vec<u64>> {
    let mut bounds = vec![from];
    if to - from >= PARALLEL_FROM {
        let threads = processors.min(MOST_THREADS) as u64;
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
