//! What all processes tried and were told, on one time line: the truth that the disk is measured against.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::disk::Pid;
use super::following::Following;

/// What the caller of an append knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// Under way, or its process died meanwhile.
    Open,
    /// The call returned: the event is kept.
    Accepted,
    /// The call failed: the event may be there, but not twice.
    Rejected,
}

/// Who tries something.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Author {
    pub(crate) pid: Pid,
    /// The original JavaScript module.
    pub(crate) peer: bool,
}

/// One event that a process tried to append.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    pub(crate) line: Vec<u8>,
    pub(crate) stamp: u64,
    pub(crate) author: Author,
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    pub(crate) fate: Fate,
}

/// A call that takes events away.
#[derive(Clone, Debug)]
pub(crate) struct Removal {
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    /// How many of the newest stay; `None` if none does (`writeAll`).
    pub(crate) keep: Option<usize>,
    /// The events that it put in the place of the others.
    pub(crate) fresh: Range<usize>,
    /// How many went, if the call came to tell.
    pub(crate) evicted: Option<u64>,
}

/// Everything that was tried.
pub(crate) struct History {
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) removals: Vec<Removal>,
    /// Malformed lines that lay in the log from the start.
    pub(crate) malformed: Vec<Vec<u8>>,
    pub(crate) cuts: usize,
    /// Ledgers saved, which may bring back what others had removed.
    pub(crate) saves: bool,
    /// What has reached the shared store.
    pub(crate) shipped: HashSet<Vec<u8>>,
    /// Who believes to hold the user-level lock.
    pub(crate) holder: Option<Pid>,
    /// Whether evicted events go into an archive.
    archives: bool,
    /// What a reader that follows the log was given.
    pub(crate) following: Following,
    by_line: HashMap<Vec<u8>, usize>,
    now: u64,
}

impl Default for History {
    fn default() -> Self {
        Self {
            attempts: Vec::new(),
            removals: Vec::new(),
            malformed: Vec::new(),
            cuts: 0,
            saves: false,
            shipped: HashSet::new(),
            holder: None,
            archives: false,
            following: Following::new(),
            by_line: HashMap::new(),
            now: 0,
        }
    }
}

/// Still under way.
const OPEN: u64 = u64::MAX;

impl History {
    fn tick(&mut self) -> u64 {
        self.now += 1;
        self.now
    }

    /// Notes that new events are about to be appended, and makes their lines: one for each of `pads`, so much
    /// longer.
    pub(crate) fn begin(&mut self, author: Author, pads: &[usize]) -> (Range<usize>, Vec<Vec<u8>>) {
        let begun = self.tick();
        let first = self.attempts.len();
        for (at, &pad) in pads.iter().enumerate() {
            let number = self.attempts.len() as u64;
            // Every fifth event is older than its place in the log tells.
            let stamp = 1_700_000_000_000 + number + if number % 5 == 4 { 0 } else { 1000 * number };
            let pad = &format!("{number}.").repeat(pad / 2 + 1)[..pad];
            let line = format!(
                r#"{{"eventId":"e{number}","taskId":"t{}","timestamp":{stamp},"note":"{pad}"}}"#,
                number % 3
            );
            self.by_line.insert(line.clone().into_bytes(), first + at);
            let line = line.into_bytes();
            self.attempts.push(Attempt { line, stamp, author, begun, ended: OPEN, fate: Fate::Open });
        }
        (
            first..self.attempts.len(),
            self.attempts[first..].iter().map(|attempt| attempt.line.clone()).collect(),
        )
    }

    /// Notes that the append of `events` ended, with the first `accepted` of them accepted.
    pub(crate) fn end(&mut self, events: Range<usize>, accepted: usize) {
        let ended = self.tick();
        for (at, attempt) in self.attempts[events].iter_mut().enumerate() {
            attempt.ended = ended;
            attempt.fate = if at < accepted { Fate::Accepted } else { Fate::Rejected };
        }
    }

    /// Notes that the log ends without a newline. A power cut may leave zeros behind such an event, and spoil
    /// it, so no process has promised to keep it.
    pub(crate) fn unclosed(&mut self, log: &[u8]) {
        let last = log.rsplit(|&byte| byte == b'\n').next().and_then(|line| self.find(line));
        if let Some(at) = last {
            self.attempts[at].fate = Fate::Open;
        }
    }

    pub(crate) fn begin_removal(&mut self, keep: Option<usize>, fresh: Range<usize>) -> usize {
        let begun = self.tick();
        self.removals.push(Removal { begun, ended: OPEN, keep, fresh, evicted: None });
        self.removals.len() - 1
    }

    /// Notes that a removal came to its end. One that failed may have removed or not, so it stays open until
    /// `now`.
    pub(crate) fn end_removal(&mut self, at: usize, evicted: Option<u64>) {
        self.removals[at].ended = self.tick();
        self.removals[at].evicted = evicted;
    }

    /// Notes a power cut: what was only accepted by the operating system is open again.
    pub(crate) fn cut(&mut self, durable: bool) {
        self.cuts += 1;
        for attempt in &mut self.attempts {
            if attempt.fate == Fate::Accepted && (attempt.author.peer || !durable) {
                attempt.fate = Fate::Open;
            }
        }
        self.dead();
    }

    /// Notes that none of those that were alive still is.
    pub(crate) fn dead(&mut self) {
        let now = self.tick();
        self.attempts.iter_mut().for_each(|attempt| attempt.ended = attempt.ended.min(now));
        self.removals.iter_mut().for_each(|removal| removal.ended = removal.ended.min(now));
        self.holder = None;
        self.following.reader = None;
    }

    /// How many events are certainly there, as long as none is removed.
    pub(crate) fn settled(&self) -> u64 {
        self.attempts.iter().filter(|attempt| attempt.fate == Fate::Accepted).count() as u64
    }

    /// Now, on this time line.
    pub(crate) fn moment(&mut self) -> u64 {
        self.tick()
    }

    pub(crate) fn find(&self, line: &[u8]) -> Option<usize> {
        self.by_line.get(line).copied()
    }

    /// Whether an event is never gone: what is evicted is in the archive.
    pub(crate) fn keeps_all(&mut self) {
        self.archives = true;
    }

    /// Whether some removal may have taken the event away, by its rule: it was not among the newest `keep` of
    /// what was there.
    pub(crate) fn may_be_gone(&self, at: usize) -> bool {
        if self.archives {
            return false;
        }
        let event = &self.attempts[at];
        self.removals.iter().any(|removal| {
            event.begun < removal.ended
                && (removal.keep.is_none() || removal.evicted != Some(0))
                && !removal.fresh.contains(&at)
                && removal.keep.is_none_or(|keep| {
                    let newer = |other: &&Attempt| other.stamp > event.stamp && other.begun < removal.ended;
                    self.attempts.iter().filter(newer).count() >= keep
                })
        })
    }

    /// Whether a completed `writeAll` that began after the event was accepted has removed it.
    pub(crate) fn must_be_gone(&self, at: usize) -> bool {
        let event = &self.attempts[at];
        event.fate == Fate::Accepted
            && self.removals.iter().any(|removal| {
                removal.keep.is_none() && removal.evicted.is_some() && event.ended < removal.begun
            })
    }
}
