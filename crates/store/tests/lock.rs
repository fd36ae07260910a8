//! `.lock` beside other programs and under clocks that say anything, on real files with clocks of our own.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test uses real files, threads and clocks"
)]
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use store::disk::folder::RealFolder;
use store::disk::{Disk, File, FileId, Open, Stat};
use store::wait::background::Background;
use store::wait::patience::Patience;
use store::wait::system::SystemTimeAndThreads;
use store::wait::{Signal, Time, Work};
use store::{Durability, Error, Expiry, OnFault, Store, UserLock};

const NOW: u64 = 1_764_000_000_000;
const HOUR: u64 = 3_600_000;
/// Lengths of time that a caller may notice.
const MOMENT: Duration = Duration::from_secs(2);

/// What happens just before `.lock` is renamed or removed.
type Meddling = Box<dyn FnOnce() + Send>;

/// Clocks that only a pause or a test moves.
struct Clocks {
    wall: AtomicU64,
    running: Mutex<Duration>,
    threads: Arc<SystemTimeAndThreads>,
}

impl Time for Clocks {
    fn monotonic(&self) -> Duration {
        *self.running.lock().unwrap()
    }
    fn now_ms(&self) -> u64 {
        self.wall.load(Ordering::Relaxed)
    }
    fn sleep(&self, time: Duration) {
        *self.running.lock().unwrap() += time.max(Duration::from_micros(1));
    }
    fn signal(&self) -> Arc<dyn Signal> {
        self.threads.signal()
    }
    fn start(&self, name: &str, work: Work) -> io::Result<()> {
        self.threads.start(name, work)
    }
    fn together<'a>(&self, works: Vec<Box<dyn FnOnce() + Send + 'a>>) {
        self.threads.together(works);
    }
    fn processors(&self) -> usize {
        1
    }
}

/// A real folder beside such clocks.
struct Folder {
    real: RealFolder,
    path: PathBuf,
    clocks: Arc<Clocks>,
    meddling: Mutex<Option<Meddling>>,
}

impl Folder {
    fn new(name: &str) -> Arc<Self> {
        let path = std::env::temp_dir().join(format!("guidance-ledger-lock-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Arc::new(Self {
            real: RealFolder::new(&path),
            path,
            clocks: Arc::new(Clocks {
                wall: AtomicU64::new(NOW),
                running: Mutex::default(),
                threads: SystemTimeAndThreads::new(),
            }),
            meddling: Mutex::default(),
        })
    }

    fn store(self: &Arc<Self>) -> Arc<Store> {
        let background = Background::new(Arc::clone(&self.clocks) as Arc<dyn Time>);
        Store::new(store::folder::Folder::new(Arc::clone(self) as Arc<dyn Disk>, &background), false)
    }

    /// A `.lock` as a JavaScript program writes it, last changed at a time.
    fn plant(&self, timestamp: u64, changed_ms: u64) {
        self.plant_text(&foreign(timestamp), changed_ms);
    }

    fn plant_text(&self, text: &str, changed_ms: u64) {
        let path = self.path.join(".lock");
        let _ = fs::remove_file(&path);
        fs::write(&path, text).unwrap();
        let changed = UNIX_EPOCH + Duration::from_millis(changed_ms);
        fs::File::options().write(true).open(path).unwrap().set_modified(changed).unwrap();
    }

    fn lock(&self) -> String {
        fs::read_to_string(self.path.join(".lock")).unwrap_or_default()
    }

    fn drafts(&self) -> Vec<String> {
        let mut names = self.list().unwrap();
        names.retain(|name| name.starts_with(".lock."));
        names
    }

    /// How long the call takes, by the clock that never goes back.
    fn time(&self, call: impl FnOnce()) -> Duration {
        let start = self.clocks.monotonic();
        call();
        self.clocks.monotonic().saturating_sub(start)
    }

