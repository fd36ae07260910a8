//! `hook-errors.log`: the last failures of `hook`, which cannot be shown where they happen.
//!
//! Invariant: it holds 64 KiB at most, the newest failures, one a line. It is never a reason for another failure.

use std::path::Path;

use crate::engine::{StoreFile, append_bounded};
use crate::text::safe::safe;
use crate::text::times::{Zone, now_ms};

/// The file's name, in the folder of the hook's events.
pub(crate) const ERROR_LOG: &str = "hook-errors.log";
/// The most that it holds.
const LARGEST: usize = 64 << 10;

/// Adds a failure.
pub(crate) fn add(folder: &Path, message: &str) {
    let time = Zone::new(true).show(now_ms());
    let line = format!("{time} {}\n", safe(message));
    let kept: String = line.chars().take(4096).collect();
    // Where this cannot be written, stderr has said it.
    let _ = append_bounded(folder, ERROR_LOG, kept.as_bytes(), LARGEST);
}

/// How many failures the file tells of, and the last of them.
pub(crate) fn last_failures(folder: &Path) -> Option<(u64, String)> {
    let file = StoreFile::open(folder, ERROR_LOG).ok().flatten()?;
    let text = file.read(0, LARGEST).ok()?;
    let text = String::from_utf8_lossy(&text);
    let last = text.lines().last()?;
    Some((crate::text::numbers::long(text.lines().count()), safe(last).into_owned()))
}
