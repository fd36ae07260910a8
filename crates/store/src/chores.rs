//! What the background thread does after an append: the end of a lease, lines that wait, `index.json`, idle
//! descriptors.
//!
//! Invariant: each chore is asked for once at a time; what fails is tried again with a growing pause until it is
//! done. Without a thread the caller does what cannot be left: it ends the lease and tries the lines that wait.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::limits::{IDLE, INDEX_DELAY, INLINE_WAIT, LEASE};
use crate::store::Store;
use crate::wait::patience::{Caller, Ending};
use crate::wait::strand::Strand;
use crate::wait::timers::Chore;

/// First and longest pause before lines that wait are tried again.
const RETRY: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(300));
/// Longest pause before `index.json` is tried again.
const INDEX_RETRY: Duration = Duration::from_secs(1);

/// Which chores are asked for.
#[derive(Default)]
pub(crate) struct Chores {
    lease: Flag,
    index: Flag,
    retry: Flag,
    idle: Flag,
    /// When the caller tried the waiting lines itself, in milliseconds of the monotonic clock.
    tried_ms: AtomicU64,
}

/// A flag that several threads set and clear.
#[derive(Default)]
struct Flag(AtomicBool);

impl Flag {
    /// Sets it; returns whether it was set before.
    fn set(&self) -> bool {
        self.0.swap(true, Ordering::AcqRel)
    }

    fn clear(&self) {
        self.0.swap(false, Ordering::AcqRel);
    }

    /// Clears it unless there is work; returns whether it was cleared. A thread that brings work makes it known first,
    /// then sets the flag: work that comes between the look and the clearing found the flag set, so it is looked for
    /// again.
    fn clear_without(&self, work: impl Fn() -> bool) -> bool {
        if work() {
            return false;
        }
        self.clear();
        // Another thread may have seen the flag cleared, and have set it: the work is with that one.
        !work() || self.set()
    }
}

impl Store {
    /// To be called after each append, and after each call that leaves lines waiting.
    pub fn look_after(self: &Arc<Self>) {
        let holds = self.tenure.try_take().is_some_and(|tenure| tenure.holds_folder());
        if holds && !self.chores.lease.set() && self.later(LEASE, Self::end_lease).is_err() {
            self.chores.lease.clear();
            if let Some(mut tenure) = self.tenure.try_take() {
                tenure.end(&self.folder);
            }
        }
        if self.waiting_lines() > 0 {
            self.retry();
        }
        if self.index.is_behind() && !self.chores.index.set() && self.index_later(INDEX_DELAY).is_err() {
            self.chores.index.clear();
        }
        if !self.chores.idle.set() && self.later(IDLE, Self::rest).is_err() {
            self.chores.idle.clear();
        }
    }

    /// Has `chore` done after a time, again and again for as long as it says so and the store is in use.
    fn later(
        self: &Arc<Self>,
        time: Duration,
        chore: fn(&Arc<Self>) -> Option<Duration>,
    ) -> Result<(), Chore> {
        let weak = Arc::downgrade(self);
        self.folder.background().timers.after(time, Box::new(move || chore(&weak.upgrade()?)))
    }

    /// Gives the folder lock up if a lease ran out.
    fn end_lease(self: &Arc<Self>) -> Option<Duration> {
        // A thread works with it right now.
        let Some(mut tenure) = self.tenure.try_take() else { return Some(LEASE) };
        if tenure.holds_folder() && !tenure.lease_is_over(&self.folder) {
            return Some(LEASE);
        }
        self.chores.lease.clear();
        if tenure.holds_folder() {
            tenure.end_quickly(&self.folder);
        }
        if tenure.programs.may_have_missed() {
            drop(tenure);
            self.in_background(&self.writing().clone(), |store| {
                let caller = Caller::new(&*store.folder.background().time, &Ending::default());
                let _ = store.appender.confirm(crate::Durability::Process, &caller);
            });
        }
        None
    }