    fn meddle(&self, name: &str) {
        if name == ".lock"
            && let Some(meddling) = self.meddling.lock().unwrap().take()
        {
            meddling();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

impl Disk for Folder {
    fn path(&self) -> &str {
        self.real.path()
    }
    fn open(&self, name: &str, how: Open) -> io::Result<Box<dyn File>> {
        self.real.open(name, how)
    }
    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        self.real.stat(name)
    }
    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        self.real.link(from, to)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.meddle(from);
        self.real.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.meddle(name);
        self.real.remove(name)
    }
    fn list(&self) -> io::Result<Vec<String>> {
        self.real.list()
    }
    fn create_folder(&self) -> io::Result<()> {
        self.real.create_folder()
    }
    fn exchange(&self, one: &str, other: &str) -> io::Result<bool> {
        self.real.exchange(one, other)
    }
    fn identity(&self) -> io::Result<Option<FileId>> {
        self.real.identity()
    }
    fn resolved(&self) -> Arc<dyn Disk> {
        self.real.resolved()
    }
    fn elsewhere(&self, path: &str) -> Arc<dyn Disk> {
        self.real.elsewhere(path)
    }
    fn sync_folder(&self) -> io::Result<()> {
        self.real.sync_folder()
    }
    fn boot(&self) -> u64 {
        self.real.boot()
    }
    fn random(&self) -> u128 {
        self.real.random()
    }
}

fn foreign(timestamp: u64) -> String {
    format!("{{\"holder\":\"a JavaScript program\",\"timestamp\":{timestamp},\"pid\":1}}")
}

fn append(store: &Store) {
    use store::Appended::{Queued, Written};
    let line = b"{\"timestamp\":1}\n".to_vec();
    if let Written(ticket) | Queued(ticket) =
        store.append(line, OnFault::Refuse, Durability::Process).unwrap()
    {
        store.settle(&(ticket..=ticket), Durability::Process, &store.caller()).unwrap();
    }
}

fn acquire(store: &Store) -> Result<UserLock, Error> {
    UserLock::acquire(store.folder(), &Patience::new(&*store.folder().background().time, Duration::ZERO))
}

fn refused(taken: &Result<UserLock, Error>) -> bool {
    matches!(taken, Err(Error::Locked { .. }))
}

#[test]
fn a_fresh_lock_that_comes_in_the_place_of_a_stale_one_stays() {
    let folder = Folder::new("fresh");
    for in_place in [false, true] {
        folder.plant(NOW - 31_000, NOW - 31_000);
        let path = folder.path.join(".lock");
        *folder.meddling.lock().unwrap() = Some(Box::new(move || {
            if !in_place {
                fs::remove_file(&path).unwrap();
            }
            fs::write(&path, foreign(NOW)).unwrap();
        }));
        let store = folder.store();
        assert!(refused(&acquire(&store)));
        assert_eq!(folder.lock(), foreign(NOW));
        assert_eq!(folder.drafts(), [""; 0]);
    }
    // Once it is stale too, it is taken over; one that vanishes meanwhile is no failure.
    folder.clocks.wall.fetch_add(31_000, Ordering::Relaxed);
    let path = folder.path.join(".lock");
    *folder.meddling.lock().unwrap() = Some(Box::new(move || fs::remove_file(path).unwrap()));
    let store = folder.store();
    let lock = acquire(&store).unwrap();
    lock.release(store.folder()).unwrap();
    assert_eq!((folder.lock(), folder.drafts()), (String::new(), Vec::new()));
}

#[test]
fn a_look_names_who_holds_the_folder_and_leaves_it_as_it_was() {
    let folder = Folder::new("look");
    let store = folder.store();
    let wait = Duration::from_millis(100);
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(&folder.path).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let looks = || (store.look_at_folder_lock(wait), store.look_at_user_lock(wait));
    let before = names();
    assert!(matches!(looks(), (Ok(()), Ok(()))));
    assert_eq!(names(), before);
    append(&store);
    let held = acquire(&store).unwrap();
    let other = fs::File::open(folder.path.join(".events.lk")).unwrap();
    other.lock().unwrap();
    let before = names();
    let (writers, savers) = looks();
    assert!(matches!(writers, Err(Error::Busy { waited_ms: 100, .. })), "{writers:?}");
    let us = Some(std::process::id());
    assert!(
        matches!(&savers, Err(Error::Locked { pid, expiry: Expiry::WithHolder, .. }) if *pid == us),
        "{savers:?}"
    );
    assert_eq!(names(), before);
    other.unlock().unwrap();
    held.release(store.folder()).unwrap();
    assert!(matches!(looks(), (Ok(()), Ok(()))));
    // Another holder than the one that the file of ours names: it ends with its time, not with its program.
    folder.plant(NOW - 1000, NOW - 1000);
    let savers = store.look_at_user_lock(wait);
    assert!(matches!(savers, Err(Error::Locked { expiry: Expiry::AfterMs(29_000), .. })), "{savers:?}");
    folder.plant(NOW - 31_000, NOW - 31_000);
    assert!(matches!(looks(), (Ok(()), Ok(()))));
}

#[test]
fn it_is_json_whatever_the_clock_says() {
    let folder = Folder::new("clock");
    let clocks = [0, 1, 999_999_999_999, NOW, 9_999_999_999_999, 10_000_000_000_000, 1 << 53, u64::MAX];
    for made in clocks {
        folder.clocks.wall.store(made, Ordering::Relaxed);
        let store = folder.store();
        let lock = acquire(&store).unwrap();
        for refreshed in clocks {
            lock.refresh(refreshed).unwrap();
            let text = folder.lock();
            let content: Value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let timestamp = content["timestamp"].as_u64().unwrap();
            if made.max(refreshed) <= NOW && refreshed == NOW {
                assert_eq!(timestamp, NOW);
            }
            assert_eq!(content["pid"], std::process::id());
            assert!(refused(&acquire(&folder.store())));
        }
        lock.release(store.folder()).unwrap();
        assert_eq!(folder.lock(), "");
    }
}

#[test]
fn a_reader_never_meets_half_of_it() {
    let folder = Folder::new("reader");
    let store = folder.store();
    let lock = acquire(&store).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                let text = folder.lock();
                assert!(serde_json::from_str::<Value>(&text).is_ok(), "{text:?}");
            }
        });
        for number in 0..4_000_u64 {
            lock.refresh(number.pow(4)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        reader.join().unwrap();
    });
}

