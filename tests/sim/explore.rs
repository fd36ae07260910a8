//! Runs a scenario for many seeds on all cores, and tells the shortest failure with its trace.

use std::env;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::actor::{Actor, Record, history};
use super::chaos::{Chaos, Plan};
use super::checker::{self, Verdict};
use super::crew::Crew;
use super::disk::Disk;
use super::history::Author;
use super::peer::Peer;
use super::process::folder;
use super::random::Random;
use super::scenario::Scenario;
use super::simulation::{Job, Simulation};
use super::subject::System;
use super::trace::Trace;

/// Seeds that are still tried after a failure, in the hope of a shorter one.
const SEARCH_ON: u64 = 400;
/// Who wrote what lies in the log at the beginning.
const BEFORE: usize = 99;
/// Bookkeeping that a recovery may renew.
const BOOKKEEPING: [&str; 2] = [".events.ckpt", "index.json"];

/// A broken promise.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) scenario: &'static str,
    pub(crate) seed: u64,
    pub(crate) calls: u64,
    pub(crate) why: String,
    pub(crate) trace: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scenario, seed, why, trace, .. } = self;
        write!(f, "scenario {scenario}, SIM_SEED={seed}: {why}\n{trace}")
    }
}

/// Runs `schedules` seeds of a scenario, or as the environment says. Fails with the shortest failure found.
pub(crate) fn explore(scenario: &Scenario, system: &Arc<dyn System>, schedules: u64) {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, count) = match number("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => (number("SIM_FIRST").unwrap_or(0), number("SIM_SCHEDULES").unwrap_or(schedules)),
    };
    if let Some(failure) = search(scenario, system, first, count) {
        panic!("{failure}");
    }
}

/// The shortest failure among the seeds, if there is any, with its trace.
pub(crate) fn search(
    scenario: &Scenario,
    system: &Arc<dyn System>,
    first: u64,
    count: u64,
) -> Option<Failure> {
    let scenario = Arc::new(scenario.clone());
    let (next, end) = (AtomicU64::new(first), AtomicU64::new(first.saturating_add(count)));
    let shortest: Mutex<Option<Failure>> = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, NonZeroUsize::get) {
            scope.spawn(|| {
                let mut crew = Crew::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end.load(Ordering::Relaxed) {
                        break;
                    }
                    if let Some(failure) =
                        run(&scenario, system, seed, None, &mut crew, Trace::default()).failure
                    {
                        end.fetch_min(seed.saturating_add(SEARCH_ON), Ordering::Relaxed);
                        let mut shortest = shortest.lock().unwrap_or_else(PoisonError::into_inner);
                        if shortest.as_ref().is_none_or(|other| failure.calls < other.calls) {
                            *shortest = Some(failure);
                        }
                    }
                }
            });
        }
    });
    let failure = shortest.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    let again = run(&scenario, system, failure.seed, None, &mut Crew::default(), Trace::on());
    Some(
        again
            .failure
            .unwrap_or(Failure { trace: "(not repeatable: chance from outside)".to_owned(), ..failure }),
    )
}

/// How a run ended.
pub(crate) struct Outcome {
    /// Storage calls of the processes, without those of the check.
    pub(crate) calls: u64,
    pub(crate) failure: Option<Failure>,
    /// The trace of the whole run, if it was asked for.
    pub(crate) trace: String,
}

/// One run: generations of processes, then the check. `plan` replaces the one that the seed draws.
pub(crate) fn run(
    scenario: &Arc<Scenario>,
    system: &Arc<dyn System>,
    seed: u64,
    plan: Option<Plan>,
    crew: &mut Crew,
    trace: Trace,
) -> Outcome {
    let mut random = Random::new(seed);
    let record = Record::default();
    let mut start = start(scenario, &record, &mut random);
    start.no_leases = scenario.no_leases;
    start.no_births = random.one_in(4);
    let drawn = Plan::draw(scenario.allowed, &mut random);
    let chaos = Chaos::new(plan.unwrap_or(drawn), random.fork());
    let simulation = Simulation::new(start, chaos, random.fork(), trace);
    for _ in 0..random.between(1, scenario.rounds) {
        let jobs = jobs(scenario, system, &record, &mut random);
        let cut = simulation.run(crew, jobs);
        let mut history = history(&record);
        if cut {
            history.cut(scenario.durable);
        } else {
            history.dead();
        }
        drop(history);
        if simulation.world().failure.is_some() {
            break;
        }
    }
    let calls = simulation.world().calls;
    simulation.calm();
    let verdict = match simulation.world().failure.take() {
        Some(why) => Err(why),
        None => Ok(()),
    };
    let verdict = verdict.and_then(|()| after(&simulation, scenario, system, &record));
    let world = simulation.world();
    let trace = world.trace.text().to_owned();
    let failure =
        verdict.err().map(|why| Failure { scenario: scenario.name, seed, calls, why, trace: trace.clone() });
    Outcome { calls, failure, trace }
}

/// The disk at the beginning.
fn start(scenario: &Scenario, record: &Record, random: &mut Random) -> Disk {
    let mut history = history(record);
    if !scenario.odd_starts {
        return Disk::with_files([]);
    }
    let mut log = Vec::new();
    match random.below(5) {
        0 => return Disk::default(), // not even the folder
        1 => return Disk::with_files([]),
        2 => {}
        _ => {
            let (events, lines) = history.begin(Author { pid: BEFORE, peer: false }, &[0, 20]);
            history.end(events, 2);
            log.extend(lines.into_iter().flat_map(|line| [line, b"\n".to_vec()].concat()));
        }
    }
    for malformed in [&b"{\"eventId\":\"half"[..], b"null", b"not json"] {
        if random.one_in(4) {
            history.malformed.push(malformed.to_vec());
            log.extend_from_slice(malformed);
            log.push(b'\n');
        }
    }
    if random.one_in(2) {
        log.pop(); // no newline at the end: a torn tail, or a whole event that lacks only that
        history.unclosed(&log);
    }
    Disk::with_files([("events.ndjson", log.as_slice())])
}

