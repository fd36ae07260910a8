//! guidance-ledger: an event store and run ledger that lose nothing they accepted.
//!
//! [`engine`] is the whole of it in plain Rust: the log on disk, its lock, its checkpoint, rewriting and
//! recovery. [`node`] is the only place that knows Node-API. The JavaScript classes that users meet are in
//! `lib/`, over `node`.

pub mod engine;
pub mod node;
