//! A folder of ours whose clocks only the fuzzer and the pauses of the engine move.

use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use store::disk::folder::RealFolder;
use store::disk::{Disk, File, Open, Stat};

pub struct Clocked {
    real: RealFolder,
    /// Milliseconds since 1970, and the clock that never goes back.
    clocks: Mutex<(u64, Duration)>,
}

impl Clocked {
    pub fn new(path: &Path, wall_ms: u64) -> Self {
        Self { real: RealFolder::new(path), clocks: Mutex::new((wall_ms, Duration::ZERO)) }
    }
}

impl Disk for Clocked {
    fn path(&self) -> &str {
        self.real.path()
    }
    fn open(&self, name: &str, how: Open) -> io::Result<Box<dyn File>> {
        self.real.open(name, how)
    }
    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        self.real.stat(name)
    }
    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.real.link(from, to)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.real.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.real.remove(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.real.list()
    }
    fn create_folder(&self) -> io::Result<()> {
        self.real.create_folder()
    }
    fn sync_folder(&self) -> io::Result<()> {
        self.real.sync_folder()
    }
    fn now_ms(&self) -> u64 {
        self.clocks.lock().expect("no panic").0
    }
    fn monotonic(&self) -> Duration {
        self.clocks.lock().expect("no panic").1
    }
    fn boot(&self) -> u64 {
        self.real.boot()
    }
    fn sleep(&self, time: Duration) {
        let mut clocks = self.clocks.lock().expect("no panic");
        // Longer than asked for, as a busy machine does: many looks take real time.
        let time = time.max(Duration::from_millis(50));
        clocks.1 += time;
        clocks.0 = clocks.0.saturating_add(time.as_millis() as u64);
    }
    fn random(&self) -> u128 {
        self.real.random()
    }
}
