//! Compactions into an archive: whatever happens, each event is in exactly one of log and archive.

use crate::sim::chaos::Allowed;
use crate::sim::engine::Engine;
use crate::sim::enumerate::enumerate;
use crate::sim::explore::explore;
use crate::sim::scenario::{Scenario, Wish};

const ARCHIVES: Scenario = Scenario {
    name: "archives",
    wishes: &[Wish::Append, Wish::Append, Wish::Compact, Wish::Compact, Wish::Read],
    archives: true,
    rounds: 3,
    ..Scenario::PLAIN
};

#[test]
fn several_processes_archive_at_once() {
    explore(&ARCHIVES, &Engine::ARCHIVE.system(), 5_000);
}

#[test]
fn archives_survive_kills() {
    let scenario = Scenario { name: "archives, killed", allowed: Allowed::KILLS, ..ARCHIVES };
    explore(&scenario, &Engine::ARCHIVE.system(), 10_000);
}

#[test]
fn archives_survive_power_cuts() {
    let allowed = Allowed { kills: true, cuts: true, ..Allowed::NOTHING };
    let scenario = Scenario { name: "archives, power cuts", durable: true, allowed, ..ARCHIVES };
    explore(&scenario, &Engine::ARCHIVE.system(), 10_000);
    let scenario = Scenario { name: "archives, undurable, power cuts", durable: false, ..scenario };
    explore(&scenario, &Engine::ARCHIVE.system(), 5_000);
}

#[test]
fn archives_survive_faults() {
    let scenario = Scenario { name: "archives, faults", allowed: Allowed::FAULTS, ..ARCHIVES };
    explore(&scenario, &Engine::ARCHIVE.system(), 10_000);
    let scenario =
        Scenario { name: "archives, everything", allowed: Allowed::STORM, durable: true, ..ARCHIVES };
    explore(&scenario, &Engine::ARCHIVE.system(), 10_000);
}

#[test]
fn nothing_is_lost_beside_javascript_programs() {
    let scenario = Scenario {
        name: "archives beside the original",
        peers: 1,
        peer_wishes: &[Wish::Append, Wish::Compact, Wish::Save],
        allowed: Allowed::KILLS,
        ..ARCHIVES
    };
    let engine = Engine { user_lock: true, ..Engine::ARCHIVE };
    explore(&scenario, &engine.system(), 10_000);
}

#[test]
fn each_fault_at_each_call() {
    // The storm has the faults as well; where nothing but kills happens, the check is stricter.
    for allowed in [Allowed::KILLS, Allowed::STORM] {
        let scenario = Scenario { name: "archives, each fault", allowed, durable: true, ..ARCHIVES };
        let system = Engine::ARCHIVE.system();
        let runs = enumerate(&scenario, &system, 0..1).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(runs > 100, "only {runs} runs");
    }
}
