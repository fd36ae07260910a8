//! Whatever a crash left behind, the next append keeps every line of the log and of the log that was being replaced, and doing it
//! again changes nothing.
#![no_main]

use std::collections::HashMap;

use guidance_ledger::engine::{Durability, OnFault};
use libfuzzer_sys::fuzz_target;

#[path = "support/folder.rs"]
mod folder;

fn lines(bytes: &[u8]) -> HashMap<Vec<u8>, usize> {
    let mut counts = HashMap::new();
    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        *counts.entry(line.to_vec()).or_default() += 1;
    }
    counts
}

fuzz_target!(|input: (Vec<u8>, Vec<u8>, Vec<u8>)| {
    let (log, previous, checkpoint) = input;
    let folder = folder::Folder::new();
    folder.write("events.ndjson", &log);
    folder.write(".events.prev", &previous);
    folder.write(".events.ckpt", &checkpoint);
    let event = b"{\"eventId\":\"new\"}\n";
    folder.store().append(event.to_vec(), OnFault::Refuse, Durability::Process).expect("writable");
    assert!(!folder.exists(".events.prev"));
    let once = folder.read("events.ndjson");
    let found = lines(&once);
    for (line, count) in lines(&log).into_iter().chain(lines(&previous)) {
        assert!(found.get(&line).is_some_and(|found| *found >= count), "{:?} is gone", String::from_utf8_lossy(&line));
    }
    assert!(once.ends_with(event));
    folder.store().append(event.to_vec(), OnFault::Refuse, Durability::Process).expect("writable");
    assert_eq!(folder.read("events.ndjson"), [once.as_slice(), event].concat());
});
