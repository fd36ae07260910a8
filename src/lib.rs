//! The Node-API addon: the only place that knows Node-API.
//!
//! Each export takes its arguments, makes one engine call and hands the result over. What may wait or read
//! much runs on threads of the engine (see `task`), never on the main thread and never on libuv's pool, which the
//! program's own files and sockets need. Only text, numbers and typed arrays cross.
//!
//! Every export catches panics: one that reached Node would end the process.

#![expect(clippy::needless_pass_by_value, reason = "Node-API hands arguments over by value")]

mod batch;
mod error;
mod follower;
mod gathering;
mod handle;
mod holdings;
mod outgoing;
mod process;
mod reader;
mod sealed;
mod store_core;
mod task;
mod teardown;

/// The version of this addon. The loader takes no other than its own.
#[napi_derive::napi]
pub const ADDON_VERSION: &str = env!("CARGO_PKG_VERSION");
