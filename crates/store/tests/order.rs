//! The order in which a rewrite writes, syncs and renames. A simulated power cut finds a missing fsync only
//! if no later one makes up for it; here each has its place.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test uses real files, threads and clocks"
)]
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use store::disk::folder::RealFolder;
use store::disk::{Disk, File, FileId, Open, Stat};
use store::folder::Folder;
use store::wait::background::Background;
use store::wait::system::SystemTimeAndThreads;
use store::{Appended, Durability, OnFault, Store};

/// What reached the disk, in order.
type Notes = Arc<Mutex<Vec<String>>>;

thread_local! {
    /// Which files were synced as the log.
    static SYNCED: RefCell<Vec<FileId>> = const { RefCell::new(Vec::new()) };
}

/// A log that has no name any more is closed.
const CLOSE_OLD: &str = "close the old log";

/// A real folder that notes what reaches the disk, and in which order.
struct Noted {
    storage: RealFolder,
    notes: Notes,
}

struct NotedFile {
    file: Box<dyn File>,
    name: String,
    notes: Notes,
}

fn note(notes: &Notes, text: String) {
    notes.lock().unwrap().push(text);
}

/// Without the parts of a name that differ from run to run.
fn plain(name: &str) -> &str {
    match name {
        name if name.starts_with("events.tmp.") => "draft",
        name if name.starts_with(".index.json.") => "index draft",
        name if name.starts_with(".events.moves.") => "moves draft",
        name => name,
    }
}

impl File for NotedFile {
    fn stat(&self) -> io::Result<Stat> {
        self.file.stat()
    }
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }
    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        note(&self.notes, format!("append {}", self.name));
        self.file.append(bytes)
    }
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        note(&self.notes, format!("write {}", self.name));
        self.file.write_at(bytes, offset)
    }
    fn set_len(&self, size: u64) -> io::Result<()> {
        self.file.set_len(size)
    }
    fn sync(&self) -> io::Result<()> {
        note(&self.notes, format!("sync {}", self.name));
        if self.name == "events.ndjson" {
            let id = self.file.stat()?.id;
            SYNCED.with_borrow_mut(|synced| synced.push(id));
        }
        self.file.sync()
    }
    fn set_access(&self, like: &Stat) -> io::Result<()> {
        self.file.set_access(like)
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }
    fn try_lock(&self) -> io::Result<bool> {
        let locked = self.file.try_lock()?;
        if locked && self.name == ".events.lk" {
            note(&self.notes, "lock".to_owned());
        }
        Ok(locked)
    }
    fn unlock(&self) -> io::Result<()> {
        if self.name == ".events.lk" {
            note(&self.notes, "unlock".to_owned());
        }
        self.file.unlock()
    }
    fn has_no_writer(&self) -> io::Result<Option<bool>> {
        note(&self.notes, "look for writers".to_owned());
        self.file.has_no_writer()
    }
}

impl Drop for NotedFile {
    fn drop(&mut self) {
        if self.name == "events.ndjson" && self.file.stat().is_ok_and(|stat| stat.links == 0) {
            note(&self.notes, CLOSE_OLD.to_owned());
        }
    }
}

impl Disk for Noted {
    fn path(&self) -> &str {
        self.storage.path()
    }
    fn open(&self, name: &str, how: Open) -> io::Result<Box<dyn File>> {
        let file = self.storage.open(name, how)?;
        Ok(Box::new(NotedFile { file, name: plain(name).to_owned(), notes: Arc::clone(&self.notes) }))
    }
    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        self.storage.stat(name)
    }
    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        note(&self.notes, format!("link {} {}", plain(from), plain(to)));
        self.storage.link(from, to)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        note(&self.notes, format!("rename {} {}", plain(from), plain(to)));
        self.storage.rename(from, to)
    }
    fn exchange(&self, one: &str, other: &str) -> io::Result<bool> {
        note(&self.notes, format!("exchange {} {}", plain(one), plain(other)));
        self.storage.exchange(one, other)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        note(&self.notes, format!("remove {}", plain(name)));
        self.storage.remove(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.storage.list()
    }
    fn create_folder(&self) -> io::Result<()> {
        self.storage.create_folder()
    }
    fn identity(&self) -> io::Result<Option<FileId>> {
        self.storage.identity()
    }
    fn resolved(&self) -> Arc<dyn Disk> {
        self.storage.resolved()
    }
    fn elsewhere(&self, path: &str) -> Arc<dyn Disk> {
        self.storage.elsewhere(path)
    }

    fn sync_folder(&self) -> io::Result<()> {
        note(&self.notes, "sync folder".to_owned());
        self.storage.sync_folder()
    }
    fn boot(&self) -> u64 {
        self.storage.boot()
    }
    fn random(&self) -> u128 {
        self.storage.random()
    }
}

fn store(path: &Path, notes: &Notes) -> Arc<Store> {
    let storage = Noted { storage: RealFolder::new(path), notes: Arc::clone(notes) };
    let background = Background::new(SystemTimeAndThreads::new());
    Store::new(Folder::new(Arc::new(storage), &background), false)
}

