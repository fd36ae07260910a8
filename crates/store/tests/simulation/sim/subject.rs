//! What the simulator asks of a store, so that the engine, a naive twin and broken twins can stand trial
//! alike.

use super::following::Seen;
use super::process::Installed;

/// What a log sums up to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) count: u64,
    pub(crate) oldest: Option<u64>,
    pub(crate) newest: Option<u64>,
}

/// A call that did not succeed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Refusal {
    /// Another process holds the lock: no fault is needed to explain this.
    pub(crate) busy: bool,
    /// How many of an append's lines, from the first on, were accepted nevertheless.
    pub(crate) accepted: usize,
    pub(crate) text: String,
}

pub(crate) type Answer<T> = Result<T, Refusal>;

/// A store as one process has it open. Lines come and go without their newline.
pub(crate) trait Subject {
    /// Appends events. Accepted once it returns: in the operating system's hands, or on the medium for a
    /// durable store.
    fn append(&mut self, lines: &[Vec<u8>]) -> Answer<()>;

    /// Appends events as a ledger's `logEvent` does: true if they are accepted, false if that is for
    /// [`Subject::flush`] to bring about, whatever the disk says now.
    fn log(&mut self, lines: &[Vec<u8>]) -> Answer<bool>;

    /// Has all logged events accepted.
    fn flush(&mut self) -> Answer<()>;

    /// Keeps the newest `keep` events; tells how many it evicted.
    fn compact(&mut self, keep: usize) -> Answer<u64>;

    /// Replaces all events (`writeAll`).
    fn replace(&mut self, lines: &[Vec<u8>]) -> Answer<()>;

    /// A ledger's `save()` of what it loaded on opening, what it logged, and `fresh`; what others appended
    /// stays.
    fn save(&mut self, fresh: &[Vec<u8>]) -> Answer<()>;

    /// All events.
    fn lines(&mut self) -> Answer<Vec<Vec<u8>>>;

    /// The sums.
    fn totals(&mut self) -> Answer<Totals>;

    /// Takes the user-level lock, or is refused as busy.
    fn acquire_lock(&mut self) -> Answer<()>;

    /// Gives the user-level lock back.
    fn release_lock(&mut self) -> Answer<()>;

    /// Ships what waits; `arrive` is called with each line that has reached the shared store, before that is noted.
    fn ship(&mut self, _arrive: &mut dyn FnMut(&[u8])) -> Answer<()> {
        Ok(())
    }

    /// A reader that follows the log, from its beginning or from a cursor on; each call is one look. `None` if this
    /// store has none.
    fn follow(&mut self, after: Option<&str>) -> Option<Box<dyn FnMut() -> Answer<Seen>>> {
        let _ = after;
        None
    }

    /// The process is about to end, by a road that runs JavaScript's exit listeners.
    fn exit(&mut self) {}

    /// Finishes what dead processes left half done, as the next write does it, or thoroughly, as `repair()`
    /// does.
    fn recover(&mut self, thorough: bool) -> Answer<()>;
}

/// A way to open stores.
pub(crate) trait System: Send + Sync {
    /// Opens the store of the folder on trial. `durable` is `durability: 'disk'`.
    fn open(&self, installed: &Installed, durable: bool) -> Answer<Box<dyn Subject>>;
}
