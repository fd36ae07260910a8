//! Replacing the log.

pub(crate) mod archive;
pub(crate) mod compaction;
pub(crate) mod rewriter;
pub(crate) mod save;
