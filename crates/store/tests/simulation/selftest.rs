//! The simulator on trial: a right store survives every storm, and each of its broken twins is found out.

use std::sync::Arc;

use crate::sim::chaos::Allowed;
use crate::sim::crew::Crew;
use crate::sim::enumerate::enumerate;
use crate::sim::explore::{explore, run, search};
use crate::sim::reference::{Bug, Reference};
use crate::sim::scenario::{Scenario, Wish};
use crate::sim::subject::System;
use crate::sim::trace::Trace;

const CUTS: Allowed = Allowed { cuts: true, ..Allowed::NOTHING };

const APPENDS: Scenario = Scenario { name: "appends", ..Scenario::PLAIN };
const KILLED: Scenario = Scenario { name: "appends, killed", allowed: Allowed::KILLS, ..Scenario::PLAIN };
const FAULTY: Scenario = Scenario { name: "appends, faults", allowed: Allowed::FAULTS, ..Scenario::PLAIN };
const DURABLE: Scenario = Scenario {
    name: "durable appends",
    durable: true,
    rounds: 3,
    allowed: Allowed::STORM,
    ..Scenario::PLAIN
};
const COMPACTIONS: Scenario = Scenario {
    name: "compactions",
    wishes: &[Wish::Append, Wish::Append, Wish::Compact, Wish::Read],
    allowed: Allowed { cuts: false, ..Allowed::STORM },
    ..Scenario::PLAIN
};
const DURABLE_COMPACTIONS: Scenario = Scenario {
    name: "durable compactions",
    durable: true,
    wishes: &[Wish::Append, Wish::Append, Wish::Compact],
    allowed: Allowed::STORM,
    rounds: 3,
    ..Scenario::PLAIN
};
const CUT_COMPACTIONS: Scenario =
    Scenario { name: "durable compactions, power cuts", allowed: CUTS, ..DURABLE_COMPACTIONS };
const REPLACEMENTS: Scenario = Scenario {
    name: "replacements",
    wishes: &[Wish::Append, Wish::Replace, Wish::Compact, Wish::Save],
    allowed: Allowed::STORM,
    durable: true,
    ..Scenario::PLAIN
};
const BESIDE_THE_ORIGINAL: Scenario = Scenario {
    name: "compactions beside the original",
    peers: 2,
    writers: 2,
    wishes: &[Wish::Append, Wish::Compact],
    peer_wishes: &[Wish::Append],
    allowed: Allowed { shorts: false, ..Allowed::KILLS },
    odd_starts: false,
    ..Scenario::PLAIN
};
const LOCKS: Scenario = Scenario {
    name: "locks",
    wishes: &[Wish::Hold, Wish::Append],
    allowed: Allowed::STORM,
    ..Scenario::PLAIN
};

const ALL: [&Scenario; 10] = [
    &APPENDS,
    &KILLED,
    &FAULTY,
    &DURABLE,
    &COMPACTIONS,
    &DURABLE_COMPACTIONS,
    &CUT_COMPACTIONS,
    &REPLACEMENTS,
    &BESIDE_THE_ORIGINAL,
    &LOCKS,
];

fn reference(bug: Option<Bug>) -> Arc<dyn System> {
    Arc::new(Reference(bug))
}

#[test]
fn a_right_store_survives() {
    for scenario in ALL {
        explore(scenario, &reference(None), 1000);
    }
}

#[test]
fn each_bug_is_found() {
    for bug in Bug::ALL {
        let system = reference(Some(bug));
        // Some seeds of each, then more: most bugs show soon, in one of them.
        let found = (0..4000)
            .step_by(500)
            .flat_map(|first| ALL.iter().map(move |scenario| (scenario, first)))
            .find_map(|(scenario, first)| search(scenario, &system, first..first + 500));
        let failure = found.unwrap_or_else(|| panic!("{bug:?} is not found"));
        assert!(failure.trace.contains("P0 "), "the failure has its trace: {failure}");
    }
}

#[test]
fn a_seed_is_a_whole_run() {
    for seed in 0..50 {
        let scenario = Arc::new(DURABLE_COMPACTIONS);
        let trace = || {
            let crew = Crew::default();
            run(&scenario, &reference(None), seed, None, &crew, Trace::on()).trace
        };
        assert_eq!(trace(), trace(), "seed {seed}");
    }
}

#[test]
fn a_right_store_survives_each_fault_at_each_call() {
    for scenario in [&FAULTY, &DURABLE_COMPACTIONS] {
        let runs = enumerate(scenario, &reference(None), 0..2).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(runs > 100, "only {runs} runs of {}", scenario.name);
    }
}

#[test]
fn an_enumeration_finds_a_bug() {
    let failure =
        enumerate(&FAULTY, &reference(Some(Bug::TrustsShortWrites)), 0..1).expect_err("it has a bug");
    assert!(failure.why.starts_with("At { call: "), "the plan is named: {failure}");
}
