//! What both addons tell JavaScript in the same way.
//!
//! ```text
//! failure   an error with a code, and the mark of this package
//! text      bytes that become a string
//! ```

pub mod failure;
mod text;

pub use failure::Failure;
pub use text::Text;
