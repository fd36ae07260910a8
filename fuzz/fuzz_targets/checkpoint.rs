//! Whatever stands in the checkpoint, sums and columns agree with the log, before and after an append.
#![no_main]

use guidance_ledger::engine::{Durability, OnFault};
use libfuzzer_sys::fuzz_target;

#[path = "support/folder.rs"]
mod folder;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (log, checkpoint) = input;
    let folder = folder::Folder::new();
    folder.write("events.ndjson", &log);
    let truth = folder.store().verify().expect("readable").events;
    // First a real checkpoint, then one with the fuzzer's bytes laid over it.
    folder.store().append(b"{\"timestamp\":1}\n".to_vec(), OnFault::Refuse, Durability::Process).expect("writable");
    let mut bytes = folder.read(".events.ckpt");
    for (at, byte) in checkpoint.iter().enumerate() {
        match bytes.get_mut(at) {
            Some(place) => *place ^= byte,
            None => bytes.push(*byte),
        }
    }
    folder.write(".events.ckpt", &bytes);
    assert_eq!(folder.store().stats().expect("readable").events, truth + 1);
    folder.store().append(b"{\"timestamp\":2}\n".to_vec(), OnFault::Refuse, Durability::Process).expect("writable");
    assert_eq!(folder.store().stats().expect("readable").events, truth + 2);
    assert_eq!(folder.store().verify().expect("readable").events, truth + 2);
});
