//! The store that many machines share: `PostgreSQL`, reached without secrets in any message, each event in it once.
//!
//! No files of a store are opened here: what is to be shipped comes through the trait [`Outgoing`](shipper::Outgoing).
//! Dependencies run downward:
//!
//! ```text
//! shipper     batches, resending, what to do about each failure
//! reader      ranges of time and tasks, page by page
//! following   a follower and its connection, made anew as often as it is lost
//! follower    batches behind a position, each once
//! operator    who ships, how much there is, lanes, eviction
//! examination what works on the way to a store, and what does not
//! protocol    the statements of a client
//! schema      tables, functions and roles, and how they are installed
//! connection  one connection, with a deadline around each call
//! tls         certificates, and what a refused one is to say
//! settings    connection strings, environment, services, passfiles: libpq's rules
//! runtime     where futures run, and how they wait
//! identity    what makes two events the same one, for ever
//! error       what went wrong, what to do, and whether it passes by itself
//! ```

pub mod connection;
pub mod error;
pub mod examination;
pub mod follower;
pub mod following;
pub mod identity;
pub mod operator;
pub mod protocol;
pub mod reader;
mod runtime;
pub mod schema;
pub mod settings;
pub mod shipper;
mod tls;

pub use connection::Connection;
pub use error::{Class, Code, Error, Result};
pub use runtime::{pause, run, unless};
pub use settings::Settings;
