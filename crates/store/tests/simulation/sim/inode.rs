//! A file's content twice: as programs see it and as the medium holds it, with the writes in between.

use std::collections::BTreeSet;

use super::disk::Description;

/// What the page cache writes back in one piece.
pub(crate) const PAGE: usize = 4096;

/// Bytes that programs see but the medium need not hold.
#[derive(Clone, Debug)]
pub(crate) enum Unsynced {
    Write { offset: usize, bytes: Vec<u8> },
    Resize(usize),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Inode {
    pub(crate) number: u64,
    pub(crate) content: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    pub(crate) unsynced: Vec<Unsynced>,
    pub(crate) mode: u32,
    pub(crate) born_ns: u64,
    pub(crate) modified_ns: u64,
    pub(crate) locked_by: Option<Description>,
    /// Counts failed write-backs; a description that was open before reports each once (`errseq_t`).
    pub(crate) failures: u64,
}

impl Inode {
    /// Numbers of the pages that were touched since the last `fsync`, ascending.
    pub(crate) fn dirty_pages(&self, page: usize) -> BTreeSet<usize> {
        let mut dirty = BTreeSet::new();
        let mut size = self.durable.len();
        for change in &self.unsynced {
            let (start, end) = match change {
                Unsynced::Write { offset, bytes } => (*offset.min(&size), offset + bytes.len()),
                Unsynced::Resize(to) => (size.min(*to), size.max(*to)),
            };
            size = match change {
                Unsynced::Write { .. } => size.max(end),
                Unsynced::Resize(to) => *to,
            };
            if end > start {
                dirty.extend(start / page..end.div_ceil(page));
            }
        }
        dirty
    }
}

/// Writes into a byte vector as into a file: a gap before `offset` reads as zeros.
pub(crate) fn apply(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(bytes);
}
