//! What a shared store is to get: how far it has got it, and what a rewrite would have taken away before.
//!
//! Nothing here runs in a folder without `.events.ship`, and nothing of it on the way of an append.
//!
//! ```text
//! outgoing   what waits, for the one shipper of a folder
//! demand     whether a shipper is to be started
//! pending    what waits, for readers
//! waiting    lines of a file from a place on
//! rescue     what a rewrite does for lines that were not shipped
//! outbox     those lines
//! cursor     how far all is shipped
//! ```

pub(crate) mod cursor;
mod demand;
pub(crate) mod outbox;
pub(crate) mod outgoing;
mod pending;
pub(crate) mod rescue;
pub(crate) mod waiting;
