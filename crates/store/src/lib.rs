//! The file store: an append-only log in one folder that many processes write at once. Plain Rust, no Node-API,
//! no unsafe code outside `disk/sys.rs`.
//!
//! Dependencies run downward; depth is nearness to the disk:
//!
//! ```text
//! registry  wait
//! save  reader  seal  verify  operations
//! rewrite  appender  javascript_programs  user_lock
//! store  (queue  group_commit  folder_lock  open_log)
//! hints  log_columns
//! disk  paths  error
//! ```

pub mod disk;
mod error;
mod hints {
    pub(crate) mod checkpoint;
    pub(crate) mod index_file;
    pub(crate) mod summary;
}
mod javascript_programs;
mod lock {
    pub(crate) mod folder_lock;
    pub(crate) mod lock_file;
    pub(crate) mod takeover;
    pub(crate) mod user_lock;
}
mod log {
    pub(crate) mod appender;
    pub(crate) mod group_commit;
    pub(crate) mod log_columns;
    pub(crate) mod open_log;
    pub(crate) mod parts;
    pub(crate) mod queue;
}
mod operations;
mod paths;
mod reader;
pub mod registry;
mod rewrite {
    pub(crate) mod draft;
    pub(crate) mod late_lines;
    pub(crate) mod recovery;
    pub(crate) mod rejected;
    pub(crate) mod rewriter;
    pub(crate) mod save;
}
mod seal;
mod store;
mod verify;
pub mod wait {
    //! What decides when something happens.
    pub mod keeper;
}

pub use error::{Error, Result};
pub use lock::user_lock::{LockCell, UserLock};
pub use log::appender::Appended;
pub use log::group_commit::Durability;
pub use log::queue::{OnFault, Ticket};
pub use operations::Stats;
pub use reader::{Query, Reader};
pub use rewrite::save::Holdings;
pub use seal::sealed_of_nothing;
pub use store::Store;
pub use verify::{Duplicate, IndexState, Place, Report, TornTail};
