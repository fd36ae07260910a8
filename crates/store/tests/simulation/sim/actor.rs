//! A process of ours: opens the store, does its deeds, and notes what it was told.

use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::checker;
use super::disk::Pid;
use super::history::{Author, History};
use super::process::Installed;
use super::random::Random;
use super::scenario::{Deed, Scenario};
use super::simulation::Simulation;
use super::subject::{Answer, Refusal, Subject, System};

/// The history, shared by all processes of a run.
pub(crate) type Record = Arc<Mutex<History>>;

pub(crate) fn history(record: &Record) -> MutexGuard<'_, History> {
    record.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one of our processes works with.
pub(crate) struct Actor {
    pub(crate) simulation: Arc<Simulation>,
    pub(crate) pid: Pid,
    pub(crate) installed: Installed,
    pub(crate) record: Record,
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) system: Arc<dyn System>,
    pub(crate) random: Random,
    /// Logged events that the next flush has to bring to the log.
    pub(crate) logged: Vec<Range<usize>>,
}

impl Actor {
    /// The life of the process.
    pub(crate) fn live(mut self, deeds: &[Deed]) {
        let Some(mut subject) = self.open() else { return };
        for deed in deeds {
            self.simulation.insist_alive(self.pid);
            self.simulation.world().note(self.pid, || format!("── {deed:?}"));
            let refused = match deed {
                Deed::Reopen => {
                    drop(subject);
                    self.logged.clear();
                    let Some(again) = self.open() else { return };
                    subject = again;
                    false
                }
                deed => self.act(subject.as_mut(), deed),
            };
            if refused && self.random.one_in(2) {
                drop(subject);
                self.logged.clear();
                let Some(again) = self.open() else { return };
                subject = again;
            }
        }
        subject.exit();
        if self.random.one_in(2) {
            self.simulation.leave(self.pid); // `process.exit`: no destructor has an effect
        }
    }

    fn open(&self) -> Option<Box<dyn Subject>> {
        let opened = self.system.open(&self.installed, self.scenario.durable);
        self.judge("open", opened)
    }

    /// Insists that a refusal has a reason, and passes the answer on.
    fn judge<T>(&self, what: &str, answer: Answer<T>) -> Option<T> {
        self.simulation.insist_alive(self.pid);
        match answer {
            Ok(value) => Some(value),
            Err(refusal) => {
                let mut world = self.simulation.world();
                world.note(self.pid, || format!("── refused: {}", refusal.text));
                let blameless = world.chaos.faults == 0 && !refusal.busy;
                drop(world);
                if blameless {
                    self.fail(format!("{what} fails though nothing went wrong: {}", refusal.text));
                }
                None
            }
        }
    }

    fn fail(&self, why: String) {
        self.simulation.fail(why);
        self.simulation.insist_alive(self.pid);
    }

    fn author(&self) -> Author {
        Author { pid: self.pid, peer: false }
    }

    /// Does one deed. Tells whether it was refused.
    fn act(&mut self, subject: &mut dyn Subject, deed: &Deed) -> bool {
        match deed {
            Deed::Append(pads) => self.adds("append", pads, |lines| subject.append(lines)),
            Deed::Save(pads) => {
                history(&self.record).saves = true;
                self.adds("save", pads, |lines| subject.save(lines))
            }
            Deed::Log(pads) => self.log(subject, pads),
            Deed::Flush => self.flush(subject),
            Deed::Compact { keep } => {
                let at = history(&self.record).begin_removal(Some(*keep), 0..0);
                let answer = self.judge("compact", subject.compact(*keep));
                history(&self.record).end_removal(at, answer);
                answer.is_none()
            }
            Deed::Replace(pads) => {
                let (events, lines) = history(&self.record).begin(self.author(), pads);
                let at = history(&self.record).begin_removal(None, events.clone());
                let answer = self.judge("replace", subject.replace(&lines));
                let mut history = history(&self.record);
                history.end(events.clone(), if answer.is_some() { events.len() } else { 0 });
                history.end_removal(at, answer.map(|()| 0));
                answer.is_none()
            }
            Deed::Read => self.read(subject),
            Deed::Totals => self.totals(subject),
            Deed::Hold => self.hold(subject),
            Deed::Ship => {
                let mut arrive = |line: &[u8]| {
                    history(&self.record).shipped.insert(line.to_vec());
                };
                self.judge("ship", subject.ship(&mut arrive)).is_none()
            }
            Deed::Follow { looks } => self.follow(subject, *looks),
            Deed::Reopen => false,
        }
    }

