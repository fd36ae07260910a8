//! A simulator for stores on a disk that fails: several processes on one folder, a schedule that a seed
//! decides, and at each storage call an error, a short write, a kill or a power cut.
//!
//! ```text
//! explore, enumerate     runs a scenario for many seeds, or once per call and fault; workers: on all cores
//!   scenario             what processes do
//!   actor, peer          do it: ours, and the original module
//!   subject              what is asked of a store: engine, or reference (a naive twin with bugs to order)
//!   history, checker     what they were told, and the measure of a log against it
//!   following            what a reader that follows the log was given
//!   aftermath            recovery and check once all have ended
//! simulation, world      turns, kills, power cuts; crew: the threads; chaos: what goes wrong, and when
//!   process              Disk, File and Time over
//!     disk, inode        the file system; image: what a power cut leaves of it
//! ```
//!
//! `SIM_ALL=1` runs all schedules, and not a tenth of them. `SIM_SEED=n` runs that seed only, `SIM_SCHEDULES=n` sets how
//! many are run, `SIM_FIRST=n` where they begin.
//! A failure prints its seed and its trace.
//!
//! A process has as many threads as it starts; one at a time has the turn. `waiting.rs` is about those.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the simulated world has real threads and locks"
)]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test's helpers may fail loudly"
)]

pub(crate) mod actor;
pub(crate) mod aftermath;
pub(crate) mod chaos;
pub(crate) mod checker;
pub(crate) mod crew;
pub(crate) mod disk;
pub(crate) mod engine;
pub(crate) mod enumerate;
pub(crate) mod errno;
pub(crate) mod explore;
pub(crate) mod following;
pub(crate) mod history;
pub(crate) mod image;
pub(crate) mod inode;
pub(crate) mod peer;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod reference;
pub(crate) mod scenario;
pub(crate) mod simulation;
pub(crate) mod subject;
pub(crate) mod trace;
pub(crate) mod workers;
pub(crate) mod world;
