//! Measures a log against the history: every accepted event exactly once, none invented, nothing glued, order
//! kept, malformed lines conserved, sums true, evicted and kept together what was appended.

use std::collections::HashSet;

use serde_json::Value;

use super::history::{Attempt, Fate, History};
use super::scenario::{Scenario, Wish};
use super::subject::Totals;

pub(crate) type Verdict = Result<(), String>;

/// The events of a log as a naive reader finds them, and the lines that are none.
pub(crate) struct Scan<'a> {
    pub(crate) events: Vec<&'a [u8]>,
    pub(crate) malformed: Vec<&'a [u8]>,
}

/// Reads a log: lines that are JSON objects are events.
pub(crate) fn scan<'a>(log: &'a [u8], history: &History) -> Scan<'a> {
    let mut scan = Scan { events: Vec::new(), malformed: Vec::new() };
    for line in log.split(|&byte| byte == b'\n') {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let known = history.find(line).is_some();
        if known || serde_json::from_slice::<Value>(line).is_ok_and(|value| value.is_object()) {
            scan.events.push(line);
        } else {
            scan.malformed.push(line);
        }
    }
    scan
}

/// The sums of a scan.
pub(crate) fn totals(scan: &Scan<'_>, history: &History) -> Totals {
    let stamps =
        scan.events.iter().filter_map(|line| history.find(line)).map(|at| history.attempts[at].stamp);
    let (oldest, newest) = (stamps.clone().min(), stamps.max());
    Totals { count: scan.events.len() as u64, oldest, newest }
}

/// Checks the log that is left after everybody ended.
pub(crate) fn check(log: &[u8], rejected: &[u8], history: &History, scenario: &Scenario) -> Verdict {
    let mut scan = scan(log, history);
    let counts = count(&scan.events, history)?;
    scan.malformed.extend(rejected.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()));
    malformed_lines(&scan, history, scenario)?;
    for (at, &copies) in counts.iter().enumerate() {
        let attempt = &history.attempts[at];
        let name = || format!("{} of P{}", id(at), attempt.author.pid);
        let promised = attempt.fate == Fate::Accepted && !excused(at, &scan, history, scenario);
        if copies == 0 && promised && !history.may_be_gone(at) {
            return Err(format!("accepted event {} is lost", name()));
        }
        if copies > 0 && scenario.peers == 0 && !history.saves && history.must_be_gone(at) {
            return Err(format!("replaced event {} came back", name()));
        }
    }
    // A logged event that the original's rewrite missed is appended again, behind what came meanwhile.
    if !(scenario.peers_rewrite() && scenario.wishes.contains(&Wish::Log)) {
        order(&scan.events, history)?;
    }
    if !scenario.peers_rewrite() {
        evictions(&counts, &scan, history, scenario)?;
        conserved(&scan, history)?;
    }
    Ok(())
}

/// Checks log and archive together, as a naive reader finds them.
pub(crate) fn check_both(all: &[u8], rejected: &[u8], history: &History, scenario: &Scenario) -> Verdict {
    let mut scan = scan(all, history);
    let lines: Vec<_> = scan.events.iter().map(|line| line.to_vec()).collect();
    check_all(&lines, history, scenario)?;
    scan.malformed.extend(rejected.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()));
    malformed_lines(&scan, history, scenario)?;
    if scenario.peers_rewrite() { Ok(()) } else { conserved(&scan, history) }
}

/// Checks what is read of log and archive after all have ended: each accepted event once.
pub(crate) fn check_all(lines: &[Vec<u8>], history: &History, scenario: &Scenario) -> Verdict {
    let lines = each_once(lines, scenario);
    let counts = count(&lines, history)?;
    let excused = |attempt: &Attempt| attempt.author.peer || scenario.peers_rewrite();
    for (at, attempt) in history.attempts.iter().enumerate() {
        if counts[at] == 0 && attempt.fate == Fate::Accepted && !excused(attempt) {
            return Err(format!(
                "accepted event {} of P{} is in neither log nor archive",
                id(at),
                attempt.author.pid
            ));
        }
    }
    Ok(())
}

/// Checks what a process read while others were at work since `moment`.
pub(crate) fn check_read(lines: &[Vec<u8>], moment: u64, history: &History, scenario: &Scenario) -> Verdict {
    let lines = each_once(lines, scenario);
    let counts = count(&lines, history)?;
    if scenario.peers > 0 {
        return Ok(());
    }
    for (at, attempt) in history.attempts.iter().enumerate() {
        let settled = attempt.fate == Fate::Accepted && attempt.ended < moment;
        if counts[at] == 0 && settled && !history.may_be_gone(at) {
            return Err(format!("a reader misses the accepted event {}", id(at)));
        }
    }
    Ok(())
}

/// The lines to be counted. The original writes back what it held in memory, events that are in an archive by now
/// included: beside it, an event may be in both.
fn each_once<'a>(lines: &'a [Vec<u8>], scenario: &Scenario) -> Vec<&'a [u8]> {
    let mut seen = HashSet::new();
    let twice = scenario.archives && scenario.peers_rewrite();
    lines.iter().map(Vec::as_slice).filter(|line| !twice || seen.insert(*line)).collect()
}

