//! What several threads share for a few instructions.
//!
//! Invariant: it is held for as long as a closure runs, and the closures do nothing but read and write memory. What is
//! to be held over a call of the disk, or while waiting, is a [`Baton`](super::baton::Baton)'s.

#![expect(clippy::disallowed_types, reason = "the room of clocks, threads and locks")]

use std::sync::{Mutex, PoisonError};

/// See the head of this file.
#[derive(Default)]
pub(crate) struct Shared<T>(Mutex<T>);

impl<T> Shared<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Uses the value, whether or not a thread panicked with it.
    pub(crate) fn with<R>(&self, use_value: impl FnOnce(&mut T) -> R) -> R {
        use_value(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another value in its place; gives the one that was there.
    pub(crate) fn replace(&self, value: T) -> T {
        self.with(|place| std::mem::replace(place, value))
    }
}

impl<T: Default> Shared<T> {
    /// Takes the value, and leaves the default.
    pub(crate) fn take(&self) -> T {
        self.replace(T::default())
    }
}