#[test]
fn a_lock_from_the_future_is_waited_for_once() {
    let ahead = NOW + HOUR;
    for (text, changed) in
        [(foreign(ahead), ahead), (foreign(ahead), NOW), (String::new(), ahead), ("{".into(), NOW)]
    {
        let folder = Folder::new("future");
        folder.plant_text(&text, changed);
        let store = folder.store();
        assert!(folder.time(|| append(&store)) < MOMENT, "{text} {changed}");
        assert!(
            folder.time(|| (0..10).for_each(|_| append(&store))) < MOMENT / 10,
            "again: {text} {changed}"
        );
        // It is still there for those who respect it, and gone for those who want the lock.
        assert_eq!(folder.lock(), text);
        let took = folder.time(|| drop(acquire(&folder.store()).unwrap()));
        assert!(took < MOMENT, "{took:?}");
    }
    // Its program is killed, and the clock is put back: within the limit it counts as fresh, but not twice.
    let folder = Folder::new("put-back");
    folder.plant(NOW + 20_000, NOW + 20_000);
    let store = folder.store();
    assert!(refused(&acquire(&store)));
    let took = folder.time(|| append(&store));
    assert!((Duration::from_secs(29)..Duration::from_secs(32)).contains(&took), "{took:?}");
    assert!(folder.time(|| append(&store)) < MOMENT / 10, "the same lock again");
    // Another program takes it: that is another lock.
    folder.plant(NOW, NOW);
    assert!(folder.time(|| append(&store)) > MOMENT);
}

#[test]
fn drafts_of_dead_processes_go() {
    let folder = Folder::new("drafts");
    let ours = |number: u8| format!(".lock.00000000-0000-8000-8000-0000000000{number:02}.tmp");
    let theirs = ".lock.00000000-0000-4000-8000-000000000000.tmp";
    for name in [&ours(1), &ours(2), theirs] {
        fs::write(folder.path.join(name), "left").unwrap();
    }
    let store = folder.store();
    drop(acquire(&store).unwrap());
    assert_eq!(folder.drafts(), [theirs]);

    // A rewrite, which cannot know who is taking the lock, removes only what must be dead.
    folder.clocks.wall.store(wall_clock_ms(), Ordering::Relaxed);
    fs::write(folder.path.join(ours(3)), "young").unwrap();
    fs::write(folder.path.join(ours(4)), "old").unwrap();
    let old = SystemTime::now() - Duration::from_secs(60);
    fs::File::options().write(true).open(folder.path.join(ours(4))).unwrap().set_modified(old).unwrap();
    append(&store);
    append(&store);
    assert_eq!(store.compact(1, &store.caller()).unwrap(), 1);
    let mut left = folder.drafts();
    left.sort();
    assert_eq!(left, [theirs.to_owned(), ours(3)]);
}

fn wall_clock_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
