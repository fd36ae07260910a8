//! What an event is, by V8's rules: lines of the log, JSON text, identity. No I/O.
//!
//! ```text
//! identity    when two events, or two tasks, are the same one
//! line        the scanner: what a line means
//! needle      bytes that a line must contain to be wanted
//! text        JSON strings and white space, on bytes
//! ```

pub mod identity;
pub mod line;
pub mod needle;
pub mod text;
