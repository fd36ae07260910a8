//! One reader that follows the log through all processes of a run, each going on where the one before it stopped: what
//! it was given, measured against the history.

use std::fmt;

use super::checker::Verdict;
use super::disk::Pid;
use super::history::{Fate, History};
use super::scenario::Scenario;

/// What one look gives.
#[derive(Clone, Debug)]
pub(crate) enum Seen {
    /// Events, each with its cursor.
    Events(Vec<(Vec<u8>, String)>),
    Gap(Option<u64>),
    Nothing,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Events(events) => events.iter().try_for_each(|(line, _)| {
                f.write_str(&String::from_utf8_lossy(line).chars().take(20).collect::<String>())
            }),
            other => write!(f, "{other:?}"),
        }
    }
}

/// See the head of this file.
#[derive(Default)]
pub(crate) struct Following {
    /// Which reader each event was given to; 0 for none.
    given: Vec<u32>,
    /// The number of the present reader.
    number: u32,
    pub(crate) cursor: Option<String>,
    /// Events that were reported as missed; `None` once it was not known how many.
    missed: Option<u64>,
    /// The same since the last cursor: another reader that begins there reports them again.
    again: Option<u64>,
    /// Whether nothing had been removed when the first event was given.
    from_the_beginning: bool,
    /// The process that reads now.
    pub(crate) reader: Option<Pid>,
}

impl Following {
    pub(crate) fn new() -> Self {
        Self { missed: Some(0), again: Some(0), ..Self::default() }
    }

    /// A reader begins where the last one stopped.
    pub(crate) fn resume(&mut self) {
        self.again = Some(0);
        self.number += 1;
    }

    fn add(all: Option<u64>, more: Option<u64>) -> Option<u64> {
        all.zip(more).map(|(all, more)| all + more)
    }
}

impl History {
    /// Notes what a look gave.
    pub(crate) fn was_given(&mut self, seen: &Seen, scenario: &Scenario) -> Verdict {
        match seen {
            Seen::Nothing => {}
            Seen::Gap(missed) => {
                self.following.again = Following::add(self.following.again, *missed);
            }
            Seen::Events(events) => {
                self.following.missed = Following::add(self.following.missed, self.following.again);
                self.following.again = Some(0);
                for (line, cursor) in events {
                    let Some(at) = self.find(line) else {
                        return Err(format!(
                            "a follower is given the invented {}",
                            String::from_utf8_lossy(line)
                        ));
                    };
                    if self.following.cursor.is_none() {
                        self.following.from_the_beginning = self.removals.is_empty();
                    }
                    let number = self.following.number;
                    let given = &mut self.following.given;
                    given.resize(given.len().max(at + 1), 0);
                    let before = std::mem::replace(&mut given[at], number);
                    // A line that a program's rewrite missed is appended again. The reader that was given it knows it
                    // for a while, the one that goes on with its cursor does not.
                    // One that is evicted before its append is over is appended again, too.
                    let event = &self.attempts[at];
                    let again = self.removals.iter().any(|removal| removal.begun < event.ended);
                    let excused = scenario.peers_rewrite() && (before != number || again);
                    if before > 0 && !excused {
                        return Err(format!("a follower is given e{at} twice"));
                    }
                    self.following.cursor = Some(cursor.clone());
                }
            }
        }
        Ok(())
    }

    /// Checks a reader that has come to the end of the log.
    pub(crate) fn check_following(&self, log: &[&[u8]], scenario: &Scenario) -> Verdict {
        let Following { given, from_the_beginning, missed, again, .. } = &self.following;
        let Some(missed) = Following::add(*missed, *again) else { return Ok(()) };
        let is_given = |at: usize| given.get(at).is_some_and(|&times| times > 0);
        // What a `save()` brings back was seen, or reported as missed, or went before the reader began.
        let back = match (self.saves, from_the_beginning) {
            (false, _) => 0,
            (true, true) => missed,
            (true, false) => u64::MAX,
        };
        let mut not_given = log.iter().filter_map(|line| self.find(line)).filter(|&at| !is_given(at));
        if not_given.clone().count() as u64 > back
            && let Some(at) = not_given.next()
        {
            return Err(format!(
                "a follower at the end of the log was not given e{at}, and no gap was reported"
            ));
        }
        let absent = |accepted: bool| {
            let wanted = |at: &usize| !accepted || self.attempts[*at].fate == Fate::Accepted;
            (0..self.attempts.len()).filter(wanted).filter(|&at| !is_given(at)).count() as u64
        };
        if missed > absent(false) {
            return Err(format!("{missed} events are reported as missed, but only {} were", absent(false)));
        }
        // Half a line of a program that was killed spoils the one behind it.
        let spoiled = scenario.peers > 0 && scenario.allowed.tears();
        let all = *from_the_beginning && !scenario.peers_rewrite() && !spoiled;
        if all && absent(true) > missed {
            return Err(format!(
                "{} events were not given, but {missed} are reported as missed",
                absent(true)
            ));
        }
        Ok(())
    }
}