fn count(events: &[&[u8]], history: &History) -> Result<Vec<usize>, String> {
    let mut counts = vec![0; history.attempts.len()];
    for line in events {
        let Some(at) = history.find(line) else {
            return Err(format!("invented event {}", String::from_utf8_lossy(line)));
        };
        counts[at] += 1;
        if counts[at] > 1 {
            return Err(format!("event {} is there twice", id(at)));
        }
    }
    Ok(counts)
}

fn id(at: usize) -> String {
    format!("e{at}")
}

/// What cannot be had beside the original, which writes without any lock: its rewrites lose its own events; a
/// line may land behind half a line of a process that was just killed. (Nor between the halves of a short
/// write, which scenarios beside the original therefore must not allow.)
fn excused(at: usize, scan: &Scan<'_>, history: &History, scenario: &Scenario) -> bool {
    let attempt = &history.attempts[at];
    if attempt.author.peer && (scenario.peers_rewrite() || scenario.no_leases) {
        return true;
    }
    let glued = || scan.malformed.iter().any(|line| line.ends_with(&attempt.line));
    scenario.peers > 0 && scenario.allowed.tears() && glued()
}

fn malformed_lines(scan: &Scan<'_>, history: &History, scenario: &Scenario) -> Verdict {
    if history.cuts > 0 {
        return Ok(()); // zeros and halves of pages
    }
    for line in &scan.malformed {
        // Half a line of a write that was cut short, to the log or to the lines set aside.
        let planted = history.malformed.iter().any(|planted| planted.starts_with(line));
        let torn = history.attempts.iter().any(|attempt| attempt.line.starts_with(line));
        let glued = scenario.peers > 0 && scenario.allowed.tears();
        if !planted && !torn && !glued {
            return Err(format!("glued or mangled line {}", String::from_utf8_lossy(line)));
        }
    }
    Ok(())
}

fn conserved(scan: &Scan<'_>, history: &History) -> Verdict {
    for planted in &history.malformed {
        // Where a torn tail had been closed, a power cut may leave zeros and what was to follow.
        let spoiled = |rest: &[u8]| history.cuts > 0 && rest.first() == Some(&0);
        let is_it = |line: &&[u8]| {
            line.strip_prefix(planted.as_slice()).is_some_and(|rest| rest.is_empty() || spoiled(rest))
        };
        if !scan.malformed.iter().any(is_it) {
            return Err(format!("malformed line {} is destroyed", String::from_utf8_lossy(planted)));
        }
    }
    Ok(())
}

/// The events of one process stay in the order in which it tried them, or in that of their timestamps once a
/// compaction has sorted them.
fn order(events: &[&[u8]], history: &History) -> Verdict {
    let sorted = history.removals.iter().any(|removal| removal.keep.is_some());
    let stamp = |at: usize| history.attempts[at].stamp;
    let mut newest = Vec::new();
    for at in events.iter().filter_map(|line| history.find(line)) {
        let author = history.attempts[at].author;
        // An event that was not accepted comes to the log with a later `save()`, or while one is under way. A
        // ledger that has loaded what its process wrote in between, but not this event, saves it behind that:
        // first what a ledger knows, then the rest.
        let late = history.saves && history.attempts[at].fate != Fate::Accepted;
        if author.peer || late {
            continue;
        }
        if newest.len() <= author.pid {
            newest.resize(author.pid + 1, 0);
        }
        if newest[author.pid] > at && !(sorted && stamp(newest[author.pid]) < stamp(at)) {
            return Err(format!("P{}: {} comes before {}", author.pid, id(newest[author.pid]), id(at)));
        }
        newest[author.pid] = at;
    }
    Ok(())
}

/// Evicted and kept together are what was appended.
fn evictions(counts: &[usize], scan: &Scan<'_>, history: &History, scenario: &Scenario) -> Verdict {
    if history.removals.iter().any(|removal| removal.keep.is_none()) {
        return Ok(());
    }
    let evicted: u64 = history.removals.iter().filter_map(|removal| removal.evicted).sum();
    let certain = history.removals.iter().all(|removal| removal.evicted.is_some());
    let missing = || (0..counts.len()).filter(|&at| counts[at] == 0);
    let promised = |&at: &usize| history.attempts[at].fate == Fate::Accepted;
    let promised = |at: &usize| promised(at) && !excused(*at, scan, history, scenario);
    let accepted = missing().filter(promised).count() as u64;
    if certain && accepted > evicted {
        return Err(format!("{accepted} accepted events are missing, but only {evicted} were evicted"));
    }
    let all = missing().count() as u64;
    // An event that was evicted before its append was over may be appended again, and evicted again.
    let in_flight = |at: &usize| {
        let event = &history.attempts[*at];
        history.removals.iter().any(|removal| event.begun < removal.ended && removal.begun < event.ended)
    };
    let twice = if scenario.allowed.errors || scenario.peers > 0 {
        (0..counts.len()).filter(in_flight).count() as u64
    } else {
        0
    };
    if all + twice < evicted && !history.saves {
        return Err(format!("{evicted} events were evicted, but only {all} are missing"));
    }
    Ok(())
}
