//! Disks that fail: full, read-only, out of descriptors, failing reads, writes and syncs. By chance, and once
//! at each call.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test uses real files, threads and clocks"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail loudly"
)]

#[expect(dead_code, reason = "each test file uses its part of the simulator")]
mod sim;

use std::sync::Arc;

use sim::chaos::Allowed;
use sim::engine::Engine;
use sim::enumerate::enumerate;
use sim::explore::{explore, repeat};
use sim::scenario::{Scenario, Wish};
use sim::subject::System;

const FAULTS: Allowed =
    Allowed { errors: true, shorts: true, kills: false, cuts: false, pauses: false, slow: false };
const ALL: Allowed =
    Allowed { errors: true, shorts: true, kills: true, cuts: true, pauses: true, slow: false };
const APPENDS: Scenario = Scenario { name: "appends, faults", allowed: FAULTS, ..Scenario::PLAIN };
const LEDGERS: Scenario = Scenario {
    name: "ledgers, faults",
    wishes: &[Wish::Log, Wish::Log, Wish::Flush, Wish::Save, Wish::Read],
    ..APPENDS
};
const COMPACTIONS: Scenario =
    Scenario { name: "compactions, faults", wishes: &[Wish::Append, Wish::Append, Wish::Compact], ..APPENDS };
const STORM: Scenario = Scenario {
    name: "everything",
    durable: true,
    rounds: 3,
    wishes: &[Wish::Append, Wish::Append, Wish::Log, Wish::Flush, Wish::Compact, Wish::Reopen],
    allowed: ALL,
    ..APPENDS
};

fn engine() -> Arc<dyn System> {
    Arc::new(Engine::STORE)
}

fn ledger() -> Arc<dyn System> {
    Arc::new(Engine::LEDGER)
}

#[test]
fn a_failing_disk_loses_nothing_accepted() {
    explore(&APPENDS, &engine(), 10_000);
    explore(&LEDGERS, &ledger(), 10_000);
    explore(&COMPACTIONS, &engine(), 10_000);
    // A rewrite failed after its rename, and what it had moved was moved again. A refused event came with a
    // later save.
    repeat(&LEDGERS, &ledger(), &[1_003_235, 2_038_212]);
}

#[test]
fn a_failing_sync_is_never_believed() {
    let scenario = Scenario { name: "durable, faults", durable: true, ..LEDGERS };
    explore(&scenario, &ledger(), 5_000);
    repeat(&scenario, &ledger(), &[1_000_233]);
    explore(
        &Scenario { name: "durable compactions, faults", durable: true, ..COMPACTIONS },
        &engine(),
        5_000,
    );
}

#[test]
fn everything_at_once() {
    explore(&STORM, &engine(), 20_000);
    // A second rewrite began while the log before the first was still open for writing.
    repeat(&STORM, &engine(), &[1_018_762]);
}

#[test]
fn each_fault_at_each_call() {
    let stores = [(APPENDS, engine()), (LEDGERS, ledger()), (COMPACTIONS, engine()), (STORM, engine())];
    for (scenario, system) in stores {
        let runs = enumerate(&scenario, &system, 0..4).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(runs > 100, "only {runs} runs of {}", scenario.name);
    }
}
