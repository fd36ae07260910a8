//! Folders and files that no program of ours would make: the answer is an error or the truth, in bounded memory.

#![expect(clippy::disallowed_methods, reason = "a test uses real files, threads and clocks")]
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use store::disk::Disk;
use store::disk::folder::RealFolder;
use store::{Durability, OnFault, Query, Reader, Store, UserLock};

/// A little longer than the longest string of V8.
const LONG: u64 = 513 << 20;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("guidance-ledger-hostile-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn store(&self) -> Arc<Store> {
        Store::alone(Arc::new(RealFolder::new(&self.0)))
    }

    /// A file of these texts, each at its offset, with holes in between, and its size.
    fn sparse(&self, name: &str, texts: &[(u64, &str)], size: u64) {
        let file = File::create(self.path(name)).unwrap();
        for (offset, text) in texts {
            file.write_all_at(text.as_bytes(), *offset).unwrap();
        }
        file.set_len(size).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
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

fn read_all(store: Arc<Store>, by_columns: bool) -> Vec<String> {
    let mut reader = Reader::new(store, Query::default(), by_columns);
    let mut slices = Vec::new();
    while let Some(slice) = reader.next_slice().unwrap() {
        slices.push(String::from_utf8(slice).unwrap());
    }
    slices
}

/// Runs a test again in a process that may have no more than 400 MiB of memory.
fn within_bounds(test: &str, body: impl FnOnce()) {
    if std::env::var_os("GUIDANCE_LEDGER_BOUNDED").is_some() {
        return body();
    }
    let status = Command::new("sh")
        .args(["-c", "ulimit -v 409600 && exec \"$0\" --exact \"$1\" --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .envs([("GUIDANCE_LEDGER_BOUNDED", "1"), ("MALLOC_ARENA_MAX", "1")])
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    for path in ["/proc/x", "/proc/x/y/z", "/proc/self/x", "/sys/x/y"] {
        let folder = RealFolder::new(Path::new(path));
        assert!(folder.create_folder().is_err(), "{path}");
        let store = Store::alone(Arc::new(folder));
        let failure =
            store.append(b"{\"timestamp\":1}\n".to_vec(), OnFault::Refuse, Durability::Process).unwrap_err();
        assert!(["ENOENT", "EPERM", "EACCES"].contains(&failure.code()), "{failure}");
        assert_eq!((failure.path(), failure.syscall()), (Some(path), Some("mkdir")));
    }
}

#[test]
fn missing_ancestors_are_made() {
    let root = std::env::temp_dir().join(format!("guidance-ledger-deep-{}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    let deep = root.join("a/b/c");
    RealFolder::new(&deep).create_folder().unwrap();
    RealFolder::new(&deep).create_folder().unwrap();
    assert!(deep.is_dir());
    fs::write(root.join("file"), b"").unwrap();
    let failure = RealFolder::new(&root.join("file")).create_folder().unwrap_err();
    assert_eq!(failure.kind(), std::io::ErrorKind::NotADirectory);
    fs::remove_dir_all(&root).unwrap();
}

#[test]
fn side_files_of_any_size_are_bounded() {
    within_bounds("side_files_of_any_size_are_bounded", || {
        let folder = Folder::new("side");
        append(&folder.store(), "{\"eventId\":\"a\",\"timestamp\":1}");
        let huge = 10 << 40;
        for name in
            ["index.json", ".lock", ".events.ckpt", "events.rejected.ndjson", ".events.lk", ".events.ship"]
        {
            folder.sparse(name, &[(0, "{\"eventCount\":1")], huge);
        }
        let report = folder.store().verify().unwrap();
        let index = report.index.unwrap();
        assert!(index.drift && index.event_count.is_none() && report.events == 1);
        assert_eq!(folder.store().stats(&folder.store().caller()).unwrap().events, 1);
        let store = folder.store();
        let lock = UserLock::acquire(
            store.folder(),
            &store.caller().patience(&*store.folder().background().time, Duration::ZERO),
        )
        .unwrap();
        lock.release(store.folder()).unwrap();
        append(&store, "null");
        append(&store, "{\"eventId\":\"b\",\"timestamp\":2}");
        fs::remove_file(folder.path("events.rejected.ndjson")).unwrap();
        assert_eq!(store.compact(1, &store.caller()).unwrap(), 1);
        store.flush(Durability::Process, &store.caller()).unwrap();
        assert!(folder.read("index.json").contains("\"eventCount\": 1"));
        // A folder that ships, as far as rewrites can tell.
        assert!(folder.read(".events.outbox").contains("\"a\""));
    });
}

#[test]
fn a_line_longer_than_any_string_is_passed_over() {
    within_bounds("a_line_longer_than_any_string_is_passed_over", || {
        for (begin, hole) in [("{\"eventId\":\"", LONG), ("x", LONG), ("", (2 << 30) + 1)] {
            let folder = Folder::new("long");
            let (first, last) =
                ("{\"eventId\":\"a\",\"timestamp\":1}", "{\"eventId\":\"b\",\"timestamp\":2}");
            let start = first.len() as u64 + 1;
            let texts = [
                (0, first),
                (start - 1, "\n"),
                (start, begin),
                (start + hole, "\n"),
                (start + hole + 1, last),
            ];
            let size = start + hole + 1 + last.len() as u64 + 1;
            folder.sparse("events.ndjson", &texts, size - 1);
            append(&folder.store(), "{\"eventId\":\"c\"}");
            let report = folder.store().verify().unwrap();
            assert_eq!((report.events, report.malformed_count), (3, 1));
            assert_eq!((report.malformed[0].offset, report.malformed[0].length), (start, hole));
            assert_eq!(folder.store().stats(&folder.store().caller()).unwrap().events, 3);
            for by_columns in [false, true] {
                let text = read_all(folder.store(), by_columns).concat();
                let ids: Vec<_> =
                    ["a", "b", "c"].into_iter().filter(|id| text.contains(&format!("\"{id}\""))).collect();
                assert_eq!(ids, ["a", "b", "c"]);
            }
            assert_eq!(folder.store().seal(&folder.store().caller()).unwrap().len(), 3);

            // As a torn tail.
            folder.sparse("events.ndjson", &[(0, first), (start - 1, "\n"), (start, begin)], start + hole);
            let report = folder.store().verify().unwrap();
            let tail = report.torn_tail.unwrap();
            assert_eq!((report.events, tail.offset, tail.length, tail.complete), (1, start, hole, false));
            assert_eq!(folder.store().stats(&folder.store().caller()).unwrap().events, 1);
            assert_eq!(read_all(folder.store(), false).concat(), format!("[{first}]"));
        }
    });
}

#[test]
fn another_name_of_a_file_is_not_written_through() {
    let folder = Folder::new("links");
    let refused = |name: &str| {
        let line = b"{\"timestamp\":9}\n".to_vec();
        let error = folder.store().append(line, OnFault::Refuse, Durability::Process).unwrap_err();
        assert_eq!(error.code(), "EMLINK", "{error}");
        assert_eq!(error.path(), folder.path(name).to_str());
        assert!(error.to_string().contains("remove this name"), "{error}");
    };
    for (victim, locked) in [("precious", ".events.lk"), ("", ".events.gate"), ("{}\n", ".events.own")] {
        let _ = fs::remove_dir_all(&folder.0);
        fs::create_dir(&folder.0).unwrap();
        fs::write(folder.path("victim"), victim).unwrap();
        let plant = |name: &str| {
            let _ = fs::remove_file(folder.path(name));
            fs::hard_link(folder.path("victim"), folder.path(name)).unwrap();
        };
        plant(".events.ckpt");
        refused(".events.ckpt");
        assert!(!folder.path("events.ndjson").exists());
        fs::remove_file(folder.path(".events.ckpt")).unwrap();
        // One of the files that are only locked: two names of one file cannot be locked at once.
        for name in [locked, ".lock", "index.json", "events.rejected.ndjson"] {
            plant(name);
        }
        let store = folder.store();
        append(&store, "null");
        append(&store, "{\"eventId\":\"a\",\"timestamp\":1}");
        append(&store, "{\"eventId\":\"b\",\"timestamp\":2}");
        let lock = UserLock::acquire(
            store.folder(),
            &store.caller().patience(&*store.folder().background().time, Duration::from_secs(3)),
        )
        .unwrap();
        lock.refresh(1_764_000_000_000).unwrap();
        assert_eq!(store.compact(1, &store.caller()).unwrap(), 1);
        store.flush(Durability::Process, &store.caller()).unwrap();
        lock.release(store.folder()).unwrap();
        assert_eq!(folder.read("victim"), victim);
        let newline = if victim.is_empty() || victim.ends_with('\n') { "" } else { "\n" };
        assert_eq!(folder.read("events.rejected.ndjson"), format!("{victim}{newline}null\n"));
    }
}

#[test]
fn a_copy_of_the_folder_by_hard_links_does_no_harm() {
    let folder = Folder::new("backup");
    append(&folder.store(), "null");
    append(&folder.store(), "{\"eventId\":\"a\",\"timestamp\":1}");
    let copy = folder.path("copy");
    for round in 0..2 {
        let _ = fs::remove_dir_all(&copy);
        fs::create_dir(&copy).unwrap();
        for entry in fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap()) {
            if entry.file_type().unwrap().is_file() {
                fs::hard_link(entry.path(), copy.join(entry.file_name())).unwrap();
            }
        }
        let rejected = fs::read(copy.join("events.rejected.ndjson")).unwrap_or_default();
        let store = folder.store();
        append(&store, "null");
        append(&store, "{\"eventId\":\"b\",\"timestamp\":2}");
        assert_eq!(store.compact(1, &store.caller()).unwrap(), 1, "{round}");
        assert_eq!(fs::read(copy.join("events.rejected.ndjson")).unwrap_or_default(), rejected);
        assert_eq!(folder.read("events.rejected.ndjson"), "null\n".repeat(2 + round));
    }
}

/// Reads `length` zeros and what follows them.
fn rest_behind_zeros(path: &Path, begin: &str, length: u64) -> String {
    let file = File::open(path).unwrap();
    let mut bytes = vec![0; 1 << 20];
    file.read_exact_at(&mut bytes[..begin.len()], 0).unwrap();
    assert_eq!(&bytes[..begin.len()], begin.as_bytes());
    let mut position = begin.len() as u64;
    while position < length {
        let want = bytes.len().min(usize::try_from(length - position).unwrap());
        file.read_exact_at(&mut bytes[..want], position).unwrap();
        assert!(bytes[..want].iter().all(|&byte| byte == 0), "at {position}");
        position += want as u64;
    }
    let mut rest = vec![0; usize::try_from(file.metadata().unwrap().len() - length).unwrap()];
    file.read_exact_at(&mut rest, length).unwrap();
    String::from_utf8(rest).unwrap()
}

#[test]
fn a_rewrite_keeps_a_line_longer_than_any_string() {
    within_bounds("a_rewrite_keeps_a_line_longer_than_any_string", || {
        let folder = Folder::new("rewrite");
        let begin = "{\"eventId\":\"";
        let end = "\nnull\n{\"eventId\":\"a\",\"timestamp\":1}\n";
        let texts = [(0, begin), (LONG, end)];
        folder.sparse("events.ndjson", &texts, LONG + end.len() as u64);
        let store = folder.store();
        append(&store, "{\"eventId\":\"b\",\"timestamp\":2}");
        assert_eq!(store.compact(1, &store.caller()).unwrap(), 1);
        assert_eq!(folder.read("events.ndjson"), "{\"eventId\":\"b\",\"timestamp\":2}\n");
        assert_eq!(rest_behind_zeros(&folder.path("events.rejected.ndjson"), begin, LONG), "\nnull\n");
    });
}

#[test]
fn recovery_moves_what_is_missing_in_batches() {
    within_bounds("recovery_moves_what_is_missing_in_batches", || {
        let folder = Folder::new("batches");
        // Half a gigabyte of lines, of which the new log has two, and one line that is not valid.
        let line = format!("{{\"text\":\"{}\"}}\n", "x".repeat(1 << 20));
        let previous = File::create(folder.path(".events.prev")).unwrap();
        let end = (LONG >> 20) * line.len() as u64;
        for number in 0..LONG >> 20 {
            previous.write_all_at(line.as_bytes(), number * line.len() as u64).unwrap();
        }
        previous.write_all_at(b"\n{\"eventId\":\"last\"}", end + LONG).unwrap();
        drop(previous);
        fs::write(folder.path("events.ndjson"), line.repeat(2)).unwrap();
        append(&folder.store(), "{\"eventId\":\"next\"}");
        assert!(!folder.path(".events.prev").exists());
        assert_eq!(rest_behind_zeros(&folder.path("events.rejected.ndjson"), "", LONG), "\n");
        let log = File::open(folder.path("events.ndjson")).unwrap();
        let mut rest = vec![0; 100];
        let length = log.read_at(&mut rest, end).unwrap();
        assert_eq!(&rest[..length], b"{\"eventId\":\"last\"}\n{\"eventId\":\"next\"}\n");
    });
}
