//! Whatever stands in `.lock` and whatever the clocks say, taking it succeeds or is refused as the rules say, in bounded
//! time, with a message fit to be shown; a lock that is respected is left as it is, and no append waits for it twice. A
//! lock of ours is JSON at any time.

#![no_main]

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use store::disk::folder::RealFolder;
use store::wait::Time;
use store::{Appended, Durability, Error, OnFault, Store, UserLock};

#[path = "support/clocked.rs"]
mod clocked;
#[path = "support/folder.rs"]
mod folder;
#[path = "support/threads.rs"]
mod threads;

use clocked::Clocked;
use folder::Folder;

const STALE_MS: f64 = 30_000.0;
/// How long an unclear lock is looked at.
const LOOK_MS: f64 = 2_000.0;
/// Most that is read of the file.
const LIMIT: usize = 4096;

#[derive(Arbitrary, Debug)]
enum Content {
    Any(Vec<u8>),
    /// As both modules write it; then bytes of it are replaced.
    Written {
        holder: String,
        age_ms: i32,
        ours: bool,
        replaced: Vec<(u16, u8)>,
    },
    /// The timestamp as text.
    Timestamp(String),
}

#[derive(Arbitrary, Debug)]
struct Input {
    content: Content,
    /// The wall clock, at any time.
    now_ms: u64,
    /// When the file was changed, before that clock or behind it.
    unchanged_s: i32,
    /// What the wall clock says later.
    later_ms: Vec<u64>,
}

impl Content {
    fn bytes(&self, now_ms: u64) -> Vec<u8> {
        match self {
            Self::Any(bytes) => bytes.clone(),
            Self::Timestamp(text) => {
                format!("{{\"holder\":\"a\",\"timestamp\":{text},\"pid\":1}}").into_bytes()
            }
            Self::Written { holder, age_ms, ours, replaced } => {
                let holder = if *ours { "018f4d3c-0000-8000-8000-000000000001" } else { holder };
                let timestamp = now_ms.saturating_add_signed(-i64::from(*age_ms % 70_000));
                let mut bytes = serde_json::json!({ "holder": holder, "timestamp": timestamp, "pid": 1 });
                bytes.sort_all_objects();
                let mut bytes = bytes.to_string().into_bytes();
                for &(at, byte) in replaced {
                    let at = usize::from(at) % bytes.len();
                    bytes[at] = byte;
                }
                bytes
            }
        }
    }
}

/// The rules, by other means: whether a JavaScript program that may be alive holds the lock. `None`: that depends on the
/// instant of the look.
fn is_foreign(content: &[u8], now_ms: u64) -> Option<bool> {
    let content = &content[..content.len().min(LIMIT)];
    let text = String::from_utf8_lossy(content);
    let Ok(fields) = serde_json::from_str::<HashMap<String, Box<RawValue>>>(&text) else {
        return Some(false);
    };
    let holder = fields.get("holder").and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    // A UUID of version 8.
    if holder.is_some_and(|holder| uuid::Uuid::try_parse(&holder).is_ok_and(|id| id.get_version_num() == 8)) {
        return Some(false);
    }
    let Some(time) = fields.get("timestamp").and_then(|raw| serde_json::from_str::<f64>(raw.get()).ok())
    else {
        return Some(false);
    };
    // Whole milliseconds, as the engine reckons, which has no larger numbers than these.
    let age = (now_ms.min(i64::MAX as u64) as i64).saturating_sub(time as i64) as f64;
    match age {
        _ if age < -STALE_MS - LOOK_MS => Some(false),
        _ if age < -STALE_MS => None,
        _ => Some(age < STALE_MS),
    }
}

/// How long an awaited append takes, by the clock that never goes back.
fn append(folder: &dyn Time, store: &Store) -> Duration {
    let start = folder.monotonic();
    let line = b"{\"timestamp\":1}\n".to_vec();
    let appended = store.append(line, OnFault::Refuse, Durability::Process).expect("writable");
    if let Appended::Written(ticket) | Appended::Queued(ticket) = appended {
        store.settle(&(ticket..=ticket), Durability::Process, &store.caller()).expect("writable");
    }
    folder.monotonic() - start
}

fuzz_target!(|input: Input| {
    let Input { content, now_ms, unchanged_s, later_ms } = input;
    let content = content.bytes(now_ms);
    let folder = Folder::new();
    folder.write(".lock", &content);
    let changed_s = (now_ms / 1000).min(1 << 40).saturating_add_signed(-i64::from(unchanged_s));
    File::options()
        .write(true)
        .open(folder.path(".lock"))
        .and_then(|file| file.set_modified(UNIX_EPOCH + Duration::from_secs(changed_s)))
        .expect("a file of our own");
    let start = Instant::now();
    let foreign = is_foreign(&content, now_ms);
    let clocked = Clocked::new(now_ms);
    let background = threads::clocked(Arc::clone(&clocked) as Arc<dyn Time>);
    let place = store::folder::Folder::new(Arc::new(RealFolder::new(&folder.path(""))), &background);
    let store = Store::new(place.clone(), false);
    match UserLock::acquire(&place, &place.patience(Duration::ZERO)) {
        Ok(lock) => {
            assert_ne!(foreign, Some(true), "robbed: {:?}", String::from_utf8_lossy(&content));
            assert!(UserLock::acquire(&place, &place.patience(Duration::ZERO)).is_err(), "one holder");
            for now_ms in [now_ms].into_iter().chain(later_ms) {
                lock.refresh(now_ms).expect("writable");
                let text = folder.read(".lock");
                let content: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
                assert!(content["timestamp"].is_u64() && content["holder"].is_string());
            }
            lock.release(&place).expect("ours");
            assert!(!folder.exists(".lock"));
        }
        Err(error @ Error::Locked { .. }) => {
            assert_ne!(foreign, Some(false), "nobody holds it: {:?}", String::from_utf8_lossy(&content));
            let text = error.to_string();
            assert!(text.len() < 1000 && !text.chars().any(char::is_control), "{text:?}");
            assert_eq!(folder.read(".lock"), content, "a foreign lock is left alone");
        }
        Err(error) => panic!("{error}"),
    }
    folder.write(".lock", &content);
    assert!(append(&*clocked, &store) < Duration::from_secs(33));
    assert!(append(&*clocked, &store) < Duration::from_secs(1), "it is waited for once");
    assert_eq!(folder.read(".lock"), content);
    assert!(start.elapsed() < Duration::from_secs(10));
});
