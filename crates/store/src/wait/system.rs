//! The real clock and real threads.
//!
//! Invariant: it decides nothing; each method is one call of the system.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the room of clocks, threads and locks"
)]

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{Signal, Time, Work, locked};

/// See the head of this file.
pub struct SystemTimeAndThreads {
    started: Instant,
}

impl SystemTimeAndThreads {
    /// The clocks and threads of this process.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { started: Instant::now() })
    }
}

impl Time for SystemTimeAndThreads {
    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    fn now_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, time: Duration) {
        std::thread::sleep(time);
    }

    fn signal(&self) -> Arc<dyn Signal> {
        Arc::new(SystemSignal {
            started: self.started,
            count: AtomicU64::new(0),
            waiting: AtomicUsize::new(0),
            mutex: Mutex::new(()),
            raised: Condvar::new(),
        })
    }

    fn start(&self, name: &str, work: Work) -> io::Result<()> {
        std::thread::Builder::new().name(name.to_owned()).spawn(work).map(drop)
    }

    fn together<'a>(&self, works: Vec<Box<dyn FnOnce() + Send + 'a>>) {
        let places: Vec<_> = works.into_iter().map(|work| Mutex::new(Some(work))).collect();
        let take = |place: &Mutex<Option<Box<dyn FnOnce() + Send + 'a>>>| {
            let work = locked(place).take();
            if let Some(work) = work {
                work();
            }
        };
        std::thread::scope(|scope| {
            let started: Vec<_> = places
                .iter()
                .skip(1)
                .map(|place| std::thread::Builder::new().spawn_scoped(scope, move || take(place)))
                .collect();
            places.iter().take(1).for_each(take);
            // What could not be started is still in its place.
            places
                .iter()
                .skip(1)
                .zip(&started)
                .filter(|(_, thread)| thread.is_err())
                .for_each(|(place, _)| take(place));
        });
    }

    fn processors(&self) -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }
}

struct SystemSignal {
    started: Instant,
    count: AtomicU64,
    /// How many threads wait: raising costs nothing while none does.
    waiting: AtomicUsize,
    mutex: Mutex<()>,
    raised: Condvar,
}

impl Signal for SystemSignal {
    fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    fn raise(&self) {
        self.count.fetch_add(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 {
            // A waiter that has looked at the count holds the mutex until it sleeps.
            drop(locked(&self.mutex));
            self.raised.notify_all();
        }
    }

    fn wait(&self, seen: u64, until: Duration) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut guard = locked(&self.mutex);
        while self.count() == seen {
            let Some(left) = until.checked_sub(self.started.elapsed()).filter(|left| !left.is_zero()) else {
                break;
            };
            guard = self.raised.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(guard);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_work_is_done_and_a_signal_is_not_missed() {
        let time = SystemTimeAndThreads::new();
        let done = AtomicUsize::new(0);
        let works = (0..5).map(|_| {
            Box::new(|| {
                done.fetch_add(1, Ordering::SeqCst);
            }) as Box<dyn FnOnce() + Send>
        });
        time.together(works.collect());
        assert_eq!(done.load(Ordering::SeqCst), 5);

        let signal = time.signal();
        let (seen, raiser) = (signal.count(), Arc::clone(&signal));
        assert!(time.start("raiser", Box::new(move || raiser.raise())).is_ok());
        signal.wait(seen, Duration::MAX);
        assert_eq!(signal.count(), seen + 1);
        signal.wait(signal.count(), time.monotonic());
    }
}
