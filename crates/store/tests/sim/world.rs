//! What the simulated processes share: the disk, the clock, who is alive and whose turn it is.

use std::thread::Thread;
use std::time::Duration;

use super::chaos::{Chaos, Fault, Kind};
use super::disk::{Disk, Pid};
use super::random::Random;
use super::trace::Trace;

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

pub(crate) struct Process {
    pub(crate) thread: Option<Thread>,
    pub(crate) state: State,
    /// Neither asleep nor stopped from this time on.
    pub(crate) wakes: Duration,
}

/// All that the processes share.
pub(crate) struct World {
    pub(crate) disk: Disk,
    pub(crate) chaos: Chaos,
    pub(crate) clock: Duration,
    pub(crate) calls: u64,
    pub(crate) trace: Trace,
    pub(crate) failure: Option<String>,
    pub(crate) processes: Vec<Process>,
    pub(crate) active: usize,
    pub(crate) was_cut: bool,
    pub(crate) schedule: Random,
    pub(crate) ids: Random,
    /// At each call another process gets the turn once in this many times.
    pub(crate) switch: usize,
}

impl World {
    pub(crate) fn alive(&self, pid: Pid) -> bool {
        self.processes[pid].state == State::Runs
    }

    /// Who runs next; lets time pass if all sleep.
    pub(crate) fn choose(&mut self, current: Option<Pid>) -> Option<Pid> {
        let awake = |process: &Process, clock| process.state == State::Runs && process.wakes <= clock;
        if let Some(pid) = current
            && awake(&self.processes[pid], self.clock)
            && !self.schedule.one_in(self.switch)
        {
            return current;
        }
        let live = self.processes.iter().filter(|process| process.state == State::Runs);
        self.clock = self.clock.max(live.map(|process| process.wakes).min()?);
        let clock = self.clock;
        let count = self.processes.iter().filter(|process| awake(process, clock)).count();
        let nth = self.schedule.below(count);
        let mut ready = self.processes.iter().enumerate().filter(|(_, process)| awake(process, clock));
        ready.nth(nth).map(|(pid, _)| pid)
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
    }

    pub(crate) fn kill(&mut self, pid: Pid) {
        self.processes[pid].state = State::Killed;
        self.disk.close_all_of(pid);
    }

    pub(crate) fn kill_all(&mut self) -> Vec<Thread> {
        for pid in 0..self.processes.len() {
            if self.alive(pid) {
                self.kill(pid);
            }
        }
        self.processes.iter().filter_map(|process| process.thread.clone()).collect()
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
