//! A folder that ships to a shared store: each accepted event gets there, whatever rewrites, kills, faults and power cuts
//! come between, also where evicted events go into an archive and a reader follows the log.

use crate::sim::chaos::Allowed;
use crate::sim::engine::Engine;
use crate::sim::enumerate::enumerate;
use crate::sim::explore::{explore, search};
use crate::sim::scenario::{Scenario, Wish};

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
    explore(&COMPACTIONS, &STORE.system(), 4_000);
    explore(&REPLACEMENTS, &STORE.system(), 2_000);
    explore(&EDITS, &LEDGER.system(), 2_000);
}

#[test]
fn nothing_is_evicted_unshipped_through_power_cuts() {
    let scenario = Scenario { name: "shipping, power cuts", durable: true, allowed: CUTS, ..COMPACTIONS };
    explore(&scenario, &STORE.system(), 4_000);
    let scenario = Scenario { name: "shipping ledgers, power cuts", durable: true, allowed: CUTS, ..EDITS };
    explore(&scenario, &LEDGER.system(), 2_000);
}

#[test]
fn nothing_is_evicted_unshipped_on_a_failing_disk() {
    let scenario = Scenario { name: "shipping, faults", allowed: Allowed::FAULTS, ..COMPACTIONS };
    explore(&scenario, &STORE.system(), 2_000);
    let scenario =
        Scenario { name: "shipping, everything", durable: true, allowed: Allowed::STORM, ..COMPACTIONS };
    explore(&scenario, &STORE.system(), 4_000);
}

/// Outbox, archive and moves of one rewrite.
const ALL: Engine = Engine { ships: true, ..Engine::ARCHIVE };
const TOGETHER: Scenario = Scenario {
    name: "shipping, archived, followed",
    wishes: &[Wish::Append, Wish::Append, Wish::Compact, Wish::Compact, Wish::Ship, Wish::Follow, Wish::Read],
    archives: true,
    rounds: 3,
    ..Scenario::PLAIN
};

#[test]
fn shipping_archive_and_readers_in_one_folder() {
    explore(&TOGETHER, &ALL.system(), 2_000);
    let killed =
        Scenario { name: "shipping, archived, followed, killed", allowed: Allowed::KILLS, ..TOGETHER };
    explore(&killed, &ALL.system(), 4_000);
    let reopened = Scenario {
        name: "shipping, archived, followed, reopened",
        wishes: &[Wish::Append, Wish::Append, Wish::Compact, Wish::Reopen, Wish::Ship, Wish::Follow],
        ..killed
    };
    explore(&reopened, &ALL.system(), 2_000);
}

#[test]
fn shipping_archive_and_readers_through_power_cuts_and_faults() {
    let cut = Scenario {
        name: "shipping, archived, followed, power cuts",
        durable: true,
        allowed: CUTS,
        ..TOGETHER
    };
    explore(&cut, &ALL.system(), 4_000);
    let faults =
        Scenario { name: "shipping, archived, followed, faults", allowed: Allowed::FAULTS, ..TOGETHER };
    explore(&faults, &ALL.system(), 4_000);
    let everything = Scenario {
        name: "shipping, archived, followed, everything",
        durable: true,
        allowed: Allowed::STORM,
        ..TOGETHER
    };
    explore(&everything, &ALL.system(), 4_000);
}

/// A negative control: these scenarios find the classic fault of shippers.
#[test]
fn a_cursor_that_moves_before_the_answer_is_found_out() {
    let hasty = Engine { hasty: true, ..ALL };
    let killed = Scenario { name: "hasty, killed", allowed: Allowed::KILLS, ..TOGETHER };
    let found = search(&killed, &hasty.system(), 0..5_000).expect("the planted fault is not found");
    assert!(found.why.contains("never reached the shared store"), "{found}");
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
