//! Runs a scenario for many seeds on all cores, and tells the shortest failure with its trace.

use std::env;
use std::fmt;
use std::io::{self, Write as _};
use std::ops::Range;
use std::sync::Arc;

use super::actor::{Actor, Record, history};
use super::aftermath::Aftermath;
use super::chaos::{Chaos, Plan};
use super::crew::Crew;
use super::disk::Disk;
use super::history::Author;
use super::peer::Peer;
use super::process::install;
use super::random::Random;
use super::scenario::Scenario;
use super::simulation::{Job, Simulation};
use super::subject::System;
use super::trace::Trace;
use super::workers::spread;

/// Seeds that are still tried after a failure, in the hope of a shorter one.
const SEARCH_ON: u64 = 400;
/// Who wrote what lies in the log at the beginning.
const BEFORE: usize = 99;

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

/// Of so many seeds those that are to be run. Without `SIM_ALL`, one of ten: what a change breaks shows in the first
/// thousand.
pub(crate) fn part_of(seeds: u64) -> u64 {
    if env::var_os("SIM_ALL").is_some() { seeds } else { seeds.div_ceil(10) }
}

/// The seeds of so many schedules, or those that the environment names.
pub(crate) fn seeds(schedules: u64) -> Range<u64> {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let (first, count) = match number("SIM_SEED") {
        Some(seed) => (seed, 1),
        None => {
            (number("SIM_FIRST").unwrap_or(0), number("SIM_SCHEDULES").unwrap_or_else(|| part_of(schedules)))
        }
    };
    first..first.saturating_add(count)
}

/// Says which schedules were run, past the test harness, which keeps what is printed to itself: a build counts its
/// schedules by these lines.
pub(crate) fn say(name: &str, seeds: &Range<u64>) {
    let (count, last) = (seeds.end - seeds.start, seeds.end.saturating_sub(1));
    let _ = writeln!(io::stderr(), "{count} schedules of '{name}', seeds {} to {last}", seeds.start);
}

/// Runs `schedules` seeds of a scenario, or as the environment says. Fails with the shortest failure found.
pub(crate) fn explore(scenario: &Scenario, system: &Arc<dyn System>, schedules: u64) {
    let seeds = seeds(schedules);
    if let Some(failure) = search(scenario, system, seeds.clone()) {
        panic!("{failure}");
    }
    say(scenario.name, &seeds);
}

/// Runs that failed once: they stay right.
pub(crate) fn repeat(scenario: &Scenario, system: &Arc<dyn System>, seeds: &[u64]) {
    for &seed in seeds {
        if let Some(failure) = search(scenario, system, seed..seed.saturating_add(1)) {
            panic!("{failure}");
        }
    }
}

/// The shortest failure among the seeds, if there is any, with its trace.
pub(crate) fn search(scenario: &Scenario, system: &Arc<dyn System>, seeds: Range<u64>) -> Option<Failure> {
    let scenario = Arc::new(scenario.clone());
    let failures = spread(seeds, SEARCH_ON, |seed, crew| {
        run(&scenario, system, seed, None, crew, Trace::default()).failure
    });
    let failure = failures.into_iter().map(|(_, failure)| failure).min_by_key(|failure| failure.calls)?;
    let again = run(&scenario, system, failure.seed, None, &Crew::default(), Trace::on());
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
    crew: &Crew,
    trace: Trace,
) -> Outcome {
    let mut random = Random::new(seed);
    let record = Record::default();
    if scenario.archives {
        history(&record).keeps_all();
    }
    let mut start = start(scenario, &record, &mut random);
    start.boot = 1;
    start.no_leases = scenario.no_leases;
    start.no_births = random.one_in(4);
    let drawn = Plan::draw(scenario.allowed, &mut random);
    let chaos = Chaos::new(plan.unwrap_or(drawn), random.fork());
    let simulation = Simulation::new(start, chaos, random.fork(), trace, scenario.thread_starts, crew);
    simulation.world().other_fails = scenario.archives;
    for _ in 0..random.between(1, scenario.rounds) {
        let jobs = jobs(scenario, system, &record, &mut random);
        let cut = simulation.run(jobs);
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
    let thorough = random.one_in(2);
    let after = Aftermath { simulation: &simulation, scenario, system, record: &record, thorough };
    let verdict = verdict.and_then(|()| after.check());
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
            let installed = install(&simulation, pid);
            Actor { simulation, pid, installed, record, scenario, system, random, logged: Vec::new() }
                .live(&deeds);
        }));
    }
    for deeds in peers {
        let record = Arc::clone(record);
        jobs.push(Box::new(move |simulation, pid| Peer::new(simulation, pid, record).live(&deeds)));
    }
    jobs
}
