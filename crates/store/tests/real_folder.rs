//! The store on a real folder, from an empty one to a compacted one, on each system that the tests run on.

#![expect(clippy::disallowed_methods, reason = "a test uses real files, threads and clocks")]
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use store::disk::folder::RealFolder;
use store::{Durability, Follower, Holdings, News, OnFault, Query, Reader, Start, Store, UserLock};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("guidance-ledger-real-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn store(&self) -> Arc<Store> {
        Store::alone(Arc::new(RealFolder::new(&self.0)))
    }

    fn ids(&self) -> String {
        let log = fs::read_to_string(self.0.join("events.ndjson")).unwrap();
        log.lines().map(|line| line.get(12..13).unwrap()).collect()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn line(id: &str) -> String {
    format!("{{\"eventId\":\"{id}\",\"timestamp\":1}}\n")
}

fn append(store: &Store, id: &str, durability: Durability) {
    store.append(line(id).into_bytes(), OnFault::Refuse, durability).unwrap();
    store.flush(durability, &store.caller()).unwrap();
}

#[test]
fn the_life_of_a_folder() {
    let folder = Folder::new("life");
    let store = folder.store();
    for id in ["a", "b", "c"] {
        append(&store, id, Durability::Disk);
    }
    let other = folder.store();
    append(&other, "d", Durability::Process);
    assert_eq!(store.stats(&store.caller()).unwrap().events, 4);
    assert_eq!(store.compact(3, &store.caller()).unwrap(), 1);
    append(&other, "e", Durability::Process);
    append(&store, "null", Durability::Process);
    assert_eq!(other.compact(2, &store.caller()).unwrap(), 3);
    other.replace_all(line("f").as_bytes(), &other.caller()).unwrap();
    let kept = Holdings { sealed: None, live: b"", positions: &[], dropped: &HashSet::new() };
    store.save(&kept, &store.caller()).unwrap();
    append(&store, "g", Durability::Disk);
    assert_eq!(folder.ids(), "fg");

    let mut reader = Reader::new(folder.store(), Query::default(), false);
    let slice = reader.next_slice().unwrap().unwrap();
    assert_eq!(String::from_utf8(slice).unwrap(), format!("[{},{}]", line("f").trim(), line("g").trim()));
    let report = store.verify().unwrap();
    assert_eq!((report.events, report.malformed_count), (2, 0));

    let lock = UserLock::acquire(
        store.folder(),
        &store.caller().patience(&*store.folder().background().time, Duration::ZERO),
    )
    .unwrap();
    assert_eq!(
        UserLock::acquire(
            other.folder(),
            &other.caller().patience(&*other.folder().background().time, Duration::ZERO)
        )
        .err()
        .unwrap()
        .code(),
        "ELOCKED"
    );
    lock.refresh(1_764_000_000_000).unwrap();
    lock.release(store.folder()).unwrap();
    drop(
        UserLock::acquire(
            other.folder(),
            &other.caller().patience(&*other.folder().background().time, Duration::ZERO),
        )
        .unwrap(),
    );

    store.flush(Durability::Process, &store.caller()).unwrap();
    let left: Vec<_> = folder.names().into_iter().filter(|name| name.contains("tmp")).collect();
    assert_eq!(left, [""; 0]);
    // Whose handles are open keeps their files from being removed for good on some systems.
    drop((reader, other));
    store.destroy(false, &store.caller()).unwrap();
    assert_eq!(folder.names(), [""; 0]);
}

/// A reader that begins now has not looked yet when the log is cut.
#[test]
fn a_log_that_is_cut_before_the_first_look_is_a_gap() {
    let folder = Folder::new("cut");
    let store = folder.store();
    append(&store, "a", Durability::Process);
    append(&store, "b", Durability::Process);
    let mut follower = Follower::new(&store, Start::Now, None);
    fs::write(folder.0.join("events.ndjson"), line("c")).unwrap();
    assert!(matches!(follower.poll().unwrap(), News::Gap(None)));
    append(&store, "d", Durability::Process);
    let News::Events(given) = follower.poll().unwrap() else { panic!("no event") };
    assert_eq!(given.events().count(), 1);
    assert!(matches!(follower.poll().unwrap(), News::Nothing));
}

/// Virus scanners and indexers open a file that was just written, and let no other program have it meanwhile.
#[cfg(windows)]
#[test]
fn a_file_that_another_program_holds_for_a_moment_is_tried_again() {
    use std::os::windows::fs::OpenOptionsExt;
    use std::sync::mpsc::channel;

    let folder = Folder::new("held");
    let store = folder.store();
    for id in ["a", "b", "c"] {
        append(&store, id, Durability::Process);
    }
    let hold = |name: &str| {
        let path = folder.0.join(name);
        let (held, is_held) = channel();
        let thread = std::thread::spawn(move || {
            let file = fs::File::options().read(true).share_mode(0).open(path).unwrap();
            held.send(()).unwrap();
            std::thread::sleep(Duration::from_millis(300));
            drop(file);
        });
        is_held.recv().unwrap();
        thread
    };
    let thread = hold("events.ndjson");
    append(&store, "d", Durability::Process);
    thread.join().unwrap();
    let thread = hold("events.ndjson");
    assert_eq!(store.compact(2, &store.caller()).unwrap(), 2);
    thread.join().unwrap();
    append(&store, "e", Durability::Process);
    let thread = hold("index.json");
    store.flush(Durability::Process, &store.caller()).unwrap();
    thread.join().unwrap();
    assert!(fs::read_to_string(folder.0.join("index.json")).unwrap().contains("\"eventCount\": 3"));
    assert_eq!(folder.ids(), "cde");
}
