//! The rules of waiting, on simulated clocks and threads: two folders in one process, of which another process holds
//! one, slow fsyncs, threads that cannot be started, closing in the middle.
//!
//! ```text
//! the main thread       no call of it waits for longer than 10 ms
//! threads for all       wait for nothing (the simulation looks at each sleep and each wait)
//! a blocked folder      delays no call on another one
//! a wait                ends at its deadline, and a second after close() at the latest
//! lines that wait       are written within a second of the folder being free, without another call if threads start
//! ```
//!
//! Each rule has a bug to order that breaks it, and is found out.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail loudly"
)]

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::sim::chaos::{Allowed, Chaos, Plan};
use crate::sim::crew::Crew;
use crate::sim::disk::Disk;
use crate::sim::engine::Promise;
use crate::sim::explore::{say, seeds};
use crate::sim::process::{FOLDERS, Installed, install};
use crate::sim::random::Random;
use crate::sim::simulation::{Job, Simulation};
use crate::sim::trace::Trace;
use crate::sim::workers::spread;
use crate::sim::world::ThreadStarts;
use store::disk::Open;
use store::wait::Time;
use store::wait::patience::{Caller, Ending, Patience};
use store::{Appended, Durability, LockCell, OnFault, Store};

/// The longest that a call of the main thread may wait.
const MAIN: Duration = Duration::from_millis(10);
/// What a call on a folder that is free may take beside a blocked one, fsyncs of a second included.
const FREE: Duration = Duration::from_secs(5);
/// The longest patience of the engine, and some time to notice that it is over.
const DEADLINE: Duration = Duration::from_secs(22);
/// … after `close()`.
const CLOSED: Duration = Duration::from_millis(1500);
/// How soon waiting lines are written once the folder is free, fsyncs included.
const WRITTEN: Duration = Duration::from_secs(1);

/// A way to break a rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Bug {
    /// The main thread waits for a folder.
    MainWaits,
    /// Work that waits is given to a thread that serves all folders.
    SharedWaits,
    /// One thread waits for all folders, one after the other.
    OneForAll,
    /// Waiting lines are not tried again.
    NoRetry,
    /// Waits do not notice that the store was closed.
    DeafToClose,
    /// A wait has no deadline.
    NoDeadline,
}

impl Bug {
    const ALL: [Self; 6] = [
        Self::MainWaits,
        Self::SharedWaits,
        Self::OneForAll,
        Self::NoRetry,
        Self::DeafToClose,
        Self::NoDeadline,
    ];
}

/// The process on trial.
struct Trial {
    simulation: Arc<Simulation>,
    installed: Installed,
    random: Random,
    bug: Option<Bug>,
    /// For how long the other process holds the second folder.
    held_for: Duration,
    since: Duration,
}

/// Another process that takes the lock of a folder at once and keeps it.
fn hold(simulation: &Arc<Simulation>, pid: usize, time: Duration) {
    let installed = install(simulation, pid);
    let store = installed.registry.detached(Path::new(FOLDERS[1]));
    let lock = store.folder().open(".events.lk", Open::Side).expect("a lock file");
    while !lock.try_lock().expect("a lock") {
        installed.registry.background().time.sleep(Duration::from_micros(10));
    }
    installed.registry.background().time.sleep(time);
    drop(lock);
}

impl Trial {
    fn time(&self) -> &Arc<dyn Time> {
        &self.installed.registry.background().time
    }

    fn insist(&self, kept: bool, why: impl FnOnce() -> String) {
        if !kept {
            self.simulation.fail(why());
            self.simulation.insist_alive(self.installed.pid);
        }
    }

    fn store(&self, place: usize) -> Arc<Store> {
        let found = self.installed.registry.store_at(Path::new(FOLDERS[place]), true);
        found.expect("a folder").expect("a store")
    }

    /// A call of the main thread, of which the waiting is measured.
    fn on_main<T>(&self, what: &str, call: impl FnOnce() -> T) -> T {
        let before = self.simulation.waited();
        let result = call();
        let waited = self.simulation.waited().saturating_sub(before);
        self.insist(waited <= MAIN, || format!("{what} kept the main thread waiting for {waited:?}"));
        result
    }

