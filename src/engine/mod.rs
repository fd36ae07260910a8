//! The engine: pure Rust, no Node-API, no unsafe code outside `storage/sys.rs`.
//!
//! Dependencies run downward:
//!
//! ```text
//! registry  keeper
//! sealed  save  reader  verify  operations
//! rewrite  recovery  writer  peers  index_file  user_lock
//! store  (queue  durable  folder_lock  log)
//! checkpoint  sums  index  summary  draft  lock_file
//! parts  bytes  interner  storage
//! line  text  paths  error
//! ```

mod bytes;
mod checkpoint;
mod draft;
mod durable;
mod error;
mod folder_lock;
mod index;
mod index_file;
mod interner;
pub mod keeper;
pub mod line;
mod lock_file;
mod log;
mod operations;
mod parts;
mod paths;
mod peers;
mod queue;
mod reader;
mod recovery;
pub mod registry;
mod rewrite;
mod save;
mod sealed;
pub mod storage;
mod store;
mod summary;
mod sums;
pub mod text;
mod user_lock;
mod verify;
mod writer;

pub use durable::Durability;
pub use error::{Error, Result};
pub use operations::Stats;
pub use queue::{OnFault, Ticket};
pub use reader::{Query, Reader};
pub use save::Holdings;
pub use sealed::{Sealed, add_keys};
pub use store::Store;
pub use sums::Sums;
pub use user_lock::{LockCell, UserLock};
pub use verify::{Duplicate, IndexState, Place, Report, TornTail};
pub use writer::Appended;
