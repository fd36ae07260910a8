//! Replacing the log.

pub(crate) mod archive;
pub(crate) mod compaction;
mod former;
pub(crate) mod rewriter;
pub(crate) mod save;
