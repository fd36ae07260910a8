//! Several processes, of which exactly one runs at a time.
//!
//! A process has a main thread and those that the engine starts, each an operating-system thread that runs engine
//! code. Each storage call, each sleep and each wait is a place where another thread may get the turn, and where
//! something may go wrong; between two of them a thread is alone. So a seed decides everything, and a run can be
//! repeated call by call.
//!
//! A killed process dies by unwinding with [`Killed`], raised from the storage call that it was killed in: no
//! error that the engine could handle. What its destructors then ask of the storage fails quietly.

use std::any::Any;
use std::cell::Cell;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::chaos::{Chaos, Fault, Kind, Moment, Plan};
use super::crew::Crew;
use super::disk::{Description, Disk, Pid};
use super::errno::{EAGAIN, EIO, Errno};
use super::image;
use super::random::Random;
use super::trace::Trace;
use super::world::{Role, State, ThreadStarts, Tid, World};

/// What a killed process unwinds with.
pub(crate) struct Killed;

/// More calls than any scenario needs: a process turns in circles.
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
    crew: Crew,
}

thread_local! {
    /// Which simulated thread this operating-system thread plays.
    static PLAYS: Cell<Tid> = const { Cell::new(NOBODY) };
}

/// What a process does.
pub(crate) type Job = Box<dyn FnOnce(&Arc<Simulation>, Pid) + Send>;

impl Simulation {
    pub(crate) fn new(
        disk: Disk,
        chaos: Chaos,
        mut random: Random,
        trace: Trace,
        thread_starts: ThreadStarts,
        crew: &Crew,
    ) -> Arc<Self> {
        let mut other = Disk::with_files([]);
        other.boot = disk.boot;
        let world = World {
            disk,
            other,
            chaos,
            clock: Duration::from_secs(1000),
            calls: 0,
            trace,
            failure: None,
            processes: Vec::new(),
            threads: Vec::new(),
            signals: Vec::new(),
            active: 0,
            thread_starts,
            was_cut: false,
            other_fails: false,
            switch: random.pick(&[1, 2, 4, 16]),
            ids: random.fork(),
            schedule: random,
        };
        Arc::new(Self {
            world: Mutex::new(world),
            turn: AtomicUsize::new(NOBODY),
            conductor: thread::current(),
            crew: crew.clone(),
        })
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs processes until each has ended. Reports whether the power was cut meanwhile.
    pub(crate) fn run(self: &Arc<Self>, jobs: Vec<Job>) -> bool {
        let mut world = self.world();
        world.was_cut = false;
        let first = world.processes.len();
        let mut mains = Vec::new();
        for at in 0..jobs.len() {
            world.processes.push(State::Runs);
            mains.push(world.add_thread(first + at, Role::Main));
        }
        drop(world);
        for (at, (job, &tid)) in jobs.into_iter().zip(&mains).enumerate() {
            let (simulation, pid) = (Arc::clone(self), first + at);
            self.play(tid, move || job(&simulation, pid));
        }
        let mut world = self.world();
        let next = world.choose(None);
        drop(world);
        self.hand_to(next);
        self.wait_for_all();
        self.world().was_cut
    }

    /// Has an operating-system thread play a simulated one.
    fn play(self: &Arc<Self>, tid: Tid, work: impl FnOnce() + Send + 'static) {
        let simulation = Arc::clone(self);
        let thread = self.crew.lend(Box::new(move || simulation.thread(tid, work)));
        self.world().threads[tid].thread = Some(thread);
    }

    /// Starts another thread of the process, unless the schedule refuses it.
    pub(crate) fn start(
        self: &Arc<Self>,
        pid: Pid,
        role: Role,
        work: Box<dyn FnOnce() + Send>,
    ) -> Result<(), Errno> {
        let mut world = self.world();
        if !world.alive(pid) {
            return Err(EAGAIN);
        }
        let starts = match world.thread_starts {
            ThreadStarts::Always => true,
            ThreadStarts::Sometimes => world.schedule.one_in(2),
            ThreadStarts::Never => false,
        };
        world.note(pid, || format!("starts a thread: {starts}"));
        if !starts {
            return Err(EAGAIN);
        }
        let tid = world.add_thread(pid, role);
        drop(world);
        self.play(tid, work);
        Ok(())
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

    /// Runs one process on the calling thread, with no other alive.
    pub(crate) fn alone<T>(self: &Arc<Self>, work: impl FnOnce(&Arc<Self>, Pid) -> T) -> Option<T> {
        let mut world = self.world();
        let pid = world.processes.len();
        world.processes.push(State::Runs);
        let tid = world.add_thread(pid, Role::Main);
        world.threads[tid].thread = Some(thread::current());
        world.was_cut = false;
        drop(world);
        let played = PLAYS.replace(tid);
        self.turn.store(tid, Ordering::Release);
        let result = catch_unwind(AssertUnwindSafe(|| work(self, pid)));
        let result = self.explain(pid, result);
        self.finish(tid);
        PLAYS.set(played);
        self.wait_for_all();
        result
    }

    /// Body of an operating-system thread.
    fn thread(self: &Arc<Self>, tid: Tid, work: impl FnOnce()) {
        PLAYS.set(tid);
        let pid = self.world().threads[tid].pid;
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.wait_for_turn(tid);
            if self.world().alive(pid) {
                work();
            }
        }));
        self.explain(pid, result);
        self.finish(tid);
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