fn jobs(
    scenario: &Arc<Scenario>,
    system: &Arc<dyn System>,
    record: &Record,
    random: &mut Random,
) -> Vec<Job> {
    let (ours, peers) = scenario.draw(random);
    let mut jobs: Vec<Job> = Vec::new();
    for deeds in ours {
        let (scenario, system, record) = (Arc::clone(scenario), Arc::clone(system), Arc::clone(record));
        let random = random.fork();
        jobs.push(Box::new(move |simulation, pid| {
            let simulation = Arc::clone(simulation);
            Actor { simulation, pid, record, scenario, system, random, logged: Vec::new() }.live(&deeds);
        }));
    }
    for deeds in peers {
        let record = Arc::clone(record);
        jobs.push(Box::new(move |simulation, pid| Peer::new(simulation, pid, record).live(&deeds)));
    }
    jobs
}

/// Recovers what is left, measures it, and shows that a second recovery has nothing to do and that the store works.
fn after(
    simulation: &Arc<Simulation>,
    scenario: &Arc<Scenario>,
    system: &Arc<dyn System>,
    record: &Record,
) -> Verdict {
    recover(simulation, scenario, system, record)?;
    measure(simulation, scenario, record)?;
    let once = files(simulation);
    recover(simulation, scenario, system, record)?;
    if once != files(simulation) {
        return Err("a second recovery changed something".to_owned());
    }
    append_and_compact(simulation, scenario, system, record)?;
    measure(simulation, scenario, record)
}

/// Runs a check as a process of its own.
fn alone(simulation: &Arc<Simulation>, work: impl FnOnce(&Arc<Simulation>, usize) -> Verdict) -> Verdict {
    let verdict = simulation.alone(work);
    match (simulation.world().failure.take(), verdict) {
        (Some(why), _) => Err(why),
        (None, Some(verdict)) => verdict,
        (None, None) => Err("the check was killed".to_owned()),
    }
}

fn recover(
    simulation: &Arc<Simulation>,
    scenario: &Scenario,
    system: &Arc<dyn System>,
    record: &Record,
) -> Verdict {
    alone(simulation, |simulation, pid| {
        simulation.world().note(pid, || "── recovers".to_owned());
        let failed = |what: &'static str| move |refusal| format!("{what} after the storm fails: {refusal:?}");
        let mut store = system.open(folder(simulation, pid), scenario.durable).map_err(failed("open"))?;
        store.recover().map_err(failed("recover"))?;
        let totals = store.totals().map_err(failed("totals"))?;
        let lines = store.lines().map_err(failed("lines"))?;
        drop(store);
        let history = history(record);
        let log = simulation.world().disk.content("events.ndjson").unwrap_or_default().to_vec();
        let scan = checker::scan(&log, &history);
        let counted = checker::totals(&scan, &history);
        if totals != counted {
            return Err(format!("sums are {totals:?}, a rescan gives {counted:?}"));
        }
        if lines != scan.events {
            return Err(format!("{} events are read, a rescan gives {}", lines.len(), scan.events.len()));
        }
        Ok(())
    })
}

fn measure(simulation: &Arc<Simulation>, scenario: &Scenario, record: &Record) -> Verdict {
    let world = simulation.world();
    let file = |name| world.disk.content(name).unwrap_or_default();
    let verdict =
        checker::check(file("events.ndjson"), file("events.rejected.ndjson"), &history(record), scenario);
    verdict.map_err(|why| {
        let log = String::from_utf8_lossy(file("events.ndjson")).replace('\0', "␀");
        if world.trace.is_on() { format!("{why}\nthe log is:\n{log}") } else { why }
    })
}

/// The store works again, whatever happened to it.
fn append_and_compact(
    simulation: &Arc<Simulation>,
    scenario: &Scenario,
    system: &Arc<dyn System>,
    record: &Record,
) -> Verdict {
    alone(simulation, |simulation, pid| {
        let (events, lines) = history(record).begin(Author { pid, peer: false }, &[0]);
        let mut store = system
            .open(folder(simulation, pid), scenario.durable)
            .map_err(|refusal| format!("open after the storm fails: {refusal:?}"))?;
        store.append(&lines).map_err(|refusal| format!("append after the storm fails: {refusal:?}"))?;
        history(record).end(events, 1);
        let there =
            store.lines().map_err(|refusal| format!("lines after the storm fails: {refusal:?}"))?.len();
        let at = history(record).begin_removal(Author { pid, peer: false }, Some(1), 0..0);
        let evicted =
            store.compact(1).map_err(|refusal| format!("compact after the storm fails: {refusal:?}"))?;
        history(record).end_removal(at, Some(evicted));
        if evicted != (there as u64).saturating_sub(1) {
            return Err(format!("a compaction of {there} events to 1 evicted {evicted}"));
        }
        Ok(())
    })
}

/// All that a recovery must leave alone the second time.
fn files(simulation: &Arc<Simulation>) -> Vec<(String, Vec<u8>)> {
    let world = simulation.world();
    let names = world.disk.names.iter().filter(|(name, _)| !BOOKKEEPING.contains(&name.as_str()));
    names.map(|(name, &key)| (name.clone(), world.disk.inodes[key].content.clone())).collect()
}