    fn append(&self, store: &Arc<Store>, on_fault: OnFault, durability: Durability) -> Appended {
        let line = format!("{{\"eventId\":\"e{}\"}}\n", self.random.clone().next());
        let appended = self.on_main("append", || {
            let appended = store.append(line.into_bytes(), on_fault, durability);
            if self.bug == Some(Bug::MainWaits)
                && let Ok(Appended::Queued(ticket)) = appended
            {
                let _ = store.settle(&(ticket..=ticket), durability, &store.caller());
            }
            appended
        });
        if self.bug != Some(Bug::NoRetry) {
            self.on_main("look after", || store.look_after());
        }
        appended.expect("nothing refuses a line here")
    }

    /// Settles a ticket in the background.
    fn settle(
        &self,
        store: &Arc<Store>,
        ticket: u64,
        durability: Durability,
        ending: &Ending,
    ) -> Promise<store::Result<()>> {
        let promise = Promise::new(self.time());
        let (settle, settled) = (promise.settle(), Arc::clone(store));
        let deaf = Ending::default();
        let caller =
            Caller::new(&**self.time(), if self.bug == Some(Bug::DeafToClose) { &deaf } else { ending });
        let work = Box::new(move || settle(settled.settle(&(ticket..=ticket), durability, &caller)));
        let refused = match self.bug {
            Some(Bug::SharedWaits) => self.installed.registry.background().quick.run(work),
            Some(Bug::OneForAll) => self.store(1).writing().run(work),
            _ => store.writing().run(work),
        };
        if let Err(work) = refused {
            work();
        }
        promise
    }

    fn await_within<T: Send + 'static>(&self, what: &str, limit: Duration, promise: Promise<T>) -> T {
        let start = self.time().monotonic();
        let value = promise.wait();
        self.simulation.insist_alive(self.installed.pid);
        let took = self.time().monotonic().saturating_sub(start);
        self.insist(took <= limit, || format!("{what} took {took:?}"));
        value
    }

    fn live(mut self, threads: ThreadStarts) {
        let durability = self.random.pick(&[Durability::Process, Durability::Disk]);
        let (free, blocked) = (self.store(0), self.store(1));
        // Without a thread, what waits has to wait on the caller's.
        let can_wait = threads == ThreadStarts::Always;
        let mut pending = Vec::new();
        let ending = Ending::default();
        for _ in 0..self.random.between(1, 3) {
            let appended = self.append(&blocked, OnFault::Refuse, durability);
            if let (Appended::Queued(ticket) | Appended::Written(ticket), true) = (appended, can_wait) {
                pending.push(self.settle(&blocked, ticket, durability, &ending));
            }
        }
        if self.random.one_in(2) {
            self.append(&blocked, OnFault::Keep, Durability::Process);
        }
        if can_wait && self.random.one_in(2) {
            self.lock();
        }
        for _ in 0..self.random.between(1, 3) {
            let on_fault = self.random.pick(&[OnFault::Refuse, OnFault::Keep]);
            let appended = self.append(&free, on_fault, durability);
            if let Appended::Queued(ticket) | Appended::Written(ticket) = appended {
                let settled = self.settle(&free, ticket, durability, &Ending::default());
                let settled = self.await_within("a call on the free folder", FREE, settled);
                self.insist(settled.is_ok(), || format!("the free folder is refused: {settled:?}"));
            }
        }
        let closes = self.random.one_in(3);
        let limit = if closes {
            ending.end();
            CLOSED
        } else {
            DEADLINE
        };
        for promise in pending {
            let _ = self.await_within("a call on the blocked folder", limit, promise);
        }
        self.written(&blocked, threads);
    }

    /// Another holds `.lock` for good: the wait has an end.
    fn lock(&self) {
        let background = self.installed.registry.background();
        let (first, second) = (Arc::new(LockCell::default()), Arc::new(LockCell::default()));
        let patience = |wait| Patience::new(&**self.time(), wait);
        let wait = if self.bug == Some(Bug::NoDeadline) { 100_000 } else { 3 };
        let folder = self.store(0).folder().clone();
        for (cell, wait, limit) in [(&first, 0, 2), (&second, wait, 5)] {
            let promise = Promise::new(self.time());
            let settle = promise.settle();
            let patience = patience(Duration::from_secs(wait));
            if let Err(work) = cell.acquire(&folder, patience, Box::new(settle)) {
                work();
            }
            let _ = self.await_within("acquireLock", Duration::from_secs(limit), promise);
        }
        let _ = (first.give_up(), background);
    }

    /// Lines that are kept are in the log soon after the folder is free, without another call. Where threads
    /// may not start, it takes another call.
    fn written(&self, store: &Arc<Store>, threads: ThreadStarts) {
        let free_at = self.since + self.held_for;
        let rest = (free_at + WRITTEN).saturating_sub(self.time().monotonic());
        self.time().sleep(rest);
        for _ in 0..8 {
            if threads != ThreadStarts::Always {
                store.look_after();
                self.time().sleep(WRITTEN);
            }
        }
        self.simulation.insist_alive(self.installed.pid);
        let waiting = store.waiting_lines();
        self.insist(waiting == 0, || format!("{waiting} lines wait a second after the folder is free"));
    }
}

