//! What is tried and measured: fsync, the lock between two processes, appending.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::finding::Finding;
use crate::commands::record::blank_event;
use crate::engine::{Durability, Engine};
use crate::exit::{Exit, Failure, Result};
use crate::place::executable;
use crate::report::Output;
use crate::text::times::show_span;

const ROUNDS: usize = 20;
/// An fsync that takes longer makes `durability: 'disk'` slow.
const SLOW_FSYNC_MS: f64 = 20.0;
const PATIENCE: Duration = Duration::from_secs(5);

fn ms_since(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// How long the disk takes to confirm a page.
pub(crate) fn fsync(place: &Path) -> Result<Finding> {
    let path = place.join("fsync");
    let failed = |error| Failure::io("fsync", &path, &error);
    let mut file = File::create_new(&path).map_err(failed)?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        file.write_all(&[b'x'; 512]).map_err(failed)?;
        let start = Instant::now();
        file.sync_data().map_err(failed)?;
        times.push(ms_since(start));
    }
    let longest = times.iter().copied().fold(0.0, f64::max);
    let median = median(times);
    let text = format!("{}, at most {}", show_span(median), show_span(longest));
    let finding = if median > SLOW_FSYNC_MS {
        Finding::warning("fsync", format!("{text}; durability 'disk' is slow here"))
    } else {
        Finding::fine("fsync", text)
    };
    Ok(finding.with("medianMs", median).with("longestMs", longest))
}

/// How long an append takes.
pub(crate) fn append(place: &Path) -> Result<Finding> {
    let measure = |name: &str, durability: Durability| -> Result<f64> {
        let engine = Engine::at(&place.join(name));
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let mut line = blank_event("doctor").text();
            line.push(b'\n');
            let start = Instant::now();
            engine.append(line, durability)?;
            times.push(ms_since(start));
        }
        let events = engine.stats()?.events;
        if events != crate::text::numbers::long(ROUNDS) {
            return Err(Failure::System(format!("{ROUNDS} events were appended, and {events} are there")));
        }
        Ok(median(times))
    };
    let (process, disk) = (measure("process", Durability::Process)?, measure("disk", Durability::Disk)?);
    let text = format!("{}; {} with durability 'disk'", show_span(process), show_span(disk));
    Ok(Finding::fine("append", text).with("processMs", process).with("diskMs", disk))
}

/// A process that is killed when it is forgotten.
struct Holder(Child);

impl Holder {
    fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Whether the lock keeps another process out, and lets it in as soon as its holder is killed.
pub(crate) fn lock(place: &Path) -> Result<Finding> {
    let path = place.join("lock");
    let executable = executable()?;
    let child = Command::new(&executable)
        .arg("hold-lock")
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| Failure::io("spawn", &executable, &error))?;
    let mut holder = Holder(child);
    let mut said = String::new();
    if let Some(stdout) = holder.0.stdout.take() {
        let read = BufReader::new(stdout).read_line(&mut said);
        read.map_err(|error| Failure::io("read", &executable, &error))?;
    }
    if said.trim() != "held" {
        return Err(Failure::System("another process could not take it".to_owned()));
    }
    let engine = Engine::at(&path);
    match engine.lock(Duration::ZERO) {
        Err(Failure::Locked(_)) => {}
        Err(failure) => return Err(failure),
        Ok(_) => return Err(Failure::System("two processes hold it at once".to_owned())),
    }
    holder.kill();
    let start = Instant::now();
    let lock = engine.lock(PATIENCE)?;
    let free = ms_since(start);
    lock.release()?;
    let text = format!("keeps others out; free {} after its holder died", show_span(free));
    Ok(Finding::fine("lock", text).with("freeAfterMs", free))
}

/// Takes a folder's lock and keeps it until stdin ends: the other process of [`lock`].
pub(crate) fn hold_lock(folder: &Path) -> Result<Exit> {
    let folder = std::path::absolute(folder).map_err(|error| Failure::io("getcwd", folder, &error))?;
    let lock = Engine::at(&folder).lock(PATIENCE)?;
    let mut out = Output::new();
    out.line("held")?;
    out.flush()?;
    let mut rest = Vec::new();
    // Whatever ends the reading ends the holding.
    let _ = std::io::stdin().lock().read_to_end(&mut rest);
    lock.release()?;
    Ok(Exit::Done)
}