    /// Tries the lines that wait, until none does.
    fn retry(self: &Arc<Self>) {
        if self.chores.retry.set() {
            return;
        }
        // The store lives until its lines are written.
        let (store, mut pause) = (Arc::clone(self), RETRY.0);
        let chore = Box::new(move || {
            if store.chores.retry.clear_without(|| store.waiting_lines() > 0) {
                return None;
            }
            if !store.writing().is_busy() {
                store.in_background(&store.writing().clone(), |store| {
                    let patience = store.folder.patience(RETRY.1);
                    let _ = store.appender.write_out(&patience);
                    store.index.mark_behind();
                    store.look_after();
                });
            }
            pause = (pause * 2).min(RETRY.1);
            Some(pause)
        });
        if self.folder.background().timers.after(RETRY.0, chore).is_err() {
            self.chores.retry.clear();
            self.try_now();
        }
    }

    /// Without a thread: tries the waiting lines in the caller's own, but not at each call.
    fn try_now(&self) {
        let now_ms = u64::try_from(self.folder.monotonic().as_millis()).unwrap_or(u64::MAX);
        let before = self.chores.tried_ms.load(Ordering::Relaxed);
        let pause = u64::try_from(RETRY.1.as_millis()).unwrap_or(0);
        if before == 0 || now_ms.saturating_sub(before) >= pause {
            self.chores.tried_ms.store(now_ms.max(1), Ordering::Relaxed);
            let patience = self.folder.patience(INLINE_WAIT);
            let _ = self.appender.write_out(&patience);
        }
    }

    /// Has `index.json` brought up to date after a time.
    fn index_later(self: &Arc<Self>, delay: Duration) -> Result<(), Chore> {
        let (weak, mut pause) = (Arc::downgrade(self), delay);
        self.folder.background().timers.after(
            delay,
            Box::new(move || {
                let store = weak.upgrade()?;
                if store.chores.index.clear_without(|| store.index.is_behind()) {
                    return None;
                }
                if !store.scanning().is_busy() {
                    store.in_background(&store.scanning().clone(), |store| {
                        let _ = store.index.bring_up_to_date(&store.folder.patience(INLINE_WAIT));
                    });
                    pause = (pause * 2).min(INDEX_RETRY);
                }
                Some(pause)
            }),
        )
    }

    /// Gives the descriptors of an idle folder back.
    fn rest(self: &Arc<Self>) -> Option<Duration> {
        let Some(mut tenure) = self.tenure.try_take() else { return Some(IDLE) };
        let idle = tenure.idle_for(&self.folder);
        if tenure.holds_folder() || idle < IDLE {
            return Some(IDLE.saturating_sub(idle).max(LEASE));
        }
        self.chores.idle.clear();
        tenure.give_back();
        None
    }

    /// Has something done on a strand; no caller awaits it. Without a thread it is left for the next time.
    fn in_background(self: &Arc<Self>, strand: &Arc<Strand>, work: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let weak: Weak<Self> = Arc::downgrade(self);
        let work = Box::new(move || {
            if let Some(store) = weak.upgrade() {
                work(&store);
            }
        });
        drop(strand.run(work));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::Flag;

    /// A chore that looks for work; at its look number `at`, after it, another thread brings some. Returns whether the
    /// chore ended, and whether that thread has to start another one.
    fn ended_while_work_comes(at: u32) -> (bool, bool) {
        let (flag, work, looks, starts) = (Flag::default(), Cell::new(false), Cell::new(0), Cell::new(false));
        flag.set();
        let ended = flag.clear_without(|| {
            let there = work.get();
            looks.set(looks.get() + 1);
            if looks.get() == at {
                work.set(true);
                starts.set(!flag.set());
            }
            there
        });
        (ended, starts.get())
    }

    #[test]
    fn work_that_comes_while_a_chore_ends_is_seen_by_one_chore() {
        assert_eq!(
            ended_while_work_comes(1),
            (false, false),
            "before the flag is cleared: by the one that ends"
        );
        assert_eq!(ended_while_work_comes(2), (true, true), "after it: by the one that is started");
        assert_eq!(ended_while_work_comes(3), (true, false), "no work, no look more");
    }
}
