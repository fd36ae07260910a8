//! Finishing rewrites on real files: what was moved is not moved again, what was evicted stays away.

#![expect(clippy::disallowed_methods, reason = "a test uses real files, threads and clocks")]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use store::disk::Disk;
use store::disk::folder::RealFolder;
use store::wait::background::Background;
use store::wait::system::SystemTimeAndThreads;
use store::{Durability, OnFault, Store};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("guidance-ledger-recovery-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &[u8]) {
        fs::write(self.0.join(name), text).unwrap();
    }

    fn log(&self) -> String {
        fs::read_to_string(self.0.join("events.ndjson")).unwrap()
    }

    fn storage(&self) -> RealFolder {
        RealFolder::new(&self.0)
    }

    fn store(&self) -> Arc<Store> {
        let background = Background::new(SystemTimeAndThreads::new());
        Store::new(store::folder::Folder::new(Arc::new(self.storage()), &background), false)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn append(store: &Store, line: &str) {
    store.append(format!("{line}\n").into_bytes(), OnFault::Refuse, Durability::Process).unwrap();
}

/// The checkpoint of a process that recorded where lines may be missing, and nothing else.
fn checkpoint(folder: &Folder, from: u64, kept: u64) -> Vec<u8> {
    let id = folder.storage().stat(".events.prev").unwrap().expect("the old log").id;
    let mut slot = vec![0; 252];
    let mut put = |at: usize, bytes: &[u8]| slot.splice(at..at + bytes.len(), bytes.iter().copied()).count();
    put(0, b"GLCK");
    put(4, &1_u32.to_le_bytes());
    put(8, &1_u64.to_le_bytes());
    put(92, &4_u32.to_le_bytes());
    for (at, number) in [(104, id.device), (112, id.inode), (120, id.born_ns), (128, from), (136, kept)] {
        put(at, &number.to_le_bytes());
    }
    let checksum = crc32fast::hash(&slot);
    slot.extend_from_slice(&checksum.to_le_bytes());
    slot
}

#[test]
fn an_unterminated_line_is_moved_once() {
    let folder = Folder::new("tail");
    // A process moved the last line and died before the old log was removed.
    folder.write(".events.prev", b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}");
    folder.write("events.ndjson", b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
    folder.write(".events.ckpt", &checkpoint(&folder, 8, 8));
    append(&folder.store(), "{\"a\":4}");
    assert_eq!(folder.log(), "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{\"a\":4}\n");
}

#[test]
fn an_unterminated_line_that_equals_a_whole_one_is_moved_too() {
    let folder = Folder::new("equal-tail");
    folder.write(".events.prev", b"{\"a\":1}\n{\"a\":2}\n{\"a\":2}");
    folder.write("events.ndjson", b"{\"a\":1}\n{\"a\":2}\n");
    folder.write(".events.ckpt", &checkpoint(&folder, 8, 8));
    append(&folder.store(), "{\"a\":4}");
    assert_eq!(folder.log(), "{\"a\":1}\n{\"a\":2}\n{\"a\":2}\n{\"a\":4}\n");
}

/// Who still writes can be told on Linux only.
#[cfg(target_os = "linux")]
#[test]
fn a_rewrite_waits_until_nobody_writes_to_the_log_before_the_last() {
    let folder = Folder::new("open");
    let store = folder.store();
    append(&store, "{\"eventId\":\"a\",\"timestamp\":1}");
    append(&store, "{\"eventId\":\"b\",\"timestamp\":2}");
    // A JavaScript program that appends, and is slow.
    let other = fs::OpenOptions::new().append(true).open(folder.0.join("events.ndjson")).unwrap();
    assert_eq!(store.compact(1, &store.caller()).unwrap(), 1);
    append(&store, "{\"eventId\":\"c\",\"timestamp\":3}");
    let refused = store.compact(1, &store.caller()).unwrap_err();
    assert_eq!(refused.code(), "ELOCKED", "{refused}");
    std::io::Write::write_all(&mut &other, b"{\"eventId\":\"d\",\"timestamp\":4}\n").unwrap();
    drop(other);
    // Another process finishes: it needs to know what was evicted from the log before.
    append(&folder.store(), "{\"eventId\":\"e\",\"timestamp\":5}");
    let ids: Vec<_> = folder.log().lines().map(|line| line.chars().nth(12).unwrap()).collect();
    assert_eq!(ids.iter().collect::<String>(), "bcde");
    assert_eq!(store.compact(1, &store.caller()).unwrap(), 3, "the way is free again");
}
