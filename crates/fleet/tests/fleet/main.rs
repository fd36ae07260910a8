//! The shared store on a real `PostgreSQL`.
//!
//! `GUIDANCE_LEDGER_REQUIRE_POSTGRES=1` makes a missing server a failure; without it the tests say that they are
//! skipped. `PG_BIN` names the folder of its programs.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

mod certificates;
mod connections;
mod controls;
mod copies;
mod disk;
mod folding;
mod following;
mod memory;
mod operating;
mod pooler;
mod proxy;
mod reading;
mod rights;
mod schema;
mod server;
mod shipping;
mod stayer;
mod staying;
mod store;
