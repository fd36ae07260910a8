//! Events in columns, over lines from any source: a log, a text in memory, another machine. No files.
//!
//! ```text
//! holdings          what a ledger saves, and what that makes of a log
//! gathering         lines that come in pieces, scanned as they come
//! sealed            the events of a ledger that JavaScript has not seen
//! sums              sums and rankings over rows
//! slice             runs of neighbouring lines, and the JSON array that JavaScript gets
//! columns           what is needed to choose events without parsing them
//! interner          strings by number
//! ```

mod columns;
mod gathering;
mod holdings;
mod interner;
mod postings;
mod sealed;
mod slice;
mod sums;

pub use columns::Columns;
pub use gathering::Gathering;
pub use holdings::Holdings;
pub use interner::Interner;
pub use sealed::{Keys, Sealed, SealedError, add_keys};
pub use slice::{Run, RunLines, Slice, Source, next_run, read_run};
pub use sums::Sums;