    fn adds(&self, what: &str, pads: &[usize], call: impl FnOnce(&[Vec<u8>]) -> Answer<()>) -> bool {
        let (events, lines) = history(&self.record).begin(self.author(), pads);
        self.simulation.world().note(self.pid, || format!("── {what} e{}..e{}", events.start, events.end));
        let answer = call(&lines);
        self.simulation.insist_alive(self.pid);
        let accepted = match &answer {
            Ok(()) => lines.len(),
            Err(Refusal { accepted, .. }) => *accepted,
        };
        history(&self.record).end(events, accepted);
        self.judge(what, answer).is_none()
    }

    fn log(&mut self, subject: &mut dyn Subject, pads: &[usize]) -> bool {
        let (events, lines) = history(&self.record).begin(self.author(), pads);
        self.simulation.world().note(self.pid, || format!("── log e{}..e{}", events.start, events.end));
        match self.judge("log", subject.log(&lines)) {
            Some(true) => history(&self.record).end(events.clone(), events.len()),
            Some(false) => self.logged.push(events),
            None => history(&self.record).end(events, 0),
        }
        false
    }

    fn flush(&mut self, subject: &mut dyn Subject) -> bool {
        if self.judge("flush", subject.flush()).is_none() {
            return true; // they stay where they are until the next flush
        }
        let mut history = history(&self.record);
        self.logged.drain(..).for_each(|events| history.end(events.clone(), events.len()));
        false
    }

    fn read(&self, subject: &mut dyn Subject) -> bool {
        let moment = history(&self.record).moment();
        let Some(lines) = self.judge("read", subject.lines()) else { return true };
        let verdict = checker::check_read(&lines, moment, &history(&self.record), &self.scenario);
        if let Err(why) = verdict {
            self.fail(format!("P{} reads: {why}", self.pid));
        }
        false
    }

    fn totals(&self, subject: &mut dyn Subject) -> bool {
        let before = history(&self.record).settled();
        let Some(totals) = self.judge("totals", subject.totals()) else { return true };
        let history = history(&self.record);
        let most = history.attempts.len() as u64;
        let exact = history.removals.is_empty() && self.scenario.peers == 0;
        drop(history);
        if exact && !(before..=most).contains(&totals.count) {
            self.fail(format!("P{} counts {} events of {before} to {most}", self.pid, totals.count));
        }
        false
    }

    fn follow(&self, subject: &mut dyn Subject, looks: usize) -> bool {
        let after = {
            let mut history = history(&self.record);
            if history.following.reader.is_some_and(|other| self.simulation.is_alive(other)) {
                return false;
            }
            history.following.reader = Some(self.pid);
            history.following.resume();
            history.following.cursor.clone()
        };
        let Some(mut look) = subject.follow(after.as_deref()) else { return false };
        for _ in 0..looks {
            // A reader that failed is asked again.
            let Some(seen) = self.judge("follow", look()) else { continue };
            self.simulation.world().note(self.pid, || format!("── is given {seen}"));
            if let Err(why) = history(&self.record).was_given(&seen, &self.scenario) {
                self.fail(why);
            }
            let pause = self.random.clone().next() % 3000;
            self.simulation.sleep(self.pid, Duration::from_micros(pause));
            self.simulation.insist_alive(self.pid);
        }
        history(&self.record).following.reader = None;
        false
    }

    fn hold(&self, subject: &mut dyn Subject) -> bool {
        if self.judge("lock", subject.acquire_lock()).is_none() {
            return true;
        }
        let other = history(&self.record).holder;
        if let Some(other) = other.filter(|&other| self.simulation.is_alive(other)) {
            self.fail(format!("P{} and P{other} both hold the lock", self.pid));
        }
        history(&self.record).holder = Some(self.pid);
        self.simulation.sleep(self.pid, Duration::from_micros(self.random.clone().next() % 5000));
        self.read(subject);
        self.simulation.insist_alive(self.pid);
        history(&self.record).holder = None;
        self.judge("unlock", subject.release_lock()).is_none()
    }
}
