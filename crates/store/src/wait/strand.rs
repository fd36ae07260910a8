//! Work that is done one piece after the other, each on some thread of a lane.
//!
//! Invariant: pieces are done in the order in which they came, never two at once. What no thread can be had for
//! is given back to the caller.

#![expect(clippy::disallowed_types, reason = "the room of clocks, threads and locks")]

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use super::lane::Lane;
use super::{Work, locked};

/// See the head of this file.
pub struct Strand {
    lane: Arc<Lane>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    waiting: VecDeque<Work>,
    /// Whether a piece is being done, or is with the lane.
    running: bool,
}

impl Strand {
    /// A strand on the threads of `lane`.
    #[must_use]
    pub fn new(lane: &Arc<Lane>) -> Arc<Self> {
        Arc::new(Self { lane: Arc::clone(lane), inside: Mutex::default() })
    }

    /// Has `work` done after what came before.
    ///
    /// # Errors
    /// Gives the work back if no thread can be had.
    pub fn run(self: &Arc<Self>, work: Work) -> Result<(), Work> {
        let mut inside = locked(&self.inside);
        inside.waiting.push_back(work);
        if std::mem::replace(&mut inside.running, true) {
            return Ok(());
        }
        if self.hand_over().is_ok() {
            return Ok(());
        }
        inside.running = false;
        inside.waiting.pop_back().map_or(Ok(()), Err)
    }

    /// Whether a piece waits or is being done.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        locked(&self.inside).running
    }

    fn hand_over(self: &Arc<Self>) -> Result<(), Work> {
        let strand = Arc::clone(self);
        self.lane.run(Box::new(move || strand.do_next()))
    }

    /// Does one piece, and sees to the next: the lane may have work of other strands in between.
    fn do_next(self: &Arc<Self>) {
        loop {
            let next = locked(&self.inside).waiting.pop_front();
            if let Some(work) = next {
                // The work reports its own panic.
                let _ = catch_unwind(AssertUnwindSafe(work));
            }
            let mut inside = locked(&self.inside);
            if inside.waiting.is_empty() {
                inside.running = false;
                return;
            }
            drop(inside);
            // Without another thread this one goes on.
            if self.hand_over().is_ok() {
                return;
            }
        }
    }
}