/// One run. The failure, with its trace if it was asked for.
fn run(seed: u64, threads: ThreadStarts, bug: Option<Bug>, crew: &Crew, trace: Trace) -> Option<String> {
    let mut random = Random::new(seed);
    let mut start = Disk::with_files([]);
    start.boot = 1;
    let slow = Allowed { slow: true, ..Allowed::NOTHING };
    let plan =
        if random.one_in(2) { Plan::Chance { allowed: slow, one_in: 3, budget: 3 } } else { Plan::Quiet };
    let chaos = Chaos::new(plan, random.fork());
    let simulation = Simulation::new(start, chaos, random.fork(), trace, threads, crew);
    let held_for = Duration::from_millis(random.pick(&[0, 5, 100, 3000, 12_000, 30_000]));
    let holder: Job = Box::new(move |simulation, pid| hold(simulation, pid, held_for));
    let random = random.fork();
    let trial: Job = Box::new(move |simulation, pid| {
        let installed = install(simulation, pid);
        let since = simulation.world().clock;
        let simulation = Arc::clone(simulation);
        Trial { simulation, installed, random, bug, held_for, since }.live(threads);
    });
    simulation.run(vec![holder, trial]);
    let mut world = simulation.world();
    let why = world.failure.take()?;
    Some(format!("seed {seed}: {why}\n{}", world.trace.text()))
}

/// The first seed that fails.
fn search(threads: ThreadStarts, bug: Option<Bug>, seeds: Range<u64>) -> Option<u64> {
    let failures = spread(seeds, 0, |seed, crew| run(seed, threads, bug, crew, Trace::default()));
    failures.first().map(|(seed, _)| *seed)
}

fn explore(threads: ThreadStarts, schedules: u64) {
    let seeds = seeds(schedules);
    if let Some(seed) = search(threads, None, seeds.clone()) {
        let failure = run(seed, threads, None, &Crew::default(), Trace::on());
        panic!("{}", failure.unwrap_or_else(|| format!("seed {seed} fails once in a while")));
    }
    say(&format!("waiting, {threads:?}"), &seeds);
}

#[test]
fn the_rules_hold() {
    explore(ThreadStarts::Always, 20_000);
}

#[test]
fn the_rules_hold_where_threads_start_now_and_then() {
    explore(ThreadStarts::Sometimes, 8000);
}

#[test]
fn nothing_is_stuck_where_no_thread_starts() {
    explore(ThreadStarts::Never, 4000);
}

#[test]
fn each_bug_is_found() {
    for bug in Bug::ALL {
        let found = search(ThreadStarts::Always, Some(bug), 0..3000);
        assert!(found.is_some(), "{bug:?} is not found");
    }
}
