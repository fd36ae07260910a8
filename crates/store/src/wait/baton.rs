//! What one thread of this process at a time may hold, also while it calls the disk or waits.
//!
//! Invariant: at most one [`Held`] exists; giving it back lets a waiter look again.

#![expect(clippy::disallowed_types, reason = "the room of clocks, threads and locks")]

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use super::patience::Patience;
use super::{Signal, Time};

/// How long a thread that holds the baton for something short is waited for: it may just have lost its turn on
/// a busy machine.
const SHORT: Duration = Duration::from_millis(50);
/// How often a waiter looks whether it shall go on waiting.
const LOOK: Duration = Duration::from_millis(20);

/// See the head of this file.
pub(crate) struct Baton<T> {
    value: Mutex<T>,
    freed: Arc<dyn Signal>,
    time: Arc<dyn Time>,
    /// How many threads hold it, or are about to take it, for something that may take long.
    slow: AtomicUsize,
}

/// The baton in one thread's hands.
pub(crate) struct Held<'a, T> {
    // Dropped before the next field, which lets the waiters look.
    guard: MutexGuard<'a, T>,
    _freed: Freed<'a>,
}

struct Freed<'a>(&'a dyn Signal);

/// Says, as long as it lives, that the baton is held for something that may take long.
pub(crate) struct Slow<'a>(&'a AtomicUsize);

impl<T> Baton<T> {
    pub(crate) fn new(time: &Arc<dyn Time>, value: T) -> Self {
        Self {
            value: Mutex::new(value),
            freed: time.signal(),
            time: Arc::clone(time),
            slow: AtomicUsize::new(0),
        }
    }

    /// Takes it if no thread holds it.
    pub(crate) fn try_take(&self) -> Option<Held<'_, T>> {
        let guard = match self.value.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(Held { guard, _freed: Freed(&*self.freed) })
    }

    /// Takes it as soon as no other thread holds it; `None` if the patience was over before.
    pub(crate) fn take(&self, patience: &Patience) -> Option<Held<'_, T>> {
        loop {
            let seen = self.freed.count();
            if let Some(held) = self.try_take() {
                return Some(held);
            }
            if patience.left(&*self.time).is_zero() {
                return None;
            }
            // An ending raises no signal here, so it is looked for now and then.
            let look = self.time.monotonic() + LOOK;
            self.freed.wait(seen, patience.deadline().min(look));
        }
    }

    /// The same from a thread that must not wait: only for one that does something short, and not for long.
    pub(crate) fn take_soon(&self) -> Option<Held<'_, T>> {
        if let Some(held) = self.try_take() {
            return Some(held);
        }
        if self.slow.load(Ordering::SeqCst) > 0 {
            return None;
        }
        self.take(&Patience::new(&*self.time, SHORT))
    }

    /// To be kept while the baton is held for something that may take long.
    pub(crate) fn slow(&self) -> Slow<'_> {
        self.slow.fetch_add(1, Ordering::SeqCst);
        Slow(&self.slow)
    }
}

impl Drop for Slow<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for Freed<'_> {
    fn drop(&mut self) {
        self.0.raise();
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T> DerefMut for Held<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
