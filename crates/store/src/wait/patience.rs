//! How long something is waited for, and what ends the waiting early.
//!
//! One mechanism serves every wait for something that another process or thread holds: the folder lock, the
//! baton of a folder, `.lock`, a JavaScript program's rewrite, an fsync under way. A [`Patience`] has a
//! deadline, and an [`Ending`] that comes when the store object is closed or its thread ends.
//!
//! Invariant: no wait goes on after its deadline or, for longer than one pause, after its ending.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::Time;

/// Says that waits shall not go on. Never taken back.
#[derive(Clone, Default)]
pub struct Ending(Arc<AtomicBool>);

impl Ending {
    /// Ends the waits.
    pub fn end(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// Whether it has come.
    #[must_use]
    pub fn has_come(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A call that may have to wait: since when it does, and what ends its waits.
#[derive(Clone)]
pub struct Caller {
    since: Duration,
    ending: Ending,
}

impl Caller {
    /// A call that begins now.
    #[must_use]
    pub fn new(time: &dyn Time, ending: &Ending) -> Self {
        Self { since: time.monotonic(), ending: ending.clone() }
    }

    /// When it began.
    #[must_use]
    pub fn since(&self) -> Duration {
        self.since
    }

    /// Patience for `wait` from now on.
    #[must_use]
    pub fn patience(&self, time: &dyn Time, wait: Duration) -> Patience {
        Patience::new(time, wait).until(&self.ending)
    }
}

/// See the head of this file.
#[derive(Clone)]
pub struct Patience {
    since: Duration,
    deadline: Duration,
    ending: Option<Ending>,
}

/// First and longest pause between two looks; each is twice the one before.
#[derive(Clone, Copy)]
pub struct Pauses(pub Duration, pub Duration);

impl Patience {
    /// Patience for `wait` from now on.
    #[must_use]
    pub fn new(time: &dyn Time, wait: Duration) -> Self {
        let since = time.monotonic();
        Self { since, deadline: since.saturating_add(wait), ending: None }
    }

    /// The same until `ending` comes.
    #[must_use]
    pub fn until(self, ending: &Ending) -> Self {
        Self { ending: Some(ending.clone()), ..self }
    }

    /// When it is over.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// How much of it is left.
    #[must_use]
    pub fn left(&self, time: &dyn Time) -> Duration {
        if self.has_ended() { Duration::ZERO } else { self.deadline.saturating_sub(time.monotonic()) }
    }

    /// Whether its ending has come.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ending.as_ref().is_some_and(Ending::has_come)
    }

    /// How long it has lasted.
    #[must_use]
    pub fn waited(&self, time: &dyn Time) -> Duration {
        time.monotonic().saturating_sub(self.since)
    }

    /// Calls `attempt` until it gives something, with growing pauses; at least once. `None` if the patience was
    /// over before.
    ///
    /// # Errors
    /// The error of an attempt.
    pub fn poll<T, E>(
        &self,
        time: &dyn Time,
        pauses: Pauses,
        mut attempt: impl FnMut() -> Result<Option<T>, E>,
    ) -> Result<Option<T>, E> {
        let mut pause = pauses.0;
        self.poll_at(time, || {
            let next = (pause * 2).min(pauses.1);
            let this = std::mem::replace(&mut pause, next);
            Ok(attempt()?.map_or(ControlFlow::Continue(this), ControlFlow::Break))
        })
    }

    /// The same; each attempt that gives nothing says how long the pause before the next one is.
    ///
    /// # Errors
    /// The error of an attempt.
    pub fn poll_at<T, E>(
        &self,
        time: &dyn Time,
        mut attempt: impl FnMut() -> Result<ControlFlow<T, Duration>, E>,
    ) -> Result<Option<T>, E> {
        loop {
            let pause = match attempt()? {
                ControlFlow::Break(value) => return Ok(Some(value)),
                ControlFlow::Continue(pause) => pause,
            };
            let left = self.left(time);
            if left.is_zero() {
                return Ok(None);
            }
            time.sleep(pause.min(left));
        }
    }
}
