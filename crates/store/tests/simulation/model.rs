//! Many processes on a disk that works: no order of their calls loses, doubles, glues or reorders anything,
//! also beside the original module.

use crate::sim::chaos::Allowed;
use crate::sim::engine::Engine;
use crate::sim::explore::{explore, repeat};
use crate::sim::scenario::{Scenario, Wish};

#[test]
fn writers_and_readers() {
    let scenario = Scenario {
        name: "writers and readers",
        wishes: &[Wish::Append, Wish::Log, Wish::Flush, Wish::Totals, Wish::Read, Wish::Reopen],
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::STORE.system(), 5_000);
}

#[test]
fn rewriters() {
    let scenario = Scenario {
        name: "rewriters",
        wishes: &[Wish::Append, Wish::Compact, Wish::Replace, Wish::Read, Wish::Reopen],
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::STORE.system(), 5_000);
    let ledgers =
        Scenario { name: "saving ledgers", wishes: &[Wish::Log, Wish::Save, Wish::Read], ..scenario };
    explore(&ledgers, &Engine::LEDGER.system(), 5_000);
}

#[test]
fn one_holder_at_a_time() {
    let scenario = Scenario { name: "locks", wishes: &[Wish::Hold, Wish::Append], ..Scenario::PLAIN };
    explore(&scenario, &Engine::STORE.system(), 5_000);
    let compactors =
        Scenario { name: "locks and compactions", wishes: &[Wish::Hold, Wish::Compact], ..scenario };
    explore(&compactors, &Engine { user_lock: true, ..Engine::STORE }.system(), 5_000);
}

#[test]
fn without_leases_on_files_a_grace_time_is_waited() {
    let scenario = Scenario {
        name: "no file leases",
        no_leases: true,
        wishes: &[Wish::Append, Wish::Compact],
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::STORE.system(), 3_000);
}

const BESIDE: Scenario = Scenario {
    name: "beside the original, which appends",
    peers: 2,
    writers: 2,
    wishes: &[Wish::Append, Wish::Append, Wish::Compact],
    peer_wishes: &[Wish::Append],
    odd_starts: false,
    ..Scenario::PLAIN
};

#[test]
fn beside_the_original_that_appends() {
    let engine = Engine { user_lock: true, ..Engine::STORE }.system();
    explore(&BESIDE, &engine, 10_000);
    let killed = Scenario {
        name: "beside the original, which appends, killed",
        allowed: Allowed { kills: true, pauses: true, ..Allowed::NOTHING },
        ..BESIDE
    };
    explore(&killed, &engine, 10_000);
    repeat(&killed, &engine, &[1_048_561]);
}

// Its `save()` cannot be lived beside: it erases whatever its process has not loaded.
#[test]
fn beside_the_original_that_compacts() {
    let engine = Engine { user_lock: true, ..Engine::STORE }.system();
    let scenario = Scenario {
        name: "beside the original, which compacts",
        wishes: &[Wish::Append],
        peers: 1,
        peer_wishes: &[Wish::Append, Wish::Compact],
        ..BESIDE
    };
    explore(&scenario, &engine, 10_000);
    let bursts = Scenario {
        name: "beside the original, which compacts, in bursts",
        wishes: &[Wish::Log, Wish::Append],
        ..scenario
    };
    let engine = Engine { user_lock: true, ..Engine::STORE }.system();
    explore(&bursts, &engine, 10_000);
}
