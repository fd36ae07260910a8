//! The file store: an append-only log in one folder that many processes write at once. Plain Rust, no Node-API,
//! no unsafe code outside `disk/sys.rs`.
//!
//! Dependencies run downward; depth is nearness to the disk and the clock:
//!
//! ```text
//! registry
//! chores  stats  seal  reader  follow  verify  backup  destroy
//! store       puts the parts together
//! rewrite     drafts, the rewriter, what it chooses
//! ship        what a shared store has got, and what a rewrite would take away before
//! archive     evicted events: how they get into compressed files, and out
//! index       index.json: what it says, and when it is written
//! log         queue, appender, tenure, fsyncs, recovery, columns
//! hints       sums, and the checkpoint that keeps them
//! lock        the folder lock, the user-level lock
//! folder      one handle to the two seams
//! disk  wait  the seams: files; clocks, threads, the order of waiting
//! query  paths  limits  error  errno
//! ```

mod archive;
mod backup;
mod chores;
mod destroy;
pub mod disk;
mod errno;
mod error;
pub mod folder;
mod follow;
mod hints;
mod index;
mod limits;
mod lock;
mod log;
mod paths;
mod query;
mod reader;
pub mod registry;
mod rewrite;
mod seal;
mod ship;
mod stats;
mod store;
mod verify;
pub mod wait;

pub use archive::contents::BothLines;
pub use archive::survey::{ArchiveFile, ArchiveReport, Damaged};
pub use archive::{ArchivePlace, Retention};
pub use backup::Backup;
pub use columns::Holdings;
pub use error::{Error, Expiry, Obstacle, Result, Terms};
pub use follow::cursor::Cursor;
pub use follow::follower::{Follower, News};
pub use follow::given::Given;
pub use follow::seen::Start;
pub use follow::watch::Bell;
pub use limits::{MAX_LINE, MAX_READ_LINE};
pub use lock::lock_cell::{Acquired, LockCell};
pub use lock::user_lock::UserLock;
pub use log::appender::Appended;
pub use log::group_commit::Durability;
pub use log::queue::{OnFault, Ticket};
pub use query::Query;
pub use reader::Reader;
pub use seal::sealed_of_nothing;
pub use ship::cursor::Account;
pub use ship::outgoing::{Lines, Noted, Outgoing};
pub use ship::waiting::{Most, Waiting};
pub use stats::Stats;
pub use store::Store;
pub use verify::{Duplicate, IndexState, Place, Report, TornTail};
