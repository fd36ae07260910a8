//! Replacing the log.

pub(crate) mod compaction;
pub(crate) mod draft;
pub(crate) mod rejected;
pub(crate) mod rewriter;
pub(crate) mod save;
