//! The threads of one process, and what each does.
//!
//! ```text
//! timers    one thread: tries, and comes back later
//! quick     work of a millisecond that waits for nothing: slices of a reader, a look at `.lock`
//! long      work that grows with a log and waits for nothing: scans, `verify()`
//! patient   work that may have to wait, for a folder, a program or an fsync
//! ```
//!
//! On the patient lane each folder has two strands, one for writing and one for rewriting; on the long lane one
//! for its scans. So a blocked folder keeps two threads at most, and delays no other folder.
//!
//! Invariant: no thread of the first three ever waits for a lock, a process or another thread.

use std::sync::Arc;

use super::Time;
use super::lane::{Lane, Most};
use super::timers::Timers;

/// Threads for quick work: two can use a disk and a core.
const QUICK: usize = 2;
/// Most threads for long work.
const LONG: usize = 4;

/// See the head of this file.
pub struct Background {
    /// Clocks and threads.
    pub time: Arc<dyn Time>,
    /// The background thread.
    pub timers: Arc<Timers>,
    /// Work of a millisecond.
    pub quick: Arc<Lane>,
    /// Work that grows with a log.
    pub long: Arc<Lane>,
    /// Work that may have to wait: as many threads as there are strands with work.
    pub patient: Arc<Lane>,
}

impl Background {
    /// No threads yet.
    #[must_use]
    pub fn new(time: Arc<dyn Time>) -> Arc<Self> {
        Arc::new(Self {
            timers: Timers::new(&time),
            quick: Lane::new(&time, "guidance-ledger quick", Most::Threads(QUICK)),
            long: Lane::new(&time, "guidance-ledger long", Most::Processors(LONG)),
            patient: Lane::new(&time, "guidance-ledger patient", Most::Threads(usize::MAX)),
            time,
        })
    }
}
