//! Whatever stands in `.lock`, taking it succeeds or is refused as the rules say, in bounded time, with a message fit to be
//! shown; a lock that is respected is left as it is.

#![no_main]

use std::collections::HashMap;
use std::fs::File;
use std::time::{Duration, Instant, UNIX_EPOCH};

use store::Error;
use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

#[path = "support/folder.rs"]
mod folder;

use folder::Folder;

/// Any instant will do, if all ages are reckoned from it.
const NOW_MS: u64 = 2_000_000_000_000;
const STALE_MS: f64 = 30_000.0;
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

impl Content {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Any(bytes) => bytes.clone(),
            Self::Timestamp(text) => {
                format!("{{\"holder\":\"a\",\"timestamp\":{text},\"pid\":1}}").into_bytes()
            }
            Self::Written { holder, age_ms, ours, replaced } => {
                let holder = if *ours { "018f4d3c-0000-8000-8000-000000000001" } else { holder };
                let timestamp = NOW_MS.saturating_add_signed(-i64::from(*age_ms % 70_000));
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

/// The rules, by other means: whether a JavaScript program that may be alive holds the lock.
fn is_foreign(content: &[u8], unchanged_ms: f64) -> bool {
    let content = &content[..content.len().min(LIMIT)];
    let text = String::from_utf8_lossy(content);
    let Ok(fields) = serde_json::from_str::<HashMap<String, Box<RawValue>>>(&text) else { return false };
    let holder = fields.get("holder").and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
    // A UUID of version 8.
    if holder.is_some_and(|holder| uuid::Uuid::try_parse(&holder).is_ok_and(|id| id.get_version_num() == 8)) {
        return false;
    }
    let Some(time) = fields.get("timestamp").and_then(|raw| serde_json::from_str::<f64>(raw.get()).ok())
    else {
        return false;
    };
    // Whole milliseconds, as the engine reckons.
    let age = NOW_MS as f64 - time.trunc();
    if age < -STALE_MS { unchanged_ms < STALE_MS } else { age < STALE_MS }
}

fuzz_target!(|input: (Content, u16)| {
    let (content, unchanged_ms) = (input.0.bytes(), u64::from(input.1));
    // A file that just changed may be half written, and is looked at again for a while.
    let unchanged_ms = unchanged_ms + 1000;
    let folder = Folder::new();
    folder.write(".lock", &content);
    let changed = UNIX_EPOCH + Duration::from_millis(NOW_MS - unchanged_ms);
    File::options()
        .write(true)
        .open(folder.path(".lock"))
        .and_then(|file| file.set_modified(changed))
        .expect("a file of our own");
    let start = Instant::now();
    let store = folder.store();
    let foreign = is_foreign(&content, unchanged_ms as f64);
    match store.acquire_user_lock(NOW_MS, Duration::ZERO) {
        Ok(lock) => {
            assert!(!foreign, "robbed: {:?}", String::from_utf8_lossy(&content));
            assert!(store.acquire_user_lock(NOW_MS, Duration::ZERO).is_err(), "one holder");
            store.release_user_lock(lock).expect("ours");
            assert!(!folder.exists(".lock"));
        }
        Err(error @ Error::Locked { .. }) => {
            assert!(foreign, "nobody holds it: {:?}", String::from_utf8_lossy(&content));
            let text = error.to_string();
            assert!(text.len() < 1000 && !text.chars().any(char::is_control), "{text:?}");
            assert_eq!(folder.read(".lock"), content, "a foreign lock is left alone");
        }
        Err(error) => panic!("{error}"),
    }
    assert!(start.elapsed() < Duration::from_secs(10));
});
