//! Several processes, of which exactly one runs at a time.
//!
//! Each process is an operating-system thread that runs engine code. Each storage call is a place where
//! another process may get the turn, and where something may go wrong; between two calls a process is alone.
//! So a seed decides everything, and a run can be repeated call by call.
//!
//! A killed process dies by unwinding with [`Killed`], raised from the storage call that it was killed in: no
//! error that the engine could handle. What its destructors then ask of the storage fails quietly.

use std::any::Any;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::chaos::{Chaos, Fault, Kind, Moment, Plan};
use super::crew::Crew;
use super::disk::{Description, Disk, Pid};
use super::errno::{EIO, Errno};
use super::image;
use super::random::Random;
use super::trace::Trace;
use super::world::{Process, State, World};

/// What a killed process unwinds with.
pub(crate) struct Killed;

/// More calls than any scenario needs: somebody turns in circles.
const MOST_CALLS: u64 = 500_000;
/// A turn that takes longer than this in real time is stuck.
const HUNG: Duration = Duration::from_secs(60);
/// From a power cut to the next process.
const BOOT: Duration = Duration::from_secs(20);
const NOBODY: usize = usize::MAX;
/// Tells a sync that it fails: unlike other failed calls it does something, it loses the pages.
pub(crate) const SYNC_FAILS: usize = 1;

/// One run of one schedule.
pub(crate) struct Simulation {
    world: Mutex<World>,
    turn: AtomicUsize,
    conductor: Thread,
}

/// What a process does.
pub(crate) type Job = Box<dyn FnOnce(&Arc<Simulation>, Pid) + Send>;

impl Simulation {
    pub(crate) fn new(disk: Disk, chaos: Chaos, mut random: Random, trace: Trace) -> Arc<Self> {
        let world = World {
            disk,
            chaos,
            clock: Duration::from_secs(1000),
            calls: 0,
            trace,
            failure: None,
            processes: Vec::new(),
            active: 0,
            was_cut: false,
            switch: random.pick(&[1, 2, 4, 16]),
            ids: random.fork(),
            schedule: random,
        };
        Arc::new(Self {
            world: Mutex::new(world),
            turn: AtomicUsize::new(NOBODY),
            conductor: thread::current(),
        })
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs processes until each has ended. Tells whether the power was cut meanwhile.
    pub(crate) fn run(self: &Arc<Self>, crew: &mut Crew, jobs: Vec<Job>) -> bool {
        let mut world = self.world();
        world.was_cut = false;
        world.active = jobs.len();
        let first = world.processes.len();
        let wakes = world.clock;
        for at in 0..jobs.len() {
            let thread = Some(crew.thread(at));
            world.processes.push(Process { thread, state: State::Runs, wakes });
        }
        drop(world);
        for (at, job) in jobs.into_iter().enumerate() {
            let (simulation, pid) = (Arc::clone(self), first + at);
            crew.send(at, Box::new(move || simulation.process(pid, job)));
        }
        let mut world = self.world();
        let next = world.choose(None);
        drop(world);
        self.hand_to(next);
        self.wait_for_all();
        self.world().was_cut
    }

    fn wait_for_all(&self) {
        let (mut seen, mut since) = (0, Instant::now());
        loop {
            let world = self.world();
            if world.active == 0 {
                return;
            }
            if seen != world.calls {
                (seen, since) = (world.calls, Instant::now());
            } else if since.elapsed() > HUNG {
                let turn = self.turn.load(Ordering::Relaxed);
                panic!("process {turn} hangs outside of the storage\n{}", world.trace.text());
            }
            drop(world);
            thread::park_timeout(Duration::from_millis(200));
        }
    }

    /// Runs one process on the calling thread, with nobody else alive.
    pub(crate) fn alone<T>(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>, Pid) -> T) -> Option<T> {
        let mut world = self.world();
        let pid = world.processes.len();
        let wakes = world.clock;
        world.processes.push(Process { thread: None, state: State::Runs, wakes });
        world.active = 1;
        world.was_cut = false;
        drop(world);
        self.turn.store(pid, Ordering::Release);
        let result = catch_unwind(AssertUnwindSafe(|| work(self, pid)));
        let result = self.explain(pid, result);
        self.finish(pid);
        result
    }

