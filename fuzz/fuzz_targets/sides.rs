//! Side files of any size and content beside a small log: every call ends soon, in bounded memory (`scripts/fuzz.sh` sets
//! the bound), and the log keeps what it holds.

#![no_main]

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use store::disk::folder::RealFolder;
use store::wait::Time;
use store::{Appended, Durability, OnFault, Store};

#[path = "support/clocked.rs"]
mod clocked;
#[path = "support/folder.rs"]
mod folder;
#[path = "support/threads.rs"]
mod threads;

use clocked::Clocked;
use folder::Folder;

const LOG: &str = "events.ndjson";
/// Files of which a part is read, however large they are.
const SIDES: [&str; 8] = [
    ".events.ckpt",
    ".events.gate",
    ".events.lk",
    ".events.own",
    ".lock",
    "events.rejected.ndjson",
    "index.json",
    ".lock.018f4d3c-0000-8000-8000-000000000001.tmp",
];
/// The largest file of a memory disk that is sure to be possible.
const LARGEST: u64 = 1 << 44;
/// The old log of a rewrite is read whole, so it is no larger than this.
const LARGEST_LOG: u64 = 8 << 20;

#[derive(Arbitrary, Debug)]
struct Side {
    which: u8,
    content: Vec<u8>,
    /// With a hole behind the content.
    size: u64,
}

#[derive(Arbitrary, Debug)]
struct Input {
    log: Vec<u8>,
    sides: Vec<Side>,
    previous: Option<(Vec<u8>, u64)>,
}

fn put(folder: &Folder, name: &str, content: &[u8], size: u64) {
    folder.write(name, content);
    let file = File::options().write(true).open(folder.path(name)).expect("a file of our own");
    file.set_len(size.max(content.len() as u64)).expect("a memory disk");
}

fn append(store: &Store, line: &[u8]) {
    let appended = store.append(line.to_vec(), OnFault::Refuse, Durability::Process).expect("writable");
    if let Appended::Written(ticket) | Appended::Queued(ticket) = appended {
        store.settle(&(ticket..=ticket), Durability::Process, &store.caller()).expect("writable");
    }
}

fuzz_target!(|input: Input| {
    let start = Instant::now();
    let folder = Folder::new();
    folder.write(LOG, &input.log);
    for side in input.sides.iter().take(SIDES.len()) {
        let name = SIDES[usize::from(side.which) % SIDES.len()];
        put(&folder, name, &side.content, side.size % LARGEST);
    }
    if let Some((content, size)) = &input.previous {
        put(&folder, ".events.prev", content, size % LARGEST_LOG);
    }
    let clocked = Clocked::new(1_764_000_000_000);
    let background = threads::clocked(Arc::clone(&clocked) as Arc<dyn Time>);
    let place = store::folder::Folder::new(Arc::new(RealFolder::new(&folder.path(""))), &background);
    let store = Store::new(place.clone(), false);
    let before = store.verify().expect("readable").events;
    assert_eq!(store.stats(&store.caller()).expect("readable").events, before);
    append(&store, b"{\"timestamp\":1}\n");
    append(&store, b"null\n");
    append(&store, b"{\"timestamp\":2}\n");
    assert!(!folder.exists(".events.prev"));
    assert!(folder.read(LOG).starts_with(&input.log), "the log only grows");
    let after = store.verify().expect("readable").events;
    assert!(after > before);
    // A place whose size no file may have: what was set aside before is a stranger's.
    folder.remove("events.rejected.ndjson");
    let evicted = store.compact(1, &store.caller()).expect("writable");
    assert_eq!(evicted, after - 1);
    assert!(folder.read("events.rejected.ndjson").ends_with(b"null\n"));
    store.flush(Durability::Process, &store.caller()).expect("writable");
    let index: serde_json::Value = serde_json::from_slice(&folder.read("index.json")).expect("JSON");
    assert_eq!(index["eventCount"], 1);
    assert!(!store.verify().expect("readable").index.expect("an index").drift);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(clocked.monotonic() < Duration::from_secs(120));
});
