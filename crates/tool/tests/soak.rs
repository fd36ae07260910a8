//! Many folders, programs that append and compact, shippers that are killed, a server that is killed, and a network that
//! cuts, stalls and swallows: in the end the store has each accepted event once, and each follower saw each once.
//!
//! `SOAK_SECONDS` says how long it goes on. From a minute on there are fifty folders.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly")]

#[path = "../../fleet/tests/fleet/proxy.rs"]
mod proxy;
#[path = "../../fleet/tests/fleet/server.rs"]
#[expect(dead_code, reason = "a part of it is for other tests")]
mod server;
#[path = "../../fleet/tests/fleet/store.rs"]
#[expect(dead_code, reason = "a part of it is for other tests")]
mod shared_store;

use std::collections::HashSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fleet::follower::{Follower, From};
use fleet::protocol::Ledger;
use fleet::{Code, Connection, Settings};
use store::disk::folder::RealFolder;
use store::{Appended, Durability, OnFault, Store};

use proxy::{Fate, Proxy};
use server::{Server, surroundings};

/// Numbers that look random, from a seed: `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}

/// A folder, how many events were accepted in it, and the process that ships it.
struct Folder {
    number: usize,
    path: PathBuf,
    accepted: AtomicU64,
    shipper: Mutex<Option<Child>>,
}