    /// Body of a process's thread.
    fn process(self: &Arc<Self>, pid: Pid, job: Job) {
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.wait_for_turn(pid);
            if self.world().alive(pid) {
                job(self, pid);
            }
        }));
        self.explain(pid, result);
        self.finish(pid);
    }

    fn explain<T>(&self, pid: Pid, result: Result<T, Box<dyn Any + Send>>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(payload) => {
                if !payload.is::<Killed>() {
                    let text = payload.downcast_ref::<String>().map(String::as_str);
                    let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("?");
                    self.fail(format!("process {pid} panicked: {text}"));
                }
                None
            }
        }
    }

    fn finish(&self, pid: Pid) {
        let mut world = self.world();
        world.active -= 1;
        let last = world.active == 0;
        if world.processes[pid].state == State::Killed {
            drop(world); // whoever killed it has passed the turn on
        } else {
            world.processes[pid].state = State::Left;
            world.disk.close_all_of(pid);
            let next = world.choose(None);
            drop(world);
            self.hand_to(next);
        }
        if last {
            self.conductor.unpark();
        }
    }

    /// From here on nothing goes wrong any more.
    pub(crate) fn calm(&self) {
        let mut world = self.world();
        world.chaos.plan = Plan::Quiet;
        (world.disk.heals_at, world.disk.room, world.disk.read_only) = (None, None, false);
    }

    /// Ends the process as `process.exit` does: nothing it still does has an effect.
    pub(crate) fn leave(&self, pid: Pid) {
        let mut world = self.world();
        if world.alive(pid) {
            world.note(pid, || "exits".to_owned());
            world.processes[pid].state = State::Left;
            world.disk.close_all_of(pid);
        }
    }

    /// Notes that the engine broke a promise, and ends the run.
    pub(crate) fn fail(&self, why: String) {
        let mut world = self.world();
        world.note(0, || format!("FAILS: {why}"));
        world.failure.get_or_insert(why);
        let threads = world.kill_all();
        drop(world);
        threads.iter().for_each(Thread::unpark);
    }

    fn hand_to(&self, next: Option<Pid>) {
        let Some(pid) = next else { return };
        let thread = self.world().processes[pid].thread.clone();
        self.turn.store(pid, Ordering::Release);
        thread.iter().for_each(Thread::unpark);
    }

    fn wait_for_turn(&self, pid: Pid) {
        while self.turn.load(Ordering::Acquire) != pid {
            if !self.world().alive(pid) {
                return;
            }
            thread::park();
        }
    }

    /// What a storage call of a process that is no more answers.
    fn gone(&self, pid: Pid) -> Errno {
        if self.world().processes[pid].state == State::Killed && !thread::panicking() {
            resume_unwind(Box::new(Killed));
        }
        EIO
    }

    /// Lets others run first, as the schedule wants it. `None` if the process died meanwhile.
    fn enter(&self, pid: Pid) -> Option<MutexGuard<'_, World>> {
        let mut world = self.world();
        if !world.alive(pid) {
            return None;
        }
        let next = world.choose(Some(pid));
        if next != Some(pid) {
            drop(world);
            self.hand_to(next);
            self.wait_for_turn(pid);
            world = self.world();
        }
        world.alive(pid).then_some(world)
    }

    /// One storage call: others may run first, then it is done, or something goes wrong.
    ///
    /// `act` gets the disk, and how many of the call's `bytes` are to be done.
    pub(crate) fn call<T: Debug>(
        &self,
        pid: Pid,
        kind: Kind,
        bytes: usize,
        text: impl Fn() -> String,
        act: impl FnOnce(&mut Disk, usize) -> Result<T, Errno>,
    ) -> Result<T, Errno> {
        let Some(mut world) = self.enter(pid) else { return Err(self.gone(pid)) };
        let number = world.calls;
        world.tick();
        if number > MOST_CALLS {
            drop(world);
            self.fail(format!("no end after {MOST_CALLS} calls"));
            return Err(self.gone(pid));
        }
        let fault = world.meet(number, kind, bytes);
        let (done, clock) = (world.chaos.random().below(bytes + 1), world.clock);
        let result = match fault {
            Some(Fault::Error(errno)) => {
                if kind == Kind::Sync {
                    let _ = act(&mut world.disk, SYNC_FAILS);
                }
                Some(Err(errno))
            }
            Some(Fault::Kill(Moment::Before) | Fault::Cut(Moment::Before, _)) => None,
            Some(Fault::Short) => Some(act(&mut world.disk, done.max(1))),
            Some(Fault::Kill(Moment::Torn) | Fault::Cut(Moment::Torn, _)) if bytes > 0 => {
                Some(act(&mut world.disk, done))
            }
            Some(Fault::Pause(time)) => {
                world.trace.add(number, clock, pid, || format!("is stopped for {time:?}"));
                world.processes[pid].wakes = clock + time;
                drop(world);
                let Some(again) = self.enter(pid) else { return Err(self.gone(pid)) };
                world = again;
                Some(act(&mut world.disk, bytes))
            }
            _ => Some(act(&mut world.disk, bytes)),
        };
        world.trace.add(number, clock, pid, || match (&result, fault) {
            (Some(result), None) => format!("{} → {}", text(), shown(result)),
            (Some(result), Some(fault)) => format!("{} → {} !! {fault:?}", text(), shown(result)),
            (None, fault) => format!("{} !! {fault:?}", text()),
        });
        self.after(pid, fault, world);
        match result {
            Some(result) if self.world().alive(pid) => result,
            _ => Err(self.gone(pid)),
        }
    }

    /// Deaths that come with the call.
    fn after(&self, pid: Pid, fault: Option<Fault>, mut world: MutexGuard<'_, World>) {
        match fault {
            Some(Fault::Kill(_)) => {
                world.kill(pid);
                let next = world.choose(None);
                drop(world);
                self.hand_to(next);
            }
            Some(Fault::Cut(_, medium)) => {
                let threads = world.kill_all();
                let World { disk, chaos, .. } = &mut *world;
                *disk = image::surviving(disk, medium, chaos.random());
                world.was_cut = true;
                world.clock += BOOT;
                drop(world);
                threads.iter().for_each(Thread::unpark);
            }
            _ => {}
        }
    }

    /// Closes a descriptor, if its process still lives.
    pub(crate) fn close(&self, pid: Pid, description: Description, name: &str) {
        let mut world = self.world();
        if world.alive(pid) {
            world.note(pid, || format!("close {name}"));
            world.disk.close(description);
        }
    }

    /// Pauses the process, on the simulated clock.
    pub(crate) fn sleep(&self, pid: Pid, time: Duration) {
        let mut world = self.world();
        if world.alive(pid) {
            world.processes[pid].wakes = world.clock + time;
        }
        drop(world);
        let _ = self.call(pid, Kind::Sleep, 0, || format!("sleep {time:?}"), |_, _| Ok(()));
    }

    pub(crate) fn random_id(&self) -> u128 {
        let ids = &mut self.world().ids;
        u128::from(ids.next()) << 64 | u128::from(ids.next())
    }

    pub(crate) fn is_alive(&self, pid: Pid) -> bool {
        self.world().alive(pid)
    }

    /// Unwinds if the process is no more: for code that runs between storage calls.
    pub(crate) fn insist_alive(&self, pid: Pid) {
        if !self.world().alive(pid) && !thread::panicking() {
            resume_unwind(Box::new(Killed));
        }
    }
}

fn shown<T: Debug>(result: &Result<T, Errno>) -> String {
    match result {
        Ok(value) => format!("{value:?}"),
        Err(errno) => errno.to_string(),
    }
}
