//! A shipper that stays, in a thread of its own.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fleet::protocol::Ledger;
use fleet::shipper::{Change, Shipper, Stay, Summary};
use fleet::{Result, Settings};

use crate::memory::{Memory, Shared};
use crate::store::lines;

/// Its folder and its end are shared.
pub(crate) struct Staying {
    pub(crate) folder: Shared,
    stop: Arc<AtomicBool>,
    pub(crate) thread: std::thread::JoinHandle<(Result<Summary>, Vec<String>)>,
}

impl Staying {
    /// Of an empty folder.
    pub(crate) fn start(settings: Settings, ledger: &Ledger, linger: Option<Duration>) -> Self {
        Self::with(Memory::new(Vec::new()), settings, ledger, linger)
    }

    /// Of a folder that may have shipped before.
    pub(crate) fn with(
        memory: Memory,
        settings: Settings,
        ledger: &Ledger,
        linger: Option<Duration>,
    ) -> Self {
        let folder = Shared::new(memory);
        let stop = Arc::new(AtomicBool::new(false));
        let (mut shared, asked, ledger) = (folder.clone(), Arc::clone(&stop), ledger.clone());
        let thread = std::thread::spawn(move || {
            let said = RefCell::new(Vec::new());
            let mut shipper = Shipper::new(settings, &ledger, None, None)
                .with_times(Duration::from_secs(1), Duration::from_millis(10))
                .with_long_pause(Duration::from_millis(100));
            let mut report = |change: Change<'_>| {
                said.borrow_mut().push(match change {
                    Change::Failed(error, _) => error.code().name().to_owned(),
                    Change::Recovered => "recovered".to_owned(),
                });
            };
            let stop = || asked.load(Ordering::Relaxed);
            let mut stay = Stay { linger, stop: &stop, report: &mut report };
            let ended = fleet::run(shipper.stay(&mut shared, &mut stay)).unwrap();
            (ended, said.into_inner())
        });
        Self { folder, stop, thread }
    }

    pub(crate) fn add(&self, numbers: std::ops::Range<u32>) {
        self.folder.lock().lines.extend(lines(numbers));
    }

    /// Returns once so many lines are noted as shipped.
    pub(crate) fn shipped(&self, count: usize) {
        let started = Instant::now();
        while self.folder.lock().shipped < count {
            assert!(started.elapsed() < Duration::from_secs(30), "not shipped in time");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn end(self) -> (Result<Summary>, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
