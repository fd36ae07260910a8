//! What doctor says about the folder's own locks: which process holds one, since when, and what to do.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::finding::Finding;
use crate::engine::Engine;
use crate::exit::{Failure, Result};
use crate::text::times::show_span;

/// A process that works holds the folder for less. Both looks together take no longer than a second.
const PATIENCE: Duration = Duration::from_millis(450);

/// Whether events can be recorded: another process may hold the folder.
pub(crate) fn writers(folder: &Path) -> Result<Finding> {
    let Some(held) = Engine::at(folder).folder_lock_holder(PATIENCE)? else {
        return Ok(Finding::fine(
            ".events.lk",
            "no other process keeps events from being recorded".to_owned(),
        ));
    };
    let (who, how) = match held.pid {
        Some(pid) if cfg!(unix) => {
            (format!("process {pid}"), format!(", continue it if it is stopped (kill -CONT {pid}),"))
        }
        Some(pid) => (format!("process {pid}"), String::new()),
        None => ("another process".to_owned(), String::new()),
    };
    let text = format!(
        "ELOCKED: {who} holds '{}', for {} at least: no event can be recorded meanwhile.\nLet it finish{how} or end \
         it.",
        held.path,
        show_span(crate::text::numbers::float(held.waited_ms)),
    );
    let finding = Finding::failed(".events.lk", &Failure::Locked(text));
    Ok(match held.pid {
        Some(pid) => finding.with("pid", pid.into()),
        None => finding,
    })
}

/// Whether `compact` and the like can work: another program may hold `.lock`, as it does while it saves.
pub(crate) fn rewriters(folder: &Path) -> Result<Finding> {
    let Some((failure, pid)) = Engine::at(folder).user_lock_holder(PATIENCE)? else {
        return Ok(Finding::fine(".lock", "no other program is saving or compacting".to_owned()));
    };
    let said = failure.message().unwrap_or_default();
    // It is made when the lock is taken, and written again while it is held.
    let made = fs::metadata(folder.join(".lock")).and_then(|metadata| metadata.created()).ok();
    let since = made.and_then(|made| SystemTime::now().duration_since(made).ok());
    let (held, measured) = match since {
        Some(since) => {
            let ms = since.as_secs_f64() * 1000.0;
            (format!("held for {}. ", show_span(ms)), Some(ms))
        }
        None => (String::new(), None),
    };
    let mut finding = Finding::warning(".lock", format!("{held}{said}"));
    for (name, number) in [("pid", pid.map(f64::from)), ("heldMs", measured)] {
        if let Some(number) = number {
            finding = finding.with(name, number);
        }
    }
    Ok(finding)
}
