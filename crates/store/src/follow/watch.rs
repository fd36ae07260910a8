//! Waiting for the next look at the log.
//!
//! The system says when a file of the folder changes, where it can: that ends the wait early. It need not: containers'
//! mounts and network folders say nothing, and watches run out. So a look is due five times a second in any case.
//!
//! Invariant: a reader that was ended waits no longer. A watch that is of no use is given back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::disk::{Sign, Watch};
use crate::folder::Folder;
use crate::limits::LOOK;
use crate::paths::LOG;
use crate::wait::Signal;
use crate::wait::shared::Shared;

/// Wakes a reader that waits, and ends it. See the head of this file.
pub struct Bell {
    rung: Arc<dyn Signal>,
    over: AtomicBool,
    watch: Shared<Option<Arc<dyn Watch>>>,
}

impl Bell {
    pub(crate) fn new(folder: &Folder) -> Arc<Self> {
        let rung = folder.background().time.signal();
        Arc::new(Self { rung, over: AtomicBool::new(false), watch: Shared::default() })
    }

    /// Ends the reader. Never taken back.
    pub fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.rung.raise();
        if let Some(watch) = self.watch.take() {
            watch.wake();
        }
    }

    /// Whether the reader was ended.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// To be asked before the look whose outcome leads to a wait.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.rung.count()
    }

    /// Waits until a look is due.
    pub(crate) fn wait(&self, folder: &Folder, seen: u64) {
        let until = folder.monotonic() + LOOK;
        match self.watch.with(|watch| watch.clone()) {
            // What changed before the watch was there is seen at once.
            None if self.begin(folder) => {}
            Some(watch) if self.is_quiet(&*watch, folder, until) => {}
            _ => self.rung.wait(seen, until),
        }
    }

    /// Whether the folder is watched from now on.
    fn begin(&self, folder: &Folder) -> bool {
        let Ok(Some(watch)) = folder.watch() else { return false };
        self.watch.replace(Some(watch));
        if self.is_over() {
            self.watch.take();
        }
        true
    }

    /// Waits for a sign that the log changed. `false` if the watch gives none any more.
    fn is_quiet(&self, watch: &dyn Watch, folder: &Folder, until: Duration) -> bool {
        loop {
            let left = until.saturating_sub(folder.monotonic());
            if left.is_zero() || self.is_over() {
                return true;
            }
            match watch.wait(LOG, left) {
                Ok(Sign::Changed | Sign::Nothing) => return true,
                Ok(Sign::Other) => {}
                Ok(Sign::Gone) | Err(_) => {
                    self.watch.take();
                    return false;
                }
            }
        }
    }
}
