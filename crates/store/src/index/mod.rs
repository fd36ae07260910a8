//! `index.json`: what it says, and when it is written.

pub(crate) mod index_file;
pub(crate) mod schedule;
