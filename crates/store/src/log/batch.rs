//! What is written by one call: some lines of the queue, in their order.
//!
//! Invariant: after a failure a line is either in the log or still in the batch; of an entry that is refused as a whole
//! no line stays in the log, if it can be taken back.

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::folder::{Folder, is_out_of_room};
use crate::log::open_log::{Failed, Log};
use crate::log::queue::{Entry, OnFault};

/// Bytes written by one call: more would hold the folder for long.
const MOST: usize = 4 << 20;

/// See the head of this file.
pub(crate) struct Batch(Vec<Entry>);

impl Batch {
    /// The next entries that are written together; `None` if there are none.
    pub(crate) fn take(entries: &mut VecDeque<Entry>) -> Option<Self> {
        let first = entries.pop_front()?;
        let mut size = first.bytes.len();
        let mut batch = vec![first];
        while let Some(next) = entries.front().filter(|next| size + next.bytes.len() <= MOST) {
            size += next.bytes.len();
            batch.extend(entries.pop_front());
        }
        Some(Self(batch))
    }

    /// Whether any of it shall be on stable storage.
    pub(crate) fn disk(&self) -> bool {
        self.0.iter().any(|entry| entry.disk)
    }

    /// Whether a caller waits for any of it.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0.iter().any(|entry| entry.on_fault == OnFault::Refuse)
    }

    /// Appends it to the log. Returns the bytes that are there now, and what kept the rest from it.
    pub(crate) fn write(&self, folder: &Folder, log: &mut Log) -> (Cow<'_, [u8]>, Option<Failed>) {
        let mut bytes = match self.0.as_slice() {
            [entry] => Cow::Borrowed(&*entry.bytes),
            entries => entries.iter().flat_map(|entry| entry.bytes.iter().copied()).collect(),
        };
        let Err(failed) = log.append(&bytes) else { return (bytes, None) };
        let stored = take_back(folder, log, &failed, &self.0, &bytes);
        match &mut bytes {
            Cow::Borrowed(bytes) => *bytes = bytes.get(..stored).unwrap_or_default(),
            Cow::Owned(bytes) => bytes.truncate(stored),
        }
        (bytes, Some(failed))
    }

    /// Takes out the lines whose text is among the first `written` bytes, and calls `with` with those of each entry.
    pub(crate) fn drop_written(&mut self, mut written: usize, mut with: impl FnMut(&[u8])) {
        self.0.retain_mut(|entry| {
            let whole = stored_lines(&entry.bytes, written.min(entry.bytes.len()));
            written = written.saturating_sub(entry.bytes.len());
            with(entry.bytes.get(..whole).unwrap_or_default());
            entry.bytes.drain(..whole);
            !entry.bytes.is_empty()
        });
    }

    /// What is left of it.
    pub(crate) fn into_entries(self) -> impl DoubleEndedIterator<Item = Entry> {
        self.0.into_iter()
    }
}

/// Of a batch that is refused nothing is to stay: lines of it that a failed write has stored are taken back. Returns
/// how many of the stored bytes stay.
fn take_back(folder: &Folder, log: &Log, failed: &Failed, entries: &[Entry], bytes: &[u8]) -> usize {
    let mut start = 0;
    for entry in entries {
        let end = start + entry.bytes.len();
        if failed.stored < end {
            let part = bytes.get(start..failed.stored).unwrap_or_default();
            // Half a line is not an event, and stays as what it is; all of them are there if only the newline is
            // missing.
            let whole = stored_lines(&entry.bytes, part.len());
            let some = entry.on_fault == OnFault::Refuse && whole > 0 && whole < entry.bytes.len();
            let full = is_out_of_room(&failed.error);
            let gone = some && log.take_back(folder, failed.at + start as u64, part, full).unwrap_or(false);
            return if gone { start } else { failed.stored };
        }
        start = end;
    }
    failed.stored
}

/// How much of `lines` is made of lines whose text is in the file, when the first `stored` bytes are. A line
/// that lacks no more than its newline is there: readers count it, and the next append brings the newline.
fn stored_lines(lines: &[u8], stored: usize) -> usize {
    if lines.get(stored) == Some(&b'\n') {
        return stored + 1;
    }
    lines.get(..stored).and_then(|bytes| memchr::memrchr(b'\n', bytes)).map_or(0, |newline| newline + 1)
}

#[cfg(test)]
mod tests {
    use super::stored_lines;

    #[test]
    fn a_line_is_stored_once_its_text_is() {
        let lines = b"{1}\n{22}\n";
        assert_eq!(stored_lines(lines, 0), 0);
        assert_eq!(stored_lines(lines, 2), 0);
        assert_eq!(stored_lines(lines, 3), 4, "only the newline is missing");
        assert_eq!(stored_lines(lines, 4), 4);
        assert_eq!(stored_lines(lines, 7), 4);
        assert_eq!(stored_lines(lines, 8), 9);
        assert_eq!(stored_lines(lines, 9), 9);
    }
}