    fn finish(&self, tid: Tid) {
        let mut world = self.world();
        world.active -= 1;
        world.threads[tid].ended = true;
        let (last, pid) = (world.active == 0, world.threads[tid].pid);
        let main = world.threads[tid].role == Role::Main;
        let mut others = Vec::new();
        if world.processes[pid] == State::Killed || (!main && !world.alive(pid)) {
            drop(world); // the one that ended the process has passed the turn on
        } else {
            if main {
                world.end(pid, State::Left);
                others = world.threads_of(pid);
            }
            let next = world.choose(None);
            drop(world);
            self.hand_to(next);
        }
        others.iter().for_each(Thread::unpark);
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
            world.end(pid, State::Left);
            let threads = world.threads_of(pid);
            drop(world);
            threads.iter().for_each(Thread::unpark);
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

    fn hand_to(&self, next: Option<Tid>) {
        let Some(tid) = next else { return };
        let thread = self.world().threads[tid].thread.clone();
        self.turn.store(tid, Ordering::Release);
        thread.iter().for_each(Thread::unpark);
    }

    fn wait_for_turn(&self, tid: Tid) {
        while self.turn.load(Ordering::Acquire) != tid {
            let world = self.world();
            let (pid, main) = (world.threads[tid].pid, world.threads[tid].role == Role::Main);
            let over = world.processes[pid] == State::Killed || (!main && !world.alive(pid));
            drop(world);
            if over {
                return;
            }
            thread::park_timeout(Duration::from_millis(50));
        }
    }

    /// What a storage call of a process that is no more answers.
    fn gone(&self, pid: Pid) -> Errno {
        let world = self.world();
        let main = world.threads.get(PLAYS.get()).is_none_or(|thread| thread.role == Role::Main);
        let unwinds = world.processes[pid] == State::Killed || !main;
        drop(world);
        if unwinds && !thread::panicking() {
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
        let tid = PLAYS.get();
        let next = world.choose(Some(tid));
        if next != Some(tid) {
            drop(world);
            self.hand_to(next);
            self.wait_for_turn(tid);
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
        place: usize,
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
        let meets = place == 0 || world.other_fails;
        let fault = if meets { world.meet(number, kind, bytes) } else { None };
        let (done, clock) = (world.chaos.random().below(bytes + 1), world.clock);
        let result = match fault {
            Some(Fault::Error(errno)) => {
                if kind == Kind::Sync {
                    let _ = act(world.disk_at(place), SYNC_FAILS);
                }
                Some(Err(errno))
            }
            Some(Fault::Kill(Moment::Before) | Fault::Cut(Moment::Before, _)) => None,
            Some(Fault::Short) => Some(act(world.disk_at(place), done.max(1))),
            Some(Fault::Kill(Moment::Torn) | Fault::Cut(Moment::Torn, _)) if bytes > 0 => {
                Some(act(world.disk_at(place), done))
            }
            Some(Fault::Pause(time)) => {
                world.trace.add(number, clock, pid, || format!("is stopped for {time:?}"));
                for thread in world.threads.iter_mut().filter(|thread| thread.pid == pid) {
                    thread.wakes = thread.wakes.max(clock + time);
                }
                drop(world);
                let Some(again) = self.enter(pid) else { return Err(self.gone(pid)) };
                world = again;
                Some(act(world.disk_at(place), bytes))
            }
            Some(Fault::Slow(time)) => {
                world.trace.add(number, clock, pid, || format!("takes {time:?}"));
                let thread = &mut world.threads[PLAYS.get()];
                thread.wakes = clock + time;
                thread.waited += time;
                drop(world);
                let Some(again) = self.enter(pid) else { return Err(self.gone(pid)) };
                world = again;
                Some(act(world.disk_at(place), bytes))
            }
            _ => Some(act(world.disk_at(place), bytes)),
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
                let threads = world.kill(pid);
                let next = world.choose(None);
                drop(world);
                self.hand_to(next);
                threads.iter().for_each(Thread::unpark);
            }
            Some(Fault::Cut(_, medium)) => {
                let threads = world.kill_all();
                let World { disk, other, chaos, .. } = &mut *world;
                *disk = image::surviving(disk, medium, chaos.random());
                *other = image::surviving(other, medium, chaos.random());
                world.was_cut = true;
                world.clock += BOOT;
                drop(world);
                threads.iter().for_each(Thread::unpark);
            }
            _ => {}
        }
    }

    /// Closes a descriptor, if its process still lives.
    pub(crate) fn close(&self, pid: Pid, place: usize, description: Description, name: &str) {
        let mut world = self.world();
        if world.alive(pid) {
            world.note(pid, || format!("close {name}"));
            world.disk_at(place).close(description);
        }
    }

    /// Pauses the thread, on the simulated clock.
    pub(crate) fn sleep(&self, pid: Pid, time: Duration) {
        let mut world = self.world();
        let tid = PLAYS.get();
        if world.alive(pid) {
            if world.threads[tid].role == Role::Shared {
                drop(world);
                return self.fail(format!("P{pid} sleeps in a thread that serves all folders"));
            }
            let wakes = world.clock + time;
            world.threads[tid].wakes = wakes;
            world.threads[tid].waited += time;
        }
        drop(world);
        let _ = self.call(pid, 0, Kind::Sleep, 0, || format!("sleep {time:?}"), |_, _| Ok(()));
    }

    pub(crate) fn new_signal(&self) -> usize {
        let mut world = self.world();
        world.signals.push(0);
        world.signals.len() - 1
    }

    /// Blocks the thread until the signal was raised more often than `seen`, or the clock shows `until`.
    pub(crate) fn wait(&self, pid: Pid, signal: usize, seen: u64, until: Duration, rest: bool) {
        let mut world = self.world();
        let tid = PLAYS.get();
        if !world.alive(pid) || world.signals[signal] != seen {
            drop(world);
            if !self.is_alive(pid) {
                let _ = self.gone(pid);
            }
            return;
        }
        if world.threads[tid].role == Role::Shared && !rest && until > world.clock {
            drop(world);
            return self.fail(format!("P{pid} waits in a thread that serves all folders"));
        }
        let since = world.clock;
        world.threads[tid].wakes = until.max(since);
        world.threads[tid].waits_for = Some(signal);
        drop(world);
        let text = || format!("wait for signal {signal}");
        let _ = self.call(pid, 0, Kind::Sleep, 0, text, |_, _| Ok(()));
        let mut world = self.world();
        let waited = world.clock.min(until).saturating_sub(since);
        world.threads[tid].waits_for = None;
        world.threads[tid].waited += waited;
    }

    /// How long this thread has waited so far.
    pub(crate) fn waited(&self) -> Duration {
        self.world().threads[PLAYS.get()].waited
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
