//! Signals that ask a call to end.
//!
//! Invariant: once they are no longer watched, they end the process as ever.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::exit::{Failure, Result};

/// Signals that end the work; while they are watched they end nothing by themselves.
pub(crate) struct Signals {
    received: Arc<AtomicUsize>,
    #[cfg(unix)]
    watched: Vec<signal_hook::SigId>,
}

impl Signals {
    #[cfg(unix)]
    pub(crate) fn watch() -> Self {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let received = Arc::new(AtomicUsize::new(0));
        let watch = |signal: i32| {
            let number = usize::try_from(signal).unwrap_or(0);
            signal_hook::flag::register_usize(signal, Arc::clone(&received), number).ok()
        };
        let watched = [SIGINT, SIGTERM, SIGHUP].into_iter().filter_map(watch).collect();
        Self { received, watched }
    }

    #[cfg(not(unix))]
    pub(crate) fn watch() -> Self {
        Self { received: Arc::default() }
    }

    /// Whether one has come.
    pub(crate) fn any(&self) -> bool {
        self.received.load(Ordering::Relaxed) != 0
    }

    /// Fails if one has come.
    pub(crate) fn check(&self) -> Result<()> {
        match self.received.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Failure::Interrupted(u8::try_from(signal).unwrap_or(1))),
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        #[cfg(unix)]
        for id in self.watched.drain(..) {
            signal_hook::low_level::unregister(id);
        }
    }
}
