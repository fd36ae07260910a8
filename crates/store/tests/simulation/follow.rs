//! Readers that follow the log through rewrites, crashes and programs: no event twice, none passed over in silence.

use crate::sim::chaos::Allowed;
use crate::sim::engine::Engine;
use crate::sim::explore::explore;
use crate::sim::scenario::{Scenario, Wish};

const FOLLOWED: Scenario = Scenario {
    name: "followed",
    writers: 4,
    rounds: 3,
    wishes: &[Wish::Append, Wish::Append, Wish::Follow, Wish::Follow, Wish::Compact],
    ..Scenario::PLAIN
};

#[test]
fn a_reader_follows_through_compactions() {
    let scenario = Scenario { name: "followed through compactions", ..FOLLOWED };
    explore(&scenario, &Engine::STORE.system(), 10_000);
}

#[test]
fn a_reader_follows_through_replacements() {
    let scenario = Scenario {
        name: "followed through replacements",
        wishes: &[Wish::Append, Wish::Append, Wish::Follow, Wish::Follow, Wish::Compact, Wish::Replace],
        ..FOLLOWED
    };
    explore(&scenario, &Engine::STORE.system(), 10_000);
}

#[test]
fn a_reader_follows_through_saves() {
    let scenario = Scenario {
        name: "followed through saves",
        wishes: &[Wish::Log, Wish::Log, Wish::Flush, Wish::Save, Wish::Follow, Wish::Follow, Wish::Compact],
        ..FOLLOWED
    };
    explore(&scenario, &Engine::LEDGER.system(), 10_000);
}

#[test]
fn a_reader_follows_through_kills() {
    let scenario = Scenario { name: "followed, killed", allowed: Allowed::KILLS, ..FOLLOWED };
    explore(&scenario, &Engine::STORE.system(), 10_000);
}

#[test]
fn a_reader_follows_beside_programs() {
    let scenario = Scenario {
        name: "followed beside programs",
        peers: 2,
        odd_starts: false,
        peer_wishes: &[Wish::Append],
        ..FOLLOWED
    };
    explore(&scenario, &Engine { user_lock: true, ..Engine::STORE }.system(), 10_000);
}

// Its `save()` cannot be lived beside: it erases whatever its process has not loaded.
#[test]
fn a_reader_follows_through_rewrites_of_programs() {
    let engine = Engine { user_lock: true, ..Engine::STORE }.system();
    let scenario = Scenario {
        name: "followed through programs",
        peers: 1,
        odd_starts: false,
        wishes: &[Wish::Append, Wish::Append, Wish::Follow, Wish::Follow],
        peer_wishes: &[Wish::Append, Wish::Append, Wish::Compact],
        ..FOLLOWED
    };
    explore(&scenario, &engine, 10_000);
    let both = Scenario {
        name: "followed through programs and compactions",
        wishes: &[Wish::Append, Wish::Follow, Wish::Follow, Wish::Follow, Wish::Compact],
        ..scenario
    };
    explore(&both, &engine, 10_000);
}

#[test]
fn a_reader_follows_beside_programs_that_are_killed() {
    let engine = Engine { user_lock: true, ..Engine::STORE }.system();
    let scenario = Scenario {
        name: "followed beside programs, killed",
        peers: 2,
        odd_starts: false,
        peer_wishes: &[Wish::Append],
        allowed: Allowed { kills: true, pauses: true, ..Allowed::NOTHING },
        ..FOLLOWED
    };
    explore(&scenario, &engine, 10_000);
}

#[test]
fn a_reader_follows_through_faults() {
    let scenario = Scenario {
        name: "followed, faults",
        allowed: Allowed { errors: true, shorts: true, ..Allowed::NOTHING },
        ..FOLLOWED
    };
    explore(&scenario, &Engine::STORE.system(), 10_000);
}

#[test]
fn a_reader_follows_through_power_cuts() {
    let scenario = Scenario {
        name: "followed, power cuts",
        durable: true,
        allowed: Allowed { kills: true, cuts: true, ..Allowed::NOTHING },
        ..FOLLOWED
    };
    explore(&scenario, &Engine::STORE.system(), 10_000);
}
