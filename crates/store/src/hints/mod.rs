//! What is kept to be fast, and believed only if it recognises the log.

pub(crate) mod blocks;
pub(crate) mod checkpoint;
pub(crate) mod fields;
pub(crate) mod move_entry;
pub(crate) mod moves;
pub(crate) mod origins;
pub(crate) mod summary;
