//! The lines of a file from a position on, in bounded memory.
//!
//! Invariant: each line that ends in a newline is visited once, whole, with its offset; what follows the last newline
//! is handed back. A line that is longer than V8 reads is visited cut, which makes it malformed, as it is to V8.

use std::ops::ControlFlow;

use super::needle::Needle;
use crate::engine::StoreFile;
use crate::exit::Result;
use crate::text::numbers::long;

/// Bytes read at a time: they stay in the processor's cache until they are looked at.
const CHUNK: usize = 256 << 10;
/// Longest line that is kept: V8 has no longer strings.
const LONGEST: usize = 536_870_888;

/// What looks at a line, and says whether to go on.
pub(crate) type Visit<'a> = dyn FnMut(u64, &[u8]) -> Result<ControlFlow<()>> + 'a;

/// Where a walk ended.
pub(crate) struct Walked {
    /// Where the last whole line ended.
    pub(crate) whole: u64,
    /// What stands behind it.
    pub(crate) tail: Vec<u8>,
}

/// Visits the lines of `[from, to)`; with a needle, only those that may contain it.
pub(crate) fn walk(
    file: &StoreFile,
    from: u64,
    to: u64,
    needle: Option<&Needle>,
    visit: &mut Visit<'_>,
) -> Result<Walked> {
    let mut buffer: Vec<u8> = Vec::new();
    let mut start = from; // offset of the buffer's first byte
    let mut kept = 0; // bytes of an unfinished line at the buffer's beginning
    let mut dropped = 0; // bytes of a line beyond the longest
    loop {
        let at = start + long(kept) + dropped;
        let want = CHUNK.max(kept).min(usize::try_from(to.saturating_sub(at)).unwrap_or(usize::MAX));
        buffer.resize(kept + want, 0);
        let read = match buffer.get_mut(kept..) {
            Some(space) if !space.is_empty() => file.read_at(space, at)?,
            _ => 0,
        };
        if read == 0 {
            buffer.truncate(kept);
            return Ok(Walked { whole: start, tail: buffer });
        }
        let filled = kept + read;
        let fresh = buffer.get(kept..filled).unwrap_or_default();
        let Some(last) = memchr::memrchr(b'\n', fresh) else {
            kept = filled.min(LONGEST + 1);
            dropped += long(filled - kept);
            continue;
        };
        let end = kept + last + 1;
        let lines = buffer.get(..end).unwrap_or_default();
        if visit_all(lines, start, kept, dropped, needle, visit)?.is_break() {
            return Ok(Walked { whole: start, tail: Vec::new() });
        }
        start += long(end) + dropped;
        dropped = 0;
        buffer.copy_within(end..filled, 0);
        kept = filled - end;
    }
}

/// Visits the whole lines of a buffer. `dropped` bytes of the first line are missing behind its byte `kept`.
fn visit_all(
    lines: &[u8],
    start: u64,
    kept: usize,
    dropped: u64,
    needle: Option<&Needle>,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>> {
    let mut at = 0;
    let mut hits = needle.map(|needle| needle.hits(lines));
    while let Some(rest) = lines.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(hits) = &mut hits {
            let Some(hit) = hits.from(at) else { break };
            let before = rest.get(..hit - at).unwrap_or_default();
            at += memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
        }
        let rest = lines.get(at..).unwrap_or_default();
        let Some(length) = memchr::memchr(b'\n', rest) else { break };
        let line = rest.get(..length).unwrap_or_default();
        let gone = if at > kept { dropped } else { 0 };
        if visit(start + long(at) + gone, line)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        at += length + 1;
    }
    Ok(ControlFlow::Continue(()))
}
