//! The one background thread of a process: it does at their time the small things that nobody waits for.
//!
//! It ends leases, refreshes a held `.lock`, and brings `index.json` up to date once a burst is over. It
//! starts with the first thing to do. No promise rests on it: it dies with the process, at any instruction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::lock::user_lock::LockCell;
use crate::paths::{LEASE, LOCK_REFRESH};
use crate::store::Store;

/// How long after an append `index.json` follows.
const TIDY_AFTER: Duration = Duration::from_millis(200);

/// Something to do; returns after what time to do it again.
type Chore = Box<dyn FnMut() -> Option<Duration> + Send>;

#[derive(Default)]
struct Keeper {
    chores: Mutex<Vec<(Instant, Chore)>>,
    changed: Condvar,
}

static KEEPER: LazyLock<Option<Arc<Keeper>>> = LazyLock::new(|| {
    let keeper = Arc::new(Keeper::default());
    let thread = Arc::clone(&keeper);
    // Without the thread there are no leases and no refreshed locks, but nothing is lost.
    std::thread::Builder::new().name("guidance-ledger".to_owned()).spawn(move || thread.work()).ok()?;
    Some(keeper)
});

impl Keeper {
    fn work(&self) {
        let mut chores = self.chores.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let next = chores
                .iter()
                .enumerate()
                .min_by_key(|(_, (at, _))| *at)
                .map(|(number, (at, _))| (number, *at));
            let Some((number, at)) = next else {
                chores = self.changed.wait(chores).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let now = Instant::now();
            if at > now {
                chores =
                    self.changed.wait_timeout(chores, at - now).unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let (_, mut chore) = chores.swap_remove(number);
            drop(chores);
            let again = catch_unwind(AssertUnwindSafe(&mut chore)).unwrap_or(None);
            chores = self.chores.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(after) = again {
                chores.push((Instant::now() + after, chore));
            }
        }
    }
}

/// Has `chore` done after a time. Returns whether there is anybody to do it.
fn schedule(after: Duration, chore: Chore) -> bool {
    let Some(keeper) = &*KEEPER else { return false };
    keeper.chores.lock().unwrap_or_else(PoisonError::into_inner).push((Instant::now() + after, chore));
    keeper.changed.notify_one();
    true
}

/// To be called after each append to a store that has leases: sees to the end of the lease and to
/// `index.json`.
pub fn look_after(store: &Arc<Store>) {
    if store.has_lease() && !store.tended.lease.set() {
        let weak = Arc::downgrade(store);
        let scheduled = schedule(
            LEASE,
            Box::new(move || {
                let store = weak.upgrade()?;
                store.tended.lease.clear();
                (store.end_lease() && !store.tended.lease.set()).then_some(LEASE)
            }),
        );
        if !scheduled {
            store.end_lease_now();
        }
    }
    if !store.tended.index.set() {
        let weak = Arc::downgrade(store);
        schedule(
            TIDY_AFTER,
            Box::new(move || {
                let store = weak.upgrade()?;
                store.tended.index.clear();
                (store.tidy() && !store.tended.index.set()).then_some(TIDY_AFTER)
            }),
        );
    }
}

/// Keeps a lock, and its timestamp fresh, until it is given up, even when whoever took it is forgotten.
pub fn keep_fresh(cell: Arc<LockCell>, now_ms: fn() -> u64) {
    schedule(LOCK_REFRESH, Box::new(move || cell.refresh(now_ms()).then_some(LOCK_REFRESH)));
}
