//! What `.lock` says: the user-level lock file that the JavaScript module knows too.
//!
//! `{"holder":"<uuid>","timestamp":<ms>,"pid":<n>}`. A holder whose UUID has version 8 is one of us: its life
//! shows in the lock on `.events.own`, and its appends and rewrites need no consideration. Any other holder
//! is a JavaScript program, which is about to rewrite the log and heeds no lock but this one.
//!
//! Times come from the engine's own clock: a program may have replaced JavaScript's. No clock is believed for
//! ever: a time in the future is not fresh, and how long one and the same file has been seen is measured by the
//! clock that never goes back.
//!
//! Invariant: any program may have written the content. At most 4 KiB of it are read, numbers must be finite, and what
//! is shown of it is cleaned and cut. The pid is shown in messages alone, and signals nothing.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::disk::bytes::read_range;
use crate::disk::{File, FileId, Open, Stat};
use crate::error::{Error, Expiry};
use crate::folder::Folder;
use crate::limits::{LOCK_SETTLE, LOCK_STALE_MS, MAX_LOCK_FILE};
use crate::paths::{LOCK, is_ours};
use event::text::parse_json_string;

/// Longest holder that is shown.
const SHOWN: usize = 64;

/// The content of the file, as both modules write it.
#[derive(Serialize)]
pub(crate) struct Content<'a> {
    pub(crate) holder: &'a str,
    pub(crate) timestamp: u64,
    pub(crate) pid: u32,
}

/// Whose the file is.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Owner {
    /// One of our processes, living or dead.
    Ours,
    /// A JavaScript program that may be alive.
    Foreign,
    /// No process that could still be alive.
    Stale,
    /// Half written, perhaps: look again.
    Unsettled,
}

/// The file as it is at one instant.
#[derive(Clone, Debug)]
pub(crate) struct LockFile {
    pub(crate) owner: Owner,
    /// The holder, fit to be shown.
    pub(crate) holder: String,
    /// Time since the holder wrote it.
    pub(crate) age_ms: i64,
    /// The holder's process, if it says so.
    pub(crate) pid: Option<u32>,
    pub(crate) stat: Stat,
}

/// The fields as raw JSON: JavaScript takes strings and numbers that serde refuses.
#[derive(Deserialize)]
struct Lenient<'a> {
    #[serde(borrow)]
    holder: Option<&'a RawValue>,
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
    #[serde(borrow)]
    pid: Option<&'a RawValue>,
}

/// Since when one and the same file has been seen, by the clock that never goes back. One is kept for as long as
/// the file may be met, so that no call waits for it twice.
#[derive(Default)]
pub(crate) struct Seen {
    /// The file and a checksum of its content.
    what: Option<(FileId, u32)>,
    since: Duration,
}

impl Seen {
    /// For how long this file with this content has been seen.
    fn observe(&mut self, id: FileId, content: &[u8], now: Duration) -> Duration {
        let what = Some((id, crc32fast::hash(content)));
        if self.what != what {
            *self = Self { what, since: now };
        }
        now.saturating_sub(self.since)
    }
}

/// Reads the lock file, which is called `name`; `None` if there is none.
pub(crate) fn read(folder: &Folder, name: &str, seen: &mut Seen) -> io::Result<Option<LockFile>> {
    let Some(stat) = folder.stat(name)? else { return Ok(None) };
    let nobody =
        |owner| Ok(Some(LockFile { owner, holder: "unknown".to_owned(), age_ms: 0, pid: None, stat }));
    if !stat.regular {
        // A link or pipe under this name is not a lock; nothing is read through it.
        return nobody(Owner::Stale);
    }
    let bytes = match folder.open(name, Open::Read).and_then(|file| read_range(&*file, 0, MAX_LOCK_FILE)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let now_ms = signed(folder.now_ms());
    let seen_ms = milliseconds(seen.observe(stat.id, &bytes, folder.monotonic()));
    // A time of change in the future means nothing.
    let age_of_change = now_ms.saturating_sub(signed(stat.modified_ns / 1_000_000));
    let unsettled = seen_ms.max(age_of_change) < milliseconds(LOCK_SETTLE);
    let text = String::from_utf8_lossy(&bytes);
    let Ok(content) = serde_json::from_str::<Lenient<'_>>(&text) else {
        return nobody(if unsettled { Owner::Unsettled } else { Owner::Stale });
    };
    // A number that is not a time (NaN to JavaScript) makes the lock stale, as in the original.
    let age_ms = content.timestamp.and_then(number).map(|time| {
        #[expect(clippy::cast_possible_truncation, reason = "a float too large saturates")]
        let time = time as i64;
        now_ms.saturating_sub(time)
    });
    let holder = content.holder.map_or("undefined", RawValue::get);
    let holder = match parse_json_string(holder.as_bytes()) {
        Some(holder) => shown(&String::from_utf8_lossy(&holder)),
        None => shown(holder),
    };
    let owner = match age_ms {
        _ if is_ours(&holder) => Owner::Ours,
        // Its program writes it once and believes it for so long, whatever the clock says.
        _ if seen_ms >= LOCK_STALE_MS => Owner::Stale,
        // From the future: the clock was put back, and it cannot be known when. A program that is just writing it is
        // given a moment.
        Some(age) if age < -LOCK_STALE_MS && unsettled => Owner::Unsettled,
        Some(age) if (-LOCK_STALE_MS..LOCK_STALE_MS).contains(&age) => Owner::Foreign,
        _ => Owner::Stale,
    };
    let pid = content.pid.and_then(|pid| pid.get().parse().ok()).filter(|&pid| pid > 0);
    Ok(Some(LockFile { owner, holder, age_ms: age_ms.unwrap_or(0), pid, stat }))
}

/// What to say of a `.lock` that is held; of one that could not be read, nothing but that.
pub(crate) fn refusal(folder: &Folder, held: Option<LockFile>) -> Error {
    let path = folder.path_of(LOCK);
    let Some(LockFile { owner, holder, age_ms, pid, .. }) = held else {
        return Error::Locked {
            holder: "unknown".to_owned(),
            age_ms: 0,
            pid: None,
            expiry: Expiry::Unknown,
            path,
        };
    };
    let expiry = match owner {
        Owner::Ours => Expiry::WithHolder,
        Owner::Foreign => Expiry::AfterMs(LOCK_STALE_MS.saturating_sub(age_ms).clamp(0, LOCK_STALE_MS)),
        Owner::Stale | Owner::Unsettled => Expiry::Unknown,
    };
    Error::Locked { holder, age_ms, pid, expiry, path }
}

/// Whether the file, which `holder` made, names another holder by now. What cannot be read names none.
pub(crate) fn names_another(file: &dyn File, holder: &str) -> bool {
    read_range(file, 0, MAX_LOCK_FILE)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .is_some_and(|content| content.get("holder").and_then(Value::as_str) != Some(holder))
}

/// A finite number, or none.
fn number(json: &RawValue) -> Option<f64> {
    json.get().parse::<f64>().ok().filter(|number| number.is_finite())
}

/// Without characters that control a terminal or the direction of text, and cut.
fn shown(text: &str) -> String {
    let printable = |char: &char| {
        !char.is_control()
            && !matches!(char, '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(printable).take(SHOWN).collect()
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
