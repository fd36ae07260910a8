//! Whatever stands in `.lock`, taking it succeeds or is refused in bounded time, with a message fit to be shown.
#![no_main]

use std::time::{Duration, Instant};

use guidance_ledger::engine::Error;
use libfuzzer_sys::fuzz_target;

#[path = "support/folder.rs"]
mod folder;

fuzz_target!(|input: (Vec<u8>, u64)| {
    let (content, now_ms) = input;
    let folder = folder::Folder::new();
    folder.write(".lock", &content);
    // Far in the future, so that an unreadable file is not waited for.
    let now_ms = (1 << 50) + now_ms % (1 << 40);
    let start = Instant::now();
    let store = folder.store();
    match store.acquire_user_lock(now_ms, Duration::ZERO) {
        Ok(lock) => {
            assert!(store.acquire_user_lock(now_ms, Duration::ZERO).is_err(), "one holder");
            store.release_user_lock(lock).expect("ours");
            assert!(!folder.exists(".lock"));
        }
        Err(error @ Error::Locked { .. }) => {
            let text = error.to_string();
            assert!(text.len() < 1000 && !text.chars().any(char::is_control), "{text:?}");
            assert_eq!(folder.read(".lock"), content, "a foreign lock is left alone");
        }
        Err(error) => panic!("{error}"),
    }
    assert!(start.elapsed() < Duration::from_secs(10));
});
