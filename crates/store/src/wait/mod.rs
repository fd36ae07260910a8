//! All that decides when something happens: clocks, threads, the order of waiting.
//!
//! [`Time`] is the seam. Two implementations exist: [`system`] for the real clock and real threads, and the
//! simulated one in `tests/simulation/sim`, which moves the clock by itself, gives the turn to one thread at a time and
//! refuses to start threads on command. The rest of this folder is built on the seam and is the same in both:
//!
//! ```text
//! background   the threads of one process, and what each does
//! timers       the background thread: ends leases, refreshes locks, starts later what is due later
//! strand       work that is done one piece after the other, on whichever thread of a lane
//! lane         threads that do one kind of work, started when there is any
//! baton        what one thread at a time may hold, also while it waits
//! shared       what several threads share for a few instructions
//! patience     how long something is waited for, and what ends the waiting early
//! ```
//!
//! Invariant: nothing of this crate outside this folder starts a thread, sleeps, reads a clock, or names a lock of the
//! standard library; `clippy.toml` and a test of the layout hold it to that.

#![expect(clippy::disallowed_types, reason = "the room of clocks, threads and locks")]

pub mod background;
pub(crate) mod baton;
pub mod lane;
pub mod patience;
pub(crate) mod shared;
pub mod strand;
pub mod system;
pub mod timers;

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a thread does.
pub type Work = Box<dyn FnOnce() + Send>;

/// Clocks and threads of one process.
pub trait Time: Send + Sync {
    /// A clock that never goes back.
    fn monotonic(&self) -> Duration;

    /// Wall clock, milliseconds since 1970. May jump, and may be wrong by decades.
    fn now_ms(&self) -> u64;

    /// Pauses the calling thread.
    fn sleep(&self, time: Duration);

    /// A new signal that threads of this process can wait for.
    fn signal(&self) -> Arc<dyn Signal>;

    /// Starts a thread that does `work`. Does not wait for it in any way.
    ///
    /// # Errors
    /// Whatever starting says; `work` was not begun then and never will be.
    fn start(&self, name: &str, work: Work) -> io::Result<()>;

    /// Does all of `works` and returns when all are done: at once on several threads, as far as these can be
    /// started, the rest on the caller's own.
    fn together<'a>(&self, works: Vec<Box<dyn FnOnce() + Send + 'a>>);

    /// How many threads can work at once.
    fn processors(&self) -> usize;
}

/// Something that one thread raises and others wait for. Raises are counted, so none can be missed: read
/// [`Signal::count`], look whether what you wait for is there, and if not wait for another count.
pub trait Signal: Send + Sync {
    /// How often it was raised.
    fn count(&self) -> u64;

    /// Raises it, for all that wait.
    fn raise(&self);

    /// Blocks the calling thread until the count is no longer `seen`, or the monotonic clock shows `until`.
    fn wait(&self, seen: u64, until: Duration);

    /// The same, for a thread that has nothing to do: it does not wait for anything.
    fn rest(&self, seen: u64, until: Duration) {
        self.wait(seen, until);
    }
}

/// The content of a mutex, whether or not a thread panicked with it.
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
