//! Whatever stands in the checkpoint, sums and `index.json` agree with the log. One that is forged with its checksum is
//! believed, but neither harms the log nor takes memory or time.

#![no_main]

use std::time::{Duration, Instant};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use store::{Durability, OnFault, Stats};

#[path = "support/checkpoint_file.rs"]
mod checkpoint_file;
#[path = "support/folder.rs"]
mod folder;
#[path = "support/threads.rs"]
mod threads;

use checkpoint_file::{EVENTS, SLOT, forge};
use folder::Folder;

const LOG: &str = "events.ndjson";
const CHECKPOINT: &str = ".events.ckpt";
const INDEX: &str = "index.json";
/// More events than any input holds.
const MANY: u64 = 1 << 40;

#[derive(Arbitrary, Debug)]
struct Event {
    timestamp: f64,
    task: Option<u8>,
}

#[derive(Arbitrary, Debug)]
enum Damage {
    Flipped(Vec<(u16, u8)>),
    /// One byte of the tasks' names.
    Name(u8, u8),
    Replaced(Vec<u8>),
    Cut(u16),
    /// One slot in place of the other: an old state, as a lost write leaves it.
    Copied {
        first: bool,
    },
    /// The log was replaced by the JavaScript module: another file.
    OtherLog(Vec<u8>),
    ShorterLog(u16),
    /// Numbers with a right checksum, at places of four bytes. One of `where` is the mark, which must be left alone to
    /// be believed.
    Forged {
        first: bool,
        changes: Vec<(u8, u64)>,
    },
    /// Only the count of events, so that it is believed.
    Counted(u64),
}

#[derive(Arbitrary, Debug)]
struct Input {
    log: Vec<u8>,
    events: Vec<Event>,
    damage: Damage,
}

fn append(folder: &Folder, line: String) {
    folder.store().append(line.into_bytes(), OnFault::Refuse, Durability::Process).expect("writable");
}

fn stats(folder: &Folder) -> Stats {
    let store = folder.store();
    store.stats(&store.caller()).expect("readable")
}

/// What a process that writes after the damage leaves in `index.json`.
fn index(folder: &Folder) -> Value {
    let store = folder.store();
    store.append(b"{\"timestamp\":2}\n".to_vec(), OnFault::Refuse, Durability::Process).expect("writable");
    store.flush(Durability::Process, &store.caller()).expect("writable");
    serde_json::from_slice(&folder.read(INDEX)).expect("JSON, as the original writes it")
}

fn is_forged(damage: &Damage) -> bool {
    matches!(damage, Damage::Forged { .. } | Damage::Counted(_))
}

fn harm(folder: &Folder, damage: &Damage) {
    let mut bytes = folder.read(CHECKPOINT);
    bytes.resize(bytes.len().max(2 * SLOT), 0);
    match damage {
        Damage::Flipped(flips) => {
            for &(at, bits) in flips {
                let at = usize::from(at) % bytes.len();
                bytes[at] ^= bits;
            }
        }
        Damage::Name(at, bits) => {
            if let Some(byte) = bytes.get_mut(2 * SLOT + usize::from(*at)) {
                *byte ^= bits;
            }
        }
        Damage::Replaced(other) => bytes.clone_from(other),
        Damage::Cut(length) => bytes.truncate(usize::from(*length) % (bytes.len() + 1)),
        Damage::Copied { first: true } => bytes.copy_within(..SLOT, SLOT),
        Damage::Copied { first: false } => bytes.copy_within(SLOT..2 * SLOT, 0),
        Damage::OtherLog(log) => {
            folder.write("other", log);
            std::fs::rename(folder.path("other"), folder.path(LOG)).expect("a file of our own");
        }
        Damage::ShorterLog(length) => {
            let log = folder.read(LOG);
            folder.write(LOG, &log[..usize::from(*length) % (log.len() + 1)]);
        }
        Damage::Forged { first, changes } => {
            let slot = if *first { &mut bytes[..SLOT] } else { &mut bytes[SLOT..2 * SLOT] };
            let changes: Vec<_> =
                changes.iter().map(|&(at, number)| (8 + usize::from(at % 60) * 4, number)).collect();
            forge(slot, &changes);
        }
        Damage::Counted(count) => {
            for slot in bytes[..2 * SLOT].chunks_exact_mut(SLOT) {
                forge(slot, &[(EVENTS, *count)]);
            }
        }
    }
    folder.write(CHECKPOINT, &bytes);
}

fuzz_target!(|input: Input| {
    let start = Instant::now();
    let folder = Folder::new();
    folder.write(LOG, &input.log);
    append(&folder, "{\"timestamp\":1}\n".to_owned());
    for event in input.events.iter().take(8) {
        let line = serde_json::json!({ "timestamp": event.timestamp, "taskId": event.task.map(|task| format!("t{task}")) });
        append(&folder, format!("{line}\n"));
    }
    harm(&folder, &input.damage);
    let log = folder.read(LOG);

    let (told, written) = (stats(&folder), index(&folder));
    let (told_then, after) = (stats(&folder), folder.read(LOG));
    assert!(after.starts_with(&log) && after.ends_with(b"{\"timestamp\":2}\n"), "the log only grows");
    assert!(start.elapsed() < Duration::from_secs(10));
    if is_forged(&input.damage) {
        return;
    }

    // The same without a checkpoint, and by the one who counts each line.
    folder.remove(CHECKPOINT);
    folder.remove(INDEX);
    assert_eq!(folder.store().verify().expect("readable").events, told_then.events);
    folder.write(LOG, &log);
    let naive = stats(&folder);
    assert_eq!((naive.events, naive.times), (told.events, told.times));
    assert!(naive.events < MANY);
    assert_eq!(index(&folder), written);
    let naive = stats(&folder);
    assert_eq!((naive.events, naive.times), (told_then.events, told_then.times));
});