/// What `work` writes into a folder that already holds two events and a malformed line.
fn notes(name: &str, work: impl FnOnce(&Store)) -> Vec<String> {
    let path = std::env::temp_dir().join(format!("guidance-ledger-order-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir(&path).unwrap();
    std::fs::write(Path::new(&path).join("events.ndjson"), b"{\"timestamp\":1}\nnull\n{\"timestamp\":2}\n")
        .unwrap();
    let notes = Notes::default();
    work(&store(&path, &notes));
    std::fs::remove_dir_all(&path).unwrap();
    let mut notes = notes.lock().unwrap().clone();
    notes.retain(|note| note != CLOSE_OLD);
    // Where the system cannot tell who writes, it is asked again and again for a while.
    notes.dedup_by(|next, last| next == last && next == "look for writers");
    notes
}

#[test]
fn a_rewrite_syncs_each_thing_before_the_next_relies_on_it() {
    let notes = notes("rewrite", |store| assert_eq!(store.compact(1, &store.caller()).unwrap(), 1));
    let from = notes.iter().position(|note| note == "write draft").expect("a draft");
    let installed = notes.iter().position(|note| note.ends_with("index.json")).expect("an index");
    assert_eq!(
        notes[from..installed],
        [
            "write draft",
            "sync draft",
            "write index draft", // with the folder free
            "lock",
            "write .events.ckpt", // S
            "sync .events.ckpt",
            "write events.rejected.ndjson",
            "sync events.rejected.ndjson",
            "sync folder", // its name
            "link events.ndjson .events.prev",
            "sync draft", // with the late lines
            "write moves draft",
            "sync moves draft",
            "rename moves draft .events.moves",
            "rename draft events.ndjson",
            "sync folder",
            "look for writers",
            "remove .events.prev",
            "sync folder",
            "write .events.ckpt", // the task's name
            "write .events.ckpt", // the sums
        ]
    );
    assert_eq!(notes.last().map(String::as_str), Some("unlock"));
}

/// The last close of a large file gives its room back, which takes long: others have the folder meanwhile.
#[cfg(unix)]
#[test]
fn the_old_log_is_given_back_when_the_folder_is_free() {
    let path = std::env::temp_dir().join(format!("guidance-ledger-order-old-{}", std::process::id()));
    std::fs::create_dir_all(&path).unwrap();
    let notes = Notes::default();
    let store = store(&path, &notes);
    let lines = b"{\"timestamp\":1}\n{\"timestamp\":2}\n".to_vec();
    store.append(lines, OnFault::Refuse, Durability::Process).unwrap();
    assert_eq!(store.compact(1, &store.caller()).unwrap(), 1);
    let since = std::time::Instant::now();
    let closed = loop {
        assert!(
            since.elapsed().as_secs() < 30,
            "the old log is closed before it has lost its name, or never"
        );
        let so_far = notes.lock().unwrap();
        if let Some(closed) = so_far.iter().position(|note| note == CLOSE_OLD) {
            break closed;
        }
        drop(so_far);
        std::thread::yield_now();
    };
    let all = notes.lock().unwrap();
    let after = all.iter().position(|note| note == "remove .events.prev").unwrap();
    let unlocked = after + all[after..].iter().position(|note| note == "unlock").unwrap();
    assert!(closed > unlocked, "{all:?}");
    std::fs::remove_dir_all(&path).unwrap();
}

#[test]
fn a_durable_append_syncs_the_line_and_once_its_files_name() {
    let notes = notes("append", |store| {
        for _ in 0..2 {
            let line = b"{\"timestamp\":3}\n".to_vec();
            store.append(line, OnFault::Refuse, Durability::Disk).unwrap();
            assert!(store.sync_inline().unwrap());
        }
    });
    let wanted = ["append events.ndjson", "sync events.ndjson", "sync folder"];
    let notes: Vec<_> = notes.iter().map(String::as_str).filter(|note| wanted.contains(note)).collect();
    assert_eq!(notes, [&wanted[..], &wanted[..2]].concat());
}

/// A JavaScript program replaces the log between our write and our fsync: what is acknowledged is in the file that
/// the name leads to, synced there after the program was done, whether or not the program has read the line.
#[test]
fn a_durable_append_is_synced_in_the_file_that_a_program_put_in_place() {
    for has_the_line in [false, true] {
        let notes = notes("program", |store| {
            let path = Path::new(store.folder().path());
            let (log, lock) = (path.join("events.ndjson"), path.join(".lock"));
            let now = store.folder().now_ms();
            std::fs::write(&lock, format!("{{\"holder\":\"a\",\"timestamp\":{now},\"pid\":1}}")).unwrap();
            let old = std::fs::read(&log).unwrap();
            let line = b"{\"timestamp\":3}\n".to_vec();
            let ticket = match store.append(line, OnFault::Refuse, Durability::Disk).unwrap() {
                Appended::Written(ticket) => ticket,
                other => panic!("{other:?}"),
            };
            let new = if has_the_line { std::fs::read(&log).unwrap() } else { old };
            std::fs::write(path.join("other"), new).unwrap();
            std::fs::rename(path.join("other"), &log).unwrap();
            std::fs::remove_file(&lock).unwrap();
            let replaced = RealFolder::new(path).stat("events.ndjson").unwrap().unwrap().id;
            store.settle(&(ticket..=ticket), Durability::Disk, &store.caller()).unwrap();
            assert_eq!(RealFolder::new(path).stat("events.ndjson").unwrap().unwrap().id, replaced);
            assert!(std::fs::read_to_string(&log).unwrap().ends_with("\n{\"timestamp\":3}\n"));
            SYNCED.with_borrow(|synced| assert_eq!(synced.last(), Some(&replaced), "the file that is there"));
        });
        assert!(notes.iter().any(|note| note == "sync folder"), "{notes:?}");
    }
}
