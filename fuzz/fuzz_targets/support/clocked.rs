//! A clock that only the fuzzer and the pauses of the engine move, with real threads.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use store::wait::system::SystemTimeAndThreads;
use store::wait::{Signal, Time, Work};

pub struct Clocked {
    system: Arc<SystemTimeAndThreads>,
    /// Milliseconds since 1970, and the clock that never goes back.
    clocks: Mutex<(u64, Duration)>,
}

impl Clocked {
    pub fn new(wall_ms: u64) -> Arc<Self> {
        Arc::new(Self { system: SystemTimeAndThreads::new(), clocks: Mutex::new((wall_ms, Duration::ZERO)) })
    }
}

impl Time for Clocked {
    fn monotonic(&self) -> Duration {
        self.clocks.lock().expect("no panic").1
    }
    fn now_ms(&self) -> u64 {
        self.clocks.lock().expect("no panic").0
    }
    fn sleep(&self, time: Duration) {
        let mut clocks = self.clocks.lock().expect("no panic");
        // Longer than asked for, as a busy machine does: many looks take real time.
        let time = time.max(Duration::from_millis(50));
        clocks.1 += time;
        clocks.0 = clocks.0.saturating_add(time.as_millis() as u64);
    }
    fn signal(&self) -> Arc<dyn Signal> {
        self.system.signal()
    }
    fn start(&self, name: &str, work: Work) -> std::io::Result<()> {
        self.system.start(name, work)
    }
    fn together<'a>(&self, works: Vec<Box<dyn FnOnce() + Send + 'a>>) {
        self.system.together(works);
    }
    fn processors(&self) -> usize {
        self.system.processors()
    }
}
