//! Disks that fail: full, read-only, out of descriptors, failing reads, writes and syncs. By chance, and once
//! at each call.

use crate::sim::chaos::Allowed;
use crate::sim::engine::Engine;
use crate::sim::enumerate::enumerate;
use crate::sim::explore::{explore, repeat};
use crate::sim::scenario::{Scenario, Wish};

const APPENDS: Scenario = Scenario { name: "appends, faults", allowed: Allowed::FAULTS, ..Scenario::PLAIN };
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
    allowed: Allowed::STORM,
    ..APPENDS
};

#[test]
fn a_failing_disk_loses_nothing_accepted() {
    explore(&APPENDS, &Engine::STORE.system(), 10_000);
    explore(&LEDGERS, &Engine::LEDGER.system(), 10_000);
    explore(&COMPACTIONS, &Engine::STORE.system(), 10_000);
    // A rewrite failed after its rename, and what it had moved was moved again. A refused event came with a
    // later save.
    repeat(&LEDGERS, &Engine::LEDGER.system(), &[1_003_235, 2_038_212]);
}

#[test]
fn a_failing_sync_is_never_believed() {
    let scenario = Scenario { name: "durable, faults", durable: true, ..LEDGERS };
    explore(&scenario, &Engine::LEDGER.system(), 5_000);
    repeat(&scenario, &Engine::LEDGER.system(), &[1_000_233]);
    explore(
        &Scenario { name: "durable compactions, faults", durable: true, ..COMPACTIONS },
        &Engine::STORE.system(),
        5_000,
    );
}

#[test]
fn everything_at_once() {
    explore(&STORM, &Engine::STORE.system(), 20_000);
    // A second rewrite began while the log before the first was still open for writing.
    repeat(&STORM, &Engine::STORE.system(), &[1_018_762]);
}

#[test]
fn each_fault_at_each_call() {
    let stores = [
        (APPENDS, Engine::STORE),
        (LEDGERS, Engine::LEDGER),
        (COMPACTIONS, Engine::STORE),
        (STORM, Engine::STORE),
    ];
    for (scenario, engine) in stores {
        let runs = enumerate(&scenario, &engine.system(), 0..4).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(runs > 100, "only {runs} runs of {}", scenario.name);
    }
}
