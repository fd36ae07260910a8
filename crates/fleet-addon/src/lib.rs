//! The second addon, for `guidance-ledger/fleet`: it speaks to shared stores, and opens no file of a ledger.
//!
//! What is shipped comes from the first addon, by way of JavaScript, so that one process never has two engines on one
//! folder. Nothing here runs before the first call that needs a network: one thread then drives all sockets.
//!
//! ```text
//! core       one shared store, as JavaScript sees it
//! reader     pages, cut into slices that parse in a moment
//! follower   what comes, with cursors
//! shipper    a thread that ships what JavaScript hands it
//! link       settings, and connections that were of use a moment ago
//! runtime    the thread, and promises for what it does
//! ```

#![expect(clippy::needless_pass_by_value, reason = "Node-API hands arguments over by value")]

mod core;
mod follower;
mod link;
mod reader;
mod runtime;
mod shipper;

/// The version of this addon. The loader takes no other than its own.
#[napi_derive::napi]
pub const ADDON_VERSION: &str = env!("CARGO_PKG_VERSION");
