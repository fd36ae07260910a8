//! What is looked at when the storm is over: recovery, the measure of the log, a second recovery that has
//! nothing to do, and that the store works.

use std::io::Read;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::actor::{Record, history};
use super::checker::{self, Verdict};
use super::following::Seen;
use super::history::{Author, Fate};
use super::process::install;
use super::scenario::{Scenario, Wish};
use super::simulation::Simulation;
use super::subject::{Answer, Subject, System};

/// Bookkeeping that a recovery may renew.
const BOOKKEEPING: [&str; 3] = [".events.ckpt", ".events.moves", "index.json"];

/// A run whose processes have all ended.
pub(crate) struct Aftermath<'a> {
    pub(crate) simulation: &'a Arc<Simulation>,
    pub(crate) scenario: &'a Scenario,
    pub(crate) system: &'a Arc<dyn System>,
    pub(crate) record: &'a Record,
    /// Whether to recover thoroughly, or as any write does.
    pub(crate) thorough: bool,
}

impl Aftermath<'_> {
    pub(crate) fn check(&self) -> Verdict {
        self.recover()?;
        self.measure()?;
        self.ship_all()?;
        let once = self.files();
        self.recover()?;
        if once != self.files() {
            return Err("a second recovery changed something".to_owned());
        }
        self.follow()?;
        self.append_and_compact()?;
        self.follow()?;
        self.measure()?;
        self.ship_all()
    }

    /// In a folder that ships, each accepted event reaches the shared store, whatever was evicted meanwhile.
    fn ship_all(&self) -> Verdict {
        if !self.scenario.ships() {
            return Ok(());
        }
        self.alone("ships all", |_, store| {
            let mut arrive = |line: &[u8]| {
                history(self.record).shipped.insert(line.to_vec());
            };
            done("ship", store.ship(&mut arrive))
        })?;
        let history = history(self.record);
        let lost = history
            .attempts
            .iter()
            .position(|attempt| attempt.fate == Fate::Accepted && !history.shipped.contains(&attempt.line));
        lost.map_or(Ok(()), |at| Err(format!("accepted event e{at} never reached the shared store")))
    }

    /// The reader that follows the log goes on to its end.
    fn follow(&self) -> Verdict {
        if !self.scenario.wishes.contains(&Wish::Follow) {
            return Ok(());
        }
        self.alone("follows", |_, store| {
            history(self.record).following.resume();
            let after = history(self.record).following.cursor.clone();
            let Some(mut look) = store.follow(after.as_deref()) else { return Ok(()) };
            loop {
                let seen = done("follow", look())?;
                history(self.record).was_given(&seen, self.scenario)?;
                if matches!(seen, Seen::Nothing) {
                    break;
                }
            }
            let history = history(self.record);
            let log = self.simulation.world().disk.content("events.ndjson").unwrap_or_default().to_vec();
            history.check_following(&checker::scan(&log, &history).events, self.scenario)
        })
    }

    /// Runs a part of the check as a process of its own.
    fn alone(&self, what: &str, work: impl FnOnce(usize, &mut dyn Subject) -> Verdict) -> Verdict {
        let verdict = self.simulation.alone(|simulation, pid| {
            simulation.world().note(pid, || format!("── {what}"));
            let mut store = done("open", self.system.open(&install(simulation, pid), self.scenario.durable))?;
            work(pid, store.as_mut())
        });
        match (self.simulation.world().failure.take(), verdict) {
            (Some(why), _) => Err(why),
            (None, Some(verdict)) => verdict,
            (None, None) => Err("the check was killed".to_owned()),
        }
    }

    fn recover(&self) -> Verdict {
        self.alone("recovers", |_, store| {
            done("recover", store.recover(self.thorough))?;
            let totals = done("totals", store.totals())?;
            let lines = done("lines", store.lines())?;
            let history = history(self.record);
            let log = self.simulation.world().disk.content("events.ndjson").unwrap_or_default().to_vec();
            let scan = checker::scan(&log, &history);
            let counted = checker::totals(&scan, &history);
            if totals != counted {
                return Err(format!("sums are {totals:?}, a rescan gives {counted:?}"));
            }
            if self.scenario.archives {
                // Before the next compaction as well, evictions of dead processes are in the archive.
                return checker::check_all(&lines, &history, self.scenario);
            }
            if lines != scan.events {
                return Err(format!("{} events are read, a rescan gives {}", lines.len(), scan.events.len()));
            }
            Ok(())
        })
    }

    fn measure(&self) -> Verdict {
        let world = self.simulation.world();
        let file = |name| world.disk.content(name).unwrap_or_default();
        let (log, rejected) = (file("events.ndjson"), file("events.rejected.ndjson"));
        if self.scenario.archives {
            return Ok(());
        }
        checker::check(log, rejected, &history(self.record), self.scenario).map_err(|why| {
            let log = String::from_utf8_lossy(log).replace('\0', "␀");
            if world.trace.is_on() { format!("{why}\nthe log is:\n{log}") } else { why }
        })
    }

    /// The store works again, whatever happened to it.
    fn append_and_compact(&self) -> Verdict {
        self.alone("appends and compacts", |pid, store| {
            let author = Author { pid, peer: false };
            let (events, lines) = history(self.record).begin(author, &[0]);
            done("append", store.append(&lines))?;
            history(self.record).end(events, 1);
            let there = done("totals", store.totals())?.count;
            let at = history(self.record).begin_removal(Some(1), 0..0);
            let evicted = done("compact", store.compact(1))?;
            history(self.record).end_removal(at, Some(evicted));
            if evicted != there.saturating_sub(1) {
                return Err(format!("a compaction of {there} events to 1 evicted {evicted}"));
            }
            Ok(())
        })?;
        if self.scenario.archives { self.archive() } else { Ok(()) }
    }

    /// After a compaction without faults, what any program finds in log and archive.
    fn archive(&self) -> Verdict {
        let world = self.simulation.world();
        if let Some(name) =
            world.disk.names.keys().find(|name| name.contains("evicted") || name.contains("archived"))
        {
            return Err(format!("{name} is left over"));
        }
        let mut all = Vec::new();
        for (name, &key) in &world.other.names {
            if name.starts_with("events-") {
                let mut members = MultiGzDecoder::new(&*world.other.inodes[key].content);
                members.read_to_end(&mut all).map_err(|error| format!("{name} cannot be read: {error}"))?;
            }
        }
        all.extend_from_slice(world.disk.content("events.ndjson").unwrap_or_default());
        let rejected = world.disk.content("events.rejected.ndjson").unwrap_or_default();
        checker::check_both(&all, rejected, &history(self.record), self.scenario)
    }

    /// All that a recovery must leave alone the second time.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let world = self.simulation.world();
        let names = world.disk.names.iter().filter(|(name, _)| !BOOKKEEPING.contains(&name.as_str()));
        names.map(|(name, &key)| (name.clone(), world.disk.inodes[key].content.clone())).collect()
    }
}

/// Nothing goes wrong any more, so no call has an excuse.
fn done<T>(what: &str, answer: Answer<T>) -> Result<T, String> {
    answer.map_err(|refusal| format!("{what} after the storm fails: {}", refusal.text))
}
