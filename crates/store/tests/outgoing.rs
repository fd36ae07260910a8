//! What waits for a shared store: which lines, from where, and what is noted.

#![expect(clippy::disallowed_methods, reason = "a test uses real files")]
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::disk::folder::RealFolder;
use store::{Durability, Most, OnFault, Outgoing, Store};

const MOST: Most = Most { events: 100, bytes: 1 << 20, longest: 1 << 20 };

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("guidance-ledger-outgoing-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        let folder = Self(path);
        let store = store(&folder.0);
        store.begin_shipping(&store.caller()).unwrap();
        folder
    }

    fn file(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn store(path: &Path) -> Arc<Store> {
    Store::alone(Arc::new(RealFolder::new(path)))
}

fn append(path: &Path, text: &str) {
    store(path).append(text.as_bytes().to_vec(), OnFault::Refuse, Durability::Process).unwrap();
}

fn event(number: u32) -> String {
    format!("{{\"timestamp\":{number}}}\n")
}

fn events(numbers: std::ops::Range<u32>) -> String {
    numbers.map(event).collect()
}

/// All that waits, noted as shipped if `note`.
fn take(outgoing: &mut Outgoing, note: bool) -> String {
    let mut all = String::new();
    while let Some(found) = outgoing.next(&MOST).unwrap() {
        for line in &found.lines {
            all.push_str(std::str::from_utf8(&line.line).unwrap());
            all.push('\n');
        }
        let last = found.lines.last().unwrap();
        if !note {
            break;
        }
        outgoing.shipped(Some((last.part, last.end)), 7).unwrap();
    }
    all
}

fn take_all(path: &Path, note: bool) -> String {
    let store = store(path);
    let mut outgoing = store.outgoing(store.caller()).unwrap().unwrap();
    take(&mut outgoing, note)
}

#[test]
fn what_is_noted_is_not_given_out_again() {
    let folder = Folder::new("noted");
    append(&folder.0, &events(0..5));
    assert_eq!(take_all(&folder.0, false), events(0..5));
    assert_eq!(take_all(&folder.0, true), events(0..5), "the answer was lost: offered again");
    assert_eq!(take_all(&folder.0, true), "");
    append(&folder.0, &events(5..7));
    // Half a line is not yet one.
    fs::write(folder.0.join("events.ndjson"), folder.file("events.ndjson") + "{\"half\":").unwrap();
    assert_eq!(take_all(&folder.0, true), events(5..7));
    append(&folder.0, &events(7..8));
    assert_eq!(take_all(&folder.0, true), events(7..8), "what is no event is passed over");
}

#[test]
fn eviction_saves_what_is_not_shipped_and_the_rest_is_not_offered_again() {
    let folder = Folder::new("evicted");
    append(&folder.0, &events(0..10));
    take_all(&folder.0, true);
    append(&folder.0, &events(10..14));
    let store_ = store(&folder.0);
    assert_eq!(store_.compact(2, &store_.caller()).unwrap(), 12);
    assert_eq!(folder.file(".events.outbox"), events(10..14));
    append(&folder.0, &events(14..15));
    assert_eq!(store_.shipping().unwrap().unwrap().1, (events(10..14) + &event(14)).len() as u64);
    assert_eq!(take_all(&folder.0, true), events(10..15));
    assert_eq!(folder.file(".events.outbox"), "", "cut to nothing");
    assert_eq!(store_.shipping().unwrap().unwrap().1, 0);
    // The same again in the same file: what was shipped of an earlier outbox says nothing about this one.
    append(&folder.0, &events(20..24));
    store_.compact(1, &store_.caller()).unwrap();
    assert_eq!(take_all(&folder.0, true), events(20..24));
}

#[test]
fn edits_are_offered_anew() {
    let folder = Folder::new("edits");
    append(&folder.0, &events(0..3));
    take_all(&folder.0, true);
    let store_ = store(&folder.0);
    store_.replace_all(events(50..52).as_bytes(), &store_.caller()).unwrap();
    assert_eq!(folder.file(".events.outbox"), "", "all of the old log was shipped");
    assert_eq!(take_all(&folder.0, true), events(50..52));
}

#[test]
fn a_folder_that_does_not_ship_has_none_of_it() {
    let folder = Folder::new("plain");
    fs::remove_file(folder.0.join(".events.ship")).unwrap();
    append(&folder.0, &events(0..10));
    let store_ = store(&folder.0);
    store_.compact(2, &store_.caller()).unwrap();
    assert!(!folder.0.join(".events.outbox").exists() && store_.shipping().unwrap().is_none());
}

#[test]
fn one_shipper_for_each_folder() {
    let folder = Folder::new("one");
    let (one, two) = (store(&folder.0), store(&folder.0));
    let first = one.outgoing(one.caller()).unwrap();
    assert!(first.is_some() && two.outgoing(two.caller()).unwrap().is_none());
    drop(first);
    assert!(two.outgoing(two.caller()).unwrap().is_some());
}

#[test]
fn a_copied_folder_takes_a_name_of_its_own_and_begins_anew() {
    let folder = Folder::new("original");
    append(&folder.0, &events(0..3));
    take_all(&folder.0, true);
    let copy = Folder::new("copy");
    for name in ["events.ndjson", ".events.ship"] {
        fs::copy(folder.0.join(name), copy.0.join(name)).unwrap();
    }
    let source = |path: &Path| {
        let store = store(path);
        store.outgoing(store.caller()).unwrap().unwrap().noted().unwrap().source
    };
    // Copied over its own file, which keeps its identity: the slots name another one.
    assert_ne!(source(&folder.0), source(&copy.0));
    assert_eq!(take_all(&copy.0, true), events(0..3));
    assert_eq!(take_all(&folder.0, true), "");
}

#[test]
fn a_line_that_is_too_long_is_set_aside_and_counted() {
    let folder = Folder::new("long");
    let long = format!("{{\"long\":\"{}\"}}\n", "x".repeat(5 << 20));
    append(&folder.0, &(event(1) + &long + &event(2)));
    let store_ = store(&folder.0);
    let mut outgoing = store_.outgoing(store_.caller()).unwrap().unwrap();
    assert_eq!(take(&mut outgoing, true), event(1) + &event(2));
    assert_eq!(folder.file("events.unshipped.ndjson"), long);
    assert_eq!(outgoing.noted().unwrap().set_aside, 1);
    // Allowed to be as long, it is shipped whole.
    outgoing.begin_anew(9, 0).unwrap();
    let most = Most { longest: 8 << 20, ..MOST };
    let first = outgoing.next(&most).unwrap().unwrap();
    assert!(first.offered_before, "a large log that begins at 0 was perhaps shipped before");
    let behind = first.lines.last().map(|last| (last.part, last.end));
    outgoing.shipped(behind, 0).unwrap();
    let found = outgoing.next(&most).unwrap().unwrap();
    assert_eq!(found.lines.first().map(|first| first.line.len() + 1), Some(long.len()));
}

#[test]
fn destroying_what_is_not_shipped_is_refused() {
    let folder = Folder::new("destroy");
    append(&folder.0, &events(0..3));
    let store_ = store(&folder.0);
    let refused = store_.destroy(false, &store_.caller()).unwrap_err();
    assert_eq!(refused.code(), "EUNSHIPPED");
    assert_eq!(folder.file("events.ndjson"), events(0..3));
    take_all(&folder.0, true);
    store_.destroy(false, &store_.caller()).unwrap();
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn destroying_it_by_force_removes_what_is_not_shipped_as_well() {
    let folder = Folder::new("force");
    append(&folder.0, &events(0..3));
    let store_ = store(&folder.0);
    store_.destroy(true, &store_.caller()).unwrap();
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn pending_lines_are_those_of_outbox_and_log_that_no_store_has() {
    let folder = Folder::new("pending");
    let pending = || String::from_utf8(store(&folder.0).pending_lines().unwrap()).unwrap();
    assert_eq!(pending(), "");
    append(&folder.0, &events(0..3));
    assert_eq!(pending(), events(0..3));
    take_all(&folder.0, true);
    append(&folder.0, &events(3..6));
    assert_eq!(pending(), events(3..6));
    // A rewrite moves what it takes away to the outbox; that stands first, and nothing is missing.
    let store_ = store(&folder.0);
    store_.compact(1, &store_.caller()).unwrap();
    let moved = pending();
    assert!(
        moved.starts_with(&event(3)) && moved.ends_with(&event(5)) && moved.contains(&event(4)),
        "{moved}"
    );
    take_all(&folder.0, true);
    assert_eq!(pending(), "");
    // A folder that does not ship yet has shipped nothing.
    fs::remove_file(folder.0.join(".events.ship")).unwrap();
    assert_eq!(pending(), event(5));
}

#[test]
fn a_shipper_is_wanted_once_a_minute_and_only_if_it_has_something_to_do() {
    let folder = Folder::new("wanted");
    let wanted = || {
        let store = store(&folder.0);
        store.wants_shipper(&store.caller()).unwrap()
    };
    assert!(!wanted(), "nothing waits");
    append(&folder.0, &events(0..3));
    {
        let store = store(&folder.0);
        let _ships = store.outgoing(store.caller()).unwrap().unwrap();
        assert!(!wanted(), "another process ships");
    }
    assert!(wanted());
    assert!(!wanted(), "one was asked for a moment ago");
    {
        let store = store(&folder.0);
        let mut outgoing = store.outgoing(store.caller()).unwrap().unwrap();
        take(&mut outgoing, true);
        outgoing.arrived(3, 0).unwrap();
    }
    append(&folder.0, &events(3..4));
    assert!(wanted(), "that one did its work");
    {
        let store = store(&folder.0);
        let outgoing = store.outgoing(store.caller()).unwrap().unwrap();
        outgoing.arrived(0, 0).unwrap();
        outgoing.failed("EFLEETDOWN", 3_600_000).unwrap();
    }
    assert!(!wanted(), "the next attempt is not due");
    fs::remove_file(folder.0.join(".events.ship")).unwrap();
    assert!(!wanted(), "the folder does not ship");
}

#[test]
fn the_log_is_offered_again_from_a_time_on() {
    let folder = Folder::new("since");
    // A clock that went back: 3 stands behind 12.
    let log = [events(0..10), events(10..13), event(3), events(13..20)].concat();
    append(&folder.0, &log);
    assert_eq!(take_all(&folder.0, true), log);
    append(&folder.0, &event(20));
    let store = store(&folder.0);
    let mut outgoing = store.outgoing(store.caller()).unwrap().unwrap();
    outgoing.offer_again_since(100.0).unwrap();
    assert_eq!(take(&mut outgoing, true), event(20), "what waits goes on waiting");
    outgoing.offer_again_since(12.0).unwrap();
    assert_eq!(take(&mut outgoing, true), [event(12), event(3), events(13..21)].concat());
    outgoing.offer_again_since(f64::NEG_INFINITY).unwrap();
    assert_eq!(take(&mut outgoing, true), [log, event(20)].concat());
    outgoing.offer_again_since(11.5).unwrap();
    // The log that was looked at is replaced: all of the new one is unknown to the cursor, or shipped.
    store.compact(2, &store.caller()).unwrap();
    let left = take(&mut outgoing, true);
    assert!(left.ends_with(&events(19..21)), "{left}");
}
