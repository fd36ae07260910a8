//! Spreads numbered runs over the cores: a worker for each, with a crew of its own.
//!
//! Invariant: a core has one worker at a time, and a worker and its crew stay on their core. The threads of a run hand
//! the turn to each other, and to wake a thread of another core costs far more: the tests of archives took 37 s on two
//! cores, and 26 s on one of them.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use super::crew::Crew;

/// Calls `work` with each of `numbers`, in their order, on all cores, and gives what it found with the number, in order.
/// After a find so many numbers more are begun.
pub(crate) fn spread<T: Send>(
    numbers: Range<u64>,
    more: u64,
    work: impl Fn(u64, &Crew) -> Option<T> + Sync,
) -> Vec<(u64, T)> {
    static CORES: Mutex<()> = Mutex::new(());
    let _cores = CORES.lock().unwrap_or_else(PoisonError::into_inner);
    let (next, end) = (AtomicU64::new(numbers.start), AtomicU64::new(numbers.end));
    let found = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for worker in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            let (next, end, found, work) = (&next, &end, &found, &work);
            scope.spawn(move || {
                stay_on_core(worker);
                let crew = Crew::default();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end.load(Ordering::Relaxed) {
                        break;
                    }
                    if let Some(find) = work(number, &crew) {
                        end.fetch_min(number.saturating_add(more), Ordering::Relaxed);
                        found.lock().unwrap_or_else(PoisonError::into_inner).push((number, find));
                    }
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    found.sort_by_key(|(number, _)| *number);
    found
}

/// Keeps this thread, and those that it starts, on one of the cores that it may use. Where that cannot be had, it is
/// only slower.
#[cfg(target_os = "linux")]
fn stay_on_core(worker: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Ok(allowed) = sched_getaffinity(None) else { return };
    let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
    if let Some(core) = cores.nth(worker) {
        let mut own = CpuSet::new();
        own.set(core);
        let _ = sched_setaffinity(None, &own);
    }
}

#[cfg(not(target_os = "linux"))]
fn stay_on_core(_: usize) {}
