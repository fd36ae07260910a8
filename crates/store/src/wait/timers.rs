//! The background thread of a process: it ends leases, refreshes a held `.lock`, and starts later what is due
//! later.
//!
//! A chore *tries*: it takes no longer than a few system calls, waits for nothing, and comes back later if
//! what it needs is held. So a blocked folder delays no other. Work that may take longer is handed to a lane.
//!
//! Invariant: no promise rests on a chore. The thread starts with the first one, ends when there was none for
//! a while, and dies with the process at any instruction.

#![expect(clippy::disallowed_types, reason = "the room of clocks, threads and locks")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Signal, Time, locked};

/// How long the thread stays without chores.
const LINGER: Duration = Duration::from_secs(5);

/// Something to do; returns after what time to do it again.
pub type Chore = Box<dyn FnMut() -> Option<Duration> + Send>;

/// See the head of this file.
pub struct Timers {
    time: Arc<dyn Time>,
    inside: Mutex<Inside>,
    changed: Arc<dyn Signal>,
}

#[derive(Default)]
struct Inside {
    chores: Vec<(Duration, Chore)>,
    running: bool,
}

impl Inside {
    /// Which chore is the next one, and when.
    fn next(&self) -> Option<(usize, Duration)> {
        let times = self.chores.iter().map(|(at, _)| *at).enumerate();
        times.min_by_key(|(_, at)| *at)
    }
}

impl Timers {
    /// No chores, no thread.
    #[must_use]
    pub fn new(time: &Arc<dyn Time>) -> Arc<Self> {
        Arc::new(Self { time: Arc::clone(time), inside: Mutex::default(), changed: time.signal() })
    }

    /// Has `chore` done after a time.
    ///
    /// # Errors
    /// Gives the chore back if no thread can be started.
    pub fn after(self: &Arc<Self>, time: Duration, chore: Chore) -> Result<(), Chore> {
        let at = self.time.monotonic() + time;
        let mut inside = locked(&self.inside);
        let sooner = inside.next().is_none_or(|(_, next)| at < next);
        inside.chores.push((at, chore));
        if !inside.running {
            let timers = Arc::clone(self);
            if self.time.start("guidance-ledger timers", Box::new(move || timers.work())).is_err() {
                return inside.chores.pop().map_or(Ok(()), |(_, chore)| Err(chore));
            }
            inside.running = true;
        }
        drop(inside);
        if sooner {
            self.changed.raise();
        }
        Ok(())
    }

    /// Body of the thread.
    fn work(&self) {
        let mut idle_since = None;
        loop {
            let seen = self.changed.count();
            let now = self.time.monotonic();
            let mut inside = locked(&self.inside);
            match inside.next() {
                Some((number, at)) if at <= now => {
                    idle_since = None;
                    let (_, mut chore) = inside.chores.swap_remove(number);
                    drop(inside);
                    let again = catch_unwind(AssertUnwindSafe(&mut chore)).unwrap_or(None);
                    if let Some(after) = again {
                        locked(&self.inside).chores.push((self.time.monotonic() + after, chore));
                    }
                }
                Some((_, at)) => {
                    idle_since = None;
                    drop(inside);
                    self.changed.rest(seen, at);
                }
                None => {
                    let until = *idle_since.get_or_insert(now) + LINGER;
                    if now >= until {
                        inside.running = false;
                        return;
                    }
                    drop(inside);
                    self.changed.rest(seen, until);
                }
            }
        }
    }
}
