//! Threads that do one kind of work, started when there is any and gone when there has been none for a while.
//!
//! Invariant: work is begun in the order in which it came, by at most `most` threads at once. Work that no
//! thread can be had for is given back to the caller, never dropped.

#![expect(clippy::disallowed_types, reason = "the room of clocks, threads and locks")]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::{Signal, Time, Work, locked};

/// How long a thread without work stays.
const LINGER: Duration = Duration::from_millis(500);

/// See the head of this file.
pub struct Lane {
    time: Arc<dyn Time>,
    name: &'static str,
    most: Most,
    inside: Mutex<Inside>,
    came: Arc<dyn Signal>,
}

/// How many threads a lane has at most. Processors are counted when a thread is to be started: that reads files, and
/// most processes start none.
#[derive(Clone, Copy, Debug)]
pub enum Most {
    /// So many.
    Threads(usize),
    /// One for each processor, up to so many.
    Processors(usize),
}

#[derive(Default)]
struct Inside {
    waiting: VecDeque<Work>,
    threads: usize,
    /// Threads that have nothing to do.
    idle: usize,
}

impl Lane {
    /// A lane without threads.
    #[must_use]
    pub fn new(time: &Arc<dyn Time>, name: &'static str, most: Most) -> Arc<Self> {
        Arc::new(Self { time: Arc::clone(time), name, most, inside: Mutex::default(), came: time.signal() })
    }

    /// Has `work` done by a thread of the lane.
    ///
    /// # Errors
    /// Gives the work back if there is no thread and none can be started.
    pub fn run(self: &Arc<Self>, work: Work) -> Result<(), Work> {
        let mut inside = locked(&self.inside);
        inside.waiting.push_back(work);
        if inside.waiting.len() <= inside.idle {
            drop(inside);
            self.came.raise();
            return Ok(());
        }
        let most = match self.most {
            Most::Threads(most) => most,
            Most::Processors(most) => self.time.processors().clamp(1, most),
        };
        if inside.threads >= most {
            return Ok(());
        }
        let lane = Arc::clone(self);
        if self.time.start(self.name, Box::new(move || lane.work())).is_ok() {
            inside.threads += 1;
            return Ok(());
        }
        // Another thread of the lane does it later; without any, the caller has to.
        if inside.threads > 0 { Ok(()) } else { inside.waiting.pop_back().map_or(Ok(()), Err) }
    }

    /// Whether anything waits or is being done.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        let inside = locked(&self.inside);
        !inside.waiting.is_empty() || inside.threads > inside.idle
    }

    /// Body of a thread.
    fn work(&self) {
        loop {
            let seen = self.came.count();
            let next = locked(&self.inside).waiting.pop_front();
            if let Some(work) = next {
                // The work reports its own panic; the thread goes on with the next.
                let _ = catch_unwind(AssertUnwindSafe(work));
                continue;
            }
            let until = self.time.monotonic() + LINGER;
            locked(&self.inside).idle += 1;
            self.came.rest(seen, until);
            let mut inside = locked(&self.inside);
            inside.idle -= 1;
            if inside.waiting.is_empty() && self.time.monotonic() >= until {
                inside.threads -= 1;
                return;
            }
        }
    }
}
