//! What the simulated processes share: the disk, the clock, who is alive and whose turn it is.

use std::thread::Thread;
use std::time::Duration;

use super::chaos::{Chaos, Fault, Kind};
use super::disk::{Disk, Pid};
use super::random::Random;
use super::trace::Trace;

/// Whether a process can start threads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum ThreadStarts {
    #[default]
    Always,
    Sometimes,
    Never,
}

/// Simulated time at the start, milliseconds since 1970.
pub(crate) const START_MS: u64 = 1_800_000_000_000;

/// What is left of a process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum State {
    Runs,
    /// Ended by `process.exit`: nothing it does from here on has an effect.
    Left,
    Killed,
}

/// Names a simulated thread for good.
pub(crate) type Tid = usize;

/// What a thread may do to others of its process.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// The one that runs JavaScript: no call of it may last.
    Main,
    /// It does work for all folders: it waits for nothing.
    Shared,
    /// It may wait, for as long as its patience lasts.
    Patient,
}

pub(crate) struct SimulatedThread {
    pub(crate) pid: Pid,
    pub(crate) role: Role,
    pub(crate) thread: Option<Thread>,
    pub(crate) ended: bool,
    /// Neither asleep nor stopped from this time on.
    pub(crate) wakes: Duration,
    /// The signal that wakes it before.
    pub(crate) waits_for: Option<usize>,
    /// How long it has waited, of its own will or for the disk.
    pub(crate) waited: Duration,
}

/// All that the processes share.
pub(crate) struct World {
    /// The folder on trial.
    pub(crate) disk: Disk,
    /// Another folder, on which nothing goes wrong by itself, unless it is that of the archive.
    pub(crate) other: Disk,
    pub(crate) other_fails: bool,
    pub(crate) chaos: Chaos,
    pub(crate) clock: Duration,
    pub(crate) calls: u64,
    pub(crate) trace: Trace,
    pub(crate) failure: Option<String>,
    pub(crate) processes: Vec<State>,
    pub(crate) threads: Vec<SimulatedThread>,
    /// How often each signal was raised.
    pub(crate) signals: Vec<u64>,
    /// Threads that have not ended.
    pub(crate) active: usize,
    /// Whether threads can be started: always, or once in two times, or never.
    pub(crate) thread_starts: ThreadStarts,
    pub(crate) was_cut: bool,
    pub(crate) schedule: Random,
    pub(crate) ids: Random,
    /// At each call another process gets the turn once in this many times.
    pub(crate) switch: usize,
}

impl World {
    pub(crate) fn alive(&self, pid: Pid) -> bool {
        self.processes[pid] == State::Runs
    }

    fn awake(&self, thread: &SimulatedThread) -> bool {
        self.alive(thread.pid) && !thread.ended && thread.wakes <= self.clock
    }

    /// Which thread runs next; lets time pass if all sleep.
    pub(crate) fn choose(&mut self, current: Option<Tid>) -> Option<Tid> {
        if let Some(tid) = current
            && self.awake(&self.threads[tid])
            && !self.schedule.one_in(self.switch)
        {
            return current;
        }
        let live = self.threads.iter().filter(|thread| self.alive(thread.pid) && !thread.ended);
        self.clock = self.clock.max(live.map(|thread| thread.wakes).min()?);
        let count = self.threads.iter().filter(|thread| self.awake(thread)).count();
        let nth = self.schedule.below(count);
        let mut ready = self.threads.iter().enumerate().filter(|(_, thread)| self.awake(thread));
        ready.nth(nth).map(|(tid, _)| tid)
    }

    pub(crate) fn add_thread(&mut self, pid: Pid, role: Role) -> Tid {
        self.active += 1;
        let wakes = self.clock;
        self.threads.push(SimulatedThread {
            pid,
            role,
            thread: None,
            ended: false,
            wakes,
            waits_for: None,
            waited: Duration::ZERO,
        });
        self.threads.len() - 1
    }

    /// The operating-system threads of a process, to be woken when it ends.
    pub(crate) fn threads_of(&self, pid: Pid) -> Vec<Thread> {
        self.threads
            .iter()
            .filter(|thread| thread.pid == pid)
            .filter_map(|thread| thread.thread.clone())
            .collect()
    }

    /// Raises a signal.
    pub(crate) fn raise(&mut self, signal: usize) {
        self.signals[signal] += 1;
        let clock = self.clock;
        for thread in self.threads.iter_mut().filter(|thread| thread.waits_for == Some(signal)) {
            thread.waits_for = None;
            thread.wakes = thread.wakes.min(clock);
        }
    }

    pub(crate) fn disk_at(&mut self, place: usize) -> &mut Disk {
        if place == 0 { &mut self.disk } else { &mut self.other }
    }

    fn wall_ns(&self) -> u64 {
        START_MS * 1_000_000 + u64::try_from(self.clock.as_nanos()).unwrap_or(0)
    }

    /// Milliseconds since 1970.
    pub(crate) fn wall_clock(&self) -> u64 {
        self.wall_ns() / 1_000_000
    }

    /// A line of the trace that is no storage call.
    pub(crate) fn note(&mut self, pid: Pid, text: impl FnOnce() -> String) {
        self.trace.add(self.calls, self.clock, pid, text);
    }

    pub(crate) fn tick(&mut self) {
        self.calls += 1;
        let micros = self.schedule.between(1, 20) as u64;
        self.clock += Duration::from_micros(micros);
        self.disk.now_ns = self.wall_ns();
        self.other.now_ns = self.wall_ns();
    }

    pub(crate) fn end(&mut self, pid: Pid, state: State) {
        self.processes[pid] = state;
        self.disk.close_all_of(pid);
        self.other.close_all_of(pid);
    }

    pub(crate) fn kill(&mut self, pid: Pid) -> Vec<Thread> {
        self.end(pid, State::Killed);
        self.threads_of(pid)
    }

    pub(crate) fn kill_all(&mut self) -> Vec<Thread> {
        for pid in 0..self.processes.len() {
            if self.alive(pid) {
                self.end(pid, State::Killed);
            }
        }
        self.threads.iter().filter_map(|thread| thread.thread.clone()).collect()
    }

    /// The fault of this call; conditions that last begin and end here.
    pub(crate) fn meet(&mut self, call: u64, kind: Kind, bytes: usize) -> Option<Fault> {
        if self.disk.heals_at.is_some_and(|at| at <= call) {
            (self.disk.heals_at, self.disk.room, self.disk.read_only) = (None, None, false);
        }
        let fault = self.chaos.next(call, kind, bytes);
        match fault {
            Some(Fault::DiskFull { calls }) => {
                self.disk.room = Some(self.chaos.random().below(bytes + 1));
                self.disk.heals_at = Some(call + calls);
            }
            Some(Fault::ReadOnly { calls }) => {
                self.disk.read_only = true;
                self.disk.heals_at = Some(call + calls);
            }
            _ => {}
        }
        fault
    }
}
