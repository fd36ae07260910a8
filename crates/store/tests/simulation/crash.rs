//! Processes that are killed or stopped at any storage call, and power cuts: nothing accepted is lost.

use crate::sim::chaos::Allowed;
use crate::sim::engine::Engine;
use crate::sim::explore::{explore, repeat};
use crate::sim::scenario::{Scenario, Wish};

const CUTS: Allowed = Allowed { kills: true, cuts: true, ..Allowed::NOTHING };

#[test]
fn appends_survive_kills() {
    let scenario = Scenario { name: "appends, killed", allowed: Allowed::KILLS, ..Scenario::PLAIN };
    explore(&scenario, &Engine::STORE.system(), 10_000);
}

#[test]
fn logged_events_survive_kills() {
    let scenario = Scenario {
        name: "ledgers, killed",
        wishes: &[Wish::Log, Wish::Log, Wish::Flush, Wish::Save, Wish::Read],
        allowed: Allowed::KILLS,
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::LEDGER.system(), 10_000);
}

#[test]
fn compactions_survive_kills() {
    let scenario = Scenario {
        name: "compactions, killed",
        wishes: &[Wish::Append, Wish::Append, Wish::Compact, Wish::Read],
        allowed: Allowed::KILLS,
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::STORE.system(), 10_000);
}

#[test]
fn replacements_survive_kills() {
    let scenario = Scenario {
        name: "replacements, killed",
        wishes: &[Wish::Append, Wish::Replace, Wish::Compact, Wish::Totals],
        allowed: Allowed::KILLS,
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::STORE.system(), 10_000);
}

#[test]
fn the_lock_is_free_once_its_holder_is_killed() {
    let scenario = Scenario {
        name: "locks, killed",
        wishes: &[Wish::Hold, Wish::Append],
        allowed: Allowed::KILLS,
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::STORE.system(), 5_000);
}

#[test]
fn durable_appends_survive_power_cuts() {
    let scenario =
        Scenario { name: "appends, power cuts", durable: true, rounds: 3, allowed: CUTS, ..Scenario::PLAIN };
    explore(&scenario, &Engine::STORE.system(), 10_000);
}

#[test]
fn durable_logged_events_survive_power_cuts() {
    let scenario = Scenario {
        name: "ledgers, power cuts",
        durable: true,
        rounds: 3,
        wishes: &[Wish::Log, Wish::Log, Wish::Flush, Wish::Save],
        allowed: CUTS,
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::LEDGER.system(), 10_000);
    // A process died between setting lines aside and their fsync; the next one found them.
    repeat(&scenario, &Engine::LEDGER.system(), &[1_050_977]);
}

#[test]
fn durable_rewrites_survive_power_cuts() {
    let scenario = Scenario {
        name: "rewrites, power cuts",
        durable: true,
        rounds: 3,
        wishes: &[Wish::Append, Wish::Append, Wish::Compact, Wish::Replace],
        allowed: CUTS,
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::STORE.system(), 10_000);
    repeat(&scenario, &Engine::STORE.system(), &[1_000_494]);
    let compactions = Scenario {
        name: "compactions, power cuts",
        wishes: &[Wish::Append, Wish::Append, Wish::Compact],
        ..scenario
    };
    explore(&compactions, &Engine::STORE.system(), 10_000);
}

#[test]
fn a_power_cut_without_durability_loses_no_more_than_what_was_not_synced() {
    let scenario = Scenario {
        name: "undurable, power cuts",
        rounds: 3,
        wishes: &[Wish::Append, Wish::Append, Wish::Compact, Wish::Log],
        allowed: CUTS,
        ..Scenario::PLAIN
    };
    explore(&scenario, &Engine::STORE.system(), 5_000);
}
