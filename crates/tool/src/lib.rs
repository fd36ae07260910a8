//! `guidance-ledger`: records events from anywhere, shows what agents did, and keeps a store in order.
//!
//! ```text
//! call       the words of a call: commands, options, mistakes
//! commands   one file or folder each
//! metrics  page   sums over events, and the page that shows them
//! log        reading: forward, backward, as it grows; conditions
//! json  text  report   values in place; what a reader sees; stdout and stderr
//! archive    files of evicted events
//! folder  place  exit   where, and how it ends
//! whole_file  files that are there whole or not at all
//! engine     the only file that calls the store
//! ```
//!
//! Commands about several machines are in `commands/fleet`: no other opens a connection.

mod archive;
mod call;
mod commands;
mod context;
mod engine;
mod exit;
mod folder;
mod json;
mod log;
mod metrics;
mod page;
mod place;
mod report;
mod run;
mod signals;
mod text;
mod whole_file;

pub use run::main;
