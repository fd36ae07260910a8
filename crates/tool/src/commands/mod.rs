//! The commands, one file or folder each.

pub(crate) mod archive;
pub(crate) mod backup;
pub(crate) mod compact;
pub(crate) mod compare;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod fleet;
pub(crate) mod hook;
pub(crate) mod import;
pub(crate) mod init;
pub(crate) mod metrics;
pub(crate) mod query;
pub(crate) mod record;
pub(crate) mod show;
pub(crate) mod stats;
pub(crate) mod tail;
pub(crate) mod verify;
pub(crate) mod which;