impl Folder {
    fn new(number: usize) -> Self {
        let path = std::env::temp_dir().join(format!("gl-soak-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self { number, path, accepted: AtomicU64::new(0), shipper: Mutex::new(None) }
    }

    fn tool(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guidance-ledger"));
        command.args(words).arg("--dir").arg(&self.path).env_clear().env("HOME", &self.path);
        command
    }

    fn done(&self, words: &[&str]) {
        let ended = self.tool(words).output().unwrap();
        assert!(ended.status.success(), "{words:?}: {}", String::from_utf8_lossy(&ended.stderr));
    }

    /// As a program that was just started.
    fn store(&self) -> Arc<Store> {
        Store::alone(Arc::new(RealFolder::new(&self.path)))
    }

    /// Appends so many events that are found nowhere else.
    fn append(&self, store: &Store, count: u64) {
        let first = self.accepted.load(Ordering::SeqCst);
        let line = |n: u64| {
            let time = 1_700_000_000_000 + n;
            format!(
                "{{\"eventId\":\"{}-{n}\",\"taskId\":\"t{}\",\"timestamp\":{time}}}\n",
                self.number,
                n % 9
            )
        };
        let text: String = (first..first + count).map(line).collect();
        match store.append(text.into_bytes(), OnFault::Refuse, Durability::Process).unwrap() {
            Appended::Settled | Appended::Leased => {}
            Appended::Written(ticket) | Appended::Queued(ticket) => {
                store.settle(&(ticket..=ticket), Durability::Process, &store.caller()).unwrap();
            }
        }
        self.accepted.store(first + count, Ordering::SeqCst);
    }

    fn ship(&self) {
        let mut command = self.tool(&["fleet", "ship"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        *self.shipper.lock().unwrap() = Some(child);
    }

    fn kill(&self) {
        if let Some(mut child) = self.shipper.lock().unwrap().take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// So long no batch may come to a follower.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a follower saw until `total` says how many there are, and it has them all.
async fn follow(settings: &Settings, ledger: &Ledger, total: &AtomicU64) -> HashSet<Vec<u8>> {
    let mut follower = Follower::new(ledger, From::Start);
    let mut seen = HashSet::new();
    let mut idle = Instant::now();
    while seen.len() as u64 != total.load(Ordering::SeqCst) {
        assert!(idle.elapsed() < PATIENCE, "a follower stands at {}", seen.len());
        let Ok(connection) = Connection::open(settings).await else { continue };
        let connection = connection.with_deadline(Duration::from_secs(2));
        let mut went = follower.begin(&connection).await;
        while went.is_ok() && seen.len() as u64 != total.load(Ordering::SeqCst) {
            went = match follower.next(&connection).await {
                Ok(batches) => {
                    if batches.is_empty() {
                        fleet::pause(Duration::from_millis(20)).await;
                    } else {
                        idle = Instant::now();
                    }
                    for batch in batches {
                        assert_eq!(batch.missed, 0);
                        for event in batch.events {
                            assert!(seen.insert(event), "a follower was given an event twice");
                        }
                    }
                    Ok(())
                }
                Err(error) => Err(error),
            };
            assert!(idle.elapsed() < PATIENCE, "a follower stands at {}", seen.len());
        }
        if let Err(error) = went {
            assert_ne!(error.code(), Code::Rewound, "{error}");
        }
    }
    seen
}

fn settings(port: u16, database: &str) -> Settings {
    let text = format!("host=127.0.0.1 port={port} user=postgres dbname={database} connect_timeout=2");
    Settings::new(Some(&text), &surroundings()).unwrap()
}

/// What happens to a connection: most pass, for a while.
fn fate(random: &mut Random) -> Fate {
    let bytes = usize::try_from(random.below(40_000)).unwrap();
    match random.below(9) {
        0..=2 => Fate::CutRequest(bytes),
        3..=5 => Fate::SwallowAnswer(bytes),
        6 => Fate::Stall(bytes),
        7 => Fate::CutAnswer(bytes * 20),
        _ => Fate::Pass,
    }
}

/// What goes on until it is over.
struct Soak {
    folders: Vec<Folder>,
    over: AtomicBool,
    /// How many events there are in the end.
    total: AtomicU64,
    compactions: AtomicU32,
    kills: AtomicU32,
    /// The largest outbox that was met.
    saved: AtomicU64,
}

impl Soak {
    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn any(&self, random: &mut Random) -> &Folder {
        let place = usize::try_from(random.below(self.folders.len() as u64)).unwrap();
        self.folders.get(place).unwrap()
    }

    /// Appends to a third of the folders.
    fn append(&self, worker: usize) {
        let mine: Vec<&Folder> = self.folders.iter().skip(worker).step_by(3).collect();
        let stores: Vec<_> = mine.iter().map(|folder| folder.store()).collect();
        let mut random = Random(100 + worker as u64);
        while !self.is_over() {
            for (folder, store) in mine.iter().zip(&stores) {
                folder.append(store, 1 + random.below(20));
            }
            std::thread::sleep(Duration::from_millis(random.below(100)));
        }
    }

    /// Compacts any folder, again and again.
    fn rewrite(&self, worker: usize) {
        let mut random = Random(200 + worker as u64);
        while !self.is_over() {
            let folder = self.any(&mut random);
            let store = folder.store();
            // It may be refused while another one is at it.
            if store.compact(random.below(60), &store.caller()).is_ok() {
                self.compactions.fetch_add(1, Ordering::SeqCst);
            }
            let outbox = std::fs::metadata(folder.path.join(".events.outbox")).map_or(0, |it| it.len());
            self.saved.fetch_max(outbox, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(random.below(60)));
        }
    }

    /// Kills any shipper, again and again, and starts another one.
    fn kill(&self) {
        let mut random = Random(300);
        while !self.is_over() {
            std::thread::sleep(Duration::from_millis(100 + random.below(200)));
            let folder = self.any(&mut random);
            folder.kill();
            folder.ship();
            self.kills.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Ships the rest, and counts what was accepted.
    fn finish(&self) {
        for folder in &self.folders {
            folder.kill();
            folder.done(&["fleet", "ship", "--once", "--timeout", "60s"]);
            let aside = folder.path.join("events.unshipped.ndjson");
            assert!(!aside.exists(), "an event was set aside");
        }
        let total = self.folders.iter().map(|it| it.accepted.load(Ordering::SeqCst)).sum();
        self.total.store(total, Ordering::SeqCst);
    }
}

/// Ends the others when it goes, so that a failure ends the test.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Kills the server once in the middle, and once a minute.
fn crashes(server: &Server, seconds: u64) -> u32 {
    let started = Instant::now();
    let mut crash = Duration::from_secs(seconds.min(60)) / 2;
    let mut crashes = 0;
    while started.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(Duration::from_millis(50));
        if started.elapsed() > crash {
            server.kill();
            server.restart("fsync=on");
            crashes += 1;
            crash += Duration::from_secs(60);
        }
    }
    crashes
}

#[test]
fn each_event_once_through_all_of_it_at_once() {
    let seconds = std::env::var("SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(6);
    let Some(server) = Server::start("fsync=on") else { return };
    let server: &'static Server = Box::leak(Box::new(server));
    let database = server.database();
    let store = fleet::run(shared_store::Store::of(server, database.clone())).unwrap();
    let pace = store.sql("UPDATE S.ledgers SET pace_ms = 50");
    fleet::run(async { store.open().await.batch(&pace).await }).unwrap().unwrap();

    let flapping = Arc::new(AtomicBool::new(false));
    let (flaps, random) = (Arc::clone(&flapping), Mutex::new(Random(1)));
    let proxy = Proxy::new(server.port, move |_| {
        if flaps.load(Ordering::SeqCst) { fate(&mut random.lock().unwrap()) } else { Fate::Pass }
    });
    let soak = Soak {
        folders: (0..if seconds < 60 { 10 } else { 50 }).map(Folder::new).collect(),
        over: AtomicBool::new(false),
        total: AtomicU64::new(u64::MAX),
        compactions: AtomicU32::new(0),
        kills: AtomicU32::new(0),
        saved: AtomicU64::new(0),
    };
    let (port, schema) = (proxy.port, store.ledger.schema.name());
    let url = format!("host=127.0.0.1 port={port} user=postgres dbname={database} connect_timeout=2");
    for folder in &soak.folders {
        folder.done(&["fleet", "init", "--schema", schema, "--url", &url]);
        folder.ship();
    }
    flapping.store(true, Ordering::SeqCst);
    let (crashes, seen) = std::thread::scope(|scope| {
        let settings = settings(port, &database);
        let (soak, ledger, total) = (&soak, &store.ledger, &soak.total);
        let followers = [0, 1].map(|_| {
            let settings = settings.clone();
            scope.spawn(move || fleet::run(follow(&settings, ledger, total)).unwrap())
        });
        let mut workers = vec![scope.spawn(|| soak.kill())];
        for worker in 0..3 {
            workers.push(scope.spawn(move || soak.append(worker)));
            workers.push(scope.spawn(move || soak.rewrite(worker)));
        }
        let ending = Ending(&soak.over);
        let crashes = crashes(server, seconds);
        drop(ending);
        for worker in workers {
            worker.join().unwrap();
        }
        flapping.store(false, Ordering::SeqCst);
        soak.finish();
        (crashes, followers.map(|follower| follower.join().unwrap()))
    });
    let (total, folders) = (soak.total.load(Ordering::SeqCst), soak.folders.len());
    let number = |sql: &str| fleet::run(store.number(sql)).unwrap();
    fleet::run(store.check(i64::try_from(total).unwrap())).unwrap();
    assert!(seen.iter().all(|it| it.len() as u64 == total));
    assert_eq!(number("SELECT count(*) FROM S.sources"), i64::try_from(folders).unwrap(), "none began anew");
    let saved = soak.saved.load(Ordering::SeqCst);
    assert!(saved > 0, "no compaction met an event that was not shipped");
    let repeated = number("SELECT sum(repeated)::bigint FROM S.sources");
    let connections = proxy.connections.load(Ordering::SeqCst);
    let compactions = soak.compactions.load(Ordering::SeqCst);
    let kills = soak.kills.load(Ordering::SeqCst);
    // Past the test harness, which keeps what is printed to itself.
    let _ = writeln!(
        std::io::stderr(),
        "soak: {seconds} s, {folders} folders, {total} events, {repeated} offered again, {connections} connections, \
         {compactions} compactions (largest outbox {saved} bytes), {kills} shippers and {crashes} servers killed"
    );
}
