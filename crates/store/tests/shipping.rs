//! A folder that ships to a shared store: each accepted event gets there, whatever rewrites, kills, faults and power cuts
//! come between.

#[expect(dead_code, reason = "each test file uses its part of the simulator")]
mod sim;

use sim::chaos::Allowed;
use sim::engine::Engine;
use sim::enumerate::enumerate;
use sim::explore::explore;
use sim::scenario::{Scenario, Wish};

const STORE: Engine = Engine { ships: true, ..Engine::STORE };
const LEDGER: Engine = Engine { ships: true, ..Engine::LEDGER };
const CUTS: Allowed = Allowed { kills: true, cuts: true, ..Allowed::NOTHING };

const COMPACTIONS: Scenario = Scenario {
    name: "shipping, killed",
    wishes: &[Wish::Append, Wish::Append, Wish::Compact, Wish::Ship],
    allowed: Allowed::KILLS,
    rounds: 3,
    ..Scenario::PLAIN
};
const EDITS: Scenario = Scenario {
    name: "shipping ledgers, killed",
    wishes: &[Wish::Log, Wish::Save, Wish::Compact, Wish::Ship, Wish::Flush],
    ..COMPACTIONS
};
const REPLACEMENTS: Scenario = Scenario {
    name: "shipping, replaced, killed",
    wishes: &[Wish::Append, Wish::Replace, Wish::Compact, Wish::Ship],
    ..COMPACTIONS
};

#[test]
fn nothing_is_evicted_unshipped() {
    explore(&COMPACTIONS, &STORE.system(), 10_000);
    explore(&REPLACEMENTS, &STORE.system(), 5_000);
    explore(&EDITS, &LEDGER.system(), 5_000);
}

#[test]
fn nothing_is_evicted_unshipped_through_power_cuts() {
    let scenario = Scenario { name: "shipping, power cuts", durable: true, allowed: CUTS, ..COMPACTIONS };
    explore(&scenario, &STORE.system(), 10_000);
    let scenario = Scenario { name: "shipping ledgers, power cuts", durable: true, allowed: CUTS, ..EDITS };
    explore(&scenario, &LEDGER.system(), 5_000);
}

#[test]
fn nothing_is_evicted_unshipped_on_a_failing_disk() {
    let scenario = Scenario { name: "shipping, faults", allowed: Allowed::FAULTS, ..COMPACTIONS };
    explore(&scenario, &STORE.system(), 5_000);
    let scenario =
        Scenario { name: "shipping, everything", durable: true, allowed: Allowed::STORM, ..COMPACTIONS };
    explore(&scenario, &STORE.system(), 10_000);
}

#[test]
fn each_fault_at_each_call() {
    let all = Scenario {
        name: "shipping, enumerated",
        durable: true,
        writers: 1,
        allowed: Allowed::STORM,
        ..COMPACTIONS
    };
    let runs = enumerate(&all, &STORE.system(), 2..3).unwrap_or_else(|failure| panic!("{failure}"));
    assert!(runs > 100, "only {runs} runs");
}
