//! Evicting into an archive: an event is in the log until it is in the archive, and in one of the two ever after.

#![expect(clippy::disallowed_methods, reason = "a test uses real files")]
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::disk::folder::RealFolder;
use store::{Archive, Durability, Evicted, OnFault, Store};

struct Folder(PathBuf);

impl Folder {
    /// With events of these times, in this order.
    fn new(name: &str, times: &[u32]) -> Self {
        let path =
            std::env::temp_dir().join(format!("guidance-ledger-archive-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        for time in times {
            append(&path, &event(*time));
        }
        Self(path)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.0.join("events.ndjson")).unwrap()
    }

    fn evict(&self, count: u64, archive: &mut dyn Archive) -> store::Result<u64> {
        let store = store(&self.0);
        store.evict_into(count, archive, &store.caller())
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

fn append(path: &Path, line: &str) {
    store(path).append(line.as_bytes().to_vec(), OnFault::Refuse, Durability::Process).unwrap();
}

fn event(time: u32) -> String {
    format!("{{\"taskId\":\"t\",\"timestamp\":{time}}}\n")
}

fn events(times: &[u32]) -> String {
    times.iter().map(|time| event(*time)).collect()
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Begin,
    Lines,
    Keep,
}

/// An archive in memory, which looks at the log as it goes.
struct Memory<'a> {
    folder: &'a Path,
    fails_at: Option<Step>,
    /// What another process does while the archive is kept, once.
    meanwhile: Option<Box<dyn FnOnce()>>,
    begun: Vec<Evicted>,
    taken: Vec<u8>,
    kept: bool,
    forgotten: bool,
    log_when_kept: String,
}

impl<'a> Memory<'a> {
    fn new(folder: &'a Folder) -> Self {
        Self {
            folder: &folder.0,
            fails_at: None,
            meanwhile: None,
            begun: Vec::new(),
            taken: Vec::new(),
            kept: false,
            forgotten: false,
            log_when_kept: String::new(),
        }
    }

    fn fail(&self, step: Step) -> io::Result<()> {
        if self.fails_at == Some(step) { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.taken).unwrap()
    }
}

impl Archive for Memory<'_> {
    fn begin(&mut self, evicted: &Evicted) -> io::Result<()> {
        assert!(self.taken.is_empty() && !self.kept, "what was there is forgotten first");
        self.begun.push(*evicted);
        self.forgotten = false;
        self.fail(Step::Begin)
    }

    fn lines(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.taken.extend_from_slice(bytes);
        self.fail(Step::Lines)
    }

    fn keep(&mut self) -> io::Result<()> {
        self.log_when_kept = fs::read_to_string(self.folder.join("events.ndjson")).unwrap();
        if let Some(meanwhile) = self.meanwhile.take() {
            meanwhile();
        }
        self.kept = true;
        self.fail(Step::Keep)
    }

    fn forget(&mut self) {
        self.taken.clear();
        self.kept = false;
        self.forgotten = true;
    }
}

#[test]
fn evicted_events_are_kept_before_they_leave_the_log() {
    let folder = Folder::new("kept", &[3, 1, 2, 4]);
    // White space around an event is not part of it; what is no event is nobody's to evict.
    append(&folder.0, " {\"timestamp\":0}  \r\n");
    append(&folder.0, "nonsense\n");
    append(&folder.0, "{\"timestamp\":\"soon\"}\n");
    let before = folder.log();
    let mut archive = Memory::new(&folder);
    assert_eq!(folder.evict(4, &mut archive).unwrap(), 4);
    let odd = "{\"timestamp\":\"soon\"}\n{\"timestamp\":0}\n".to_owned();
    assert_eq!(archive.text(), odd + &events(&[1, 2]));
    assert_eq!(archive.begun, [Evicted { events: 4, times: Some((0.0, 2.0)) }]);
    assert!(archive.kept && !archive.forgotten);
    assert_eq!(archive.log_when_kept, before, "the log was whole when the archive was");
    assert_eq!(folder.log(), events(&[3, 4]));
}

#[test]
fn an_archive_that_fails_leaves_the_log_as_it_was() {
    for step in [Step::Begin, Step::Lines, Step::Keep] {
        let folder = Folder::new("fails", &[3, 1, 2]);
        let before = folder.log();
        let mut archive = Memory { fails_at: Some(step), ..Memory::new(&folder) };
        let error = folder.evict(2, &mut archive).unwrap_err();
        assert_eq!(error.code(), "ENOSPC", "{step:?}: {error}");
        assert!(archive.forgotten, "{step:?}");
        assert_eq!(folder.log(), before, "{step:?}");
        let names: Vec<_> =
            fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(!names.iter().any(|name| name.to_string_lossy().starts_with("events.tmp.")), "{names:?}");
        append(&folder.0, &event(4));
        assert_eq!(folder.log(), before + &event(4));
    }
}

#[test]
fn a_log_that_another_process_replaces_meanwhile_is_archived_anew() {
    let folder = Folder::new("replaced", &[5, 1, 2, 3, 4]);
    let mut archive = Memory::new(&folder);
    let path = folder.0.clone();
    archive.meanwhile = Some(Box::new(move || {
        append(&path, &event(0));
        let other = store(&path);
        other.evict(2, &other.caller()).unwrap();
    }));
    assert_eq!(folder.evict(2, &mut archive).unwrap(), 2);
    assert_eq!(archive.begun.len(), 2);
    assert_eq!(archive.text(), events(&[2, 3]));
    assert_eq!(folder.log(), events(&[4, 5]), "compaction sorts by time");
}

#[test]
fn without_anything_to_evict_there_is_no_archive() {
    let folder = Folder::new("nothing", &[1]);
    let mut archive = Memory::new(&folder);
    assert_eq!(folder.evict(0, &mut archive).unwrap(), 0);
    assert!(archive.begun.is_empty());
    // Another process has evicted everything by the time that this one would.
    let path = folder.0.clone();
    archive.meanwhile = Some(Box::new(move || {
        let other = store(&path);
        other.compact(0, &other.caller()).unwrap();
    }));
    assert_eq!(folder.evict(1, &mut archive).unwrap(), 0);
    assert!(archive.forgotten && !archive.kept);
}
