//! The locks: of the folder among our processes, and `.lock`, which JavaScript programs know too.

pub(crate) mod folder_lock;
pub(crate) mod lock_cell;
pub(crate) mod lock_file;
pub(crate) mod look;
pub(crate) mod takeover;
pub(crate) mod user_lock;
