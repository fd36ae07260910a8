//! pgbouncer in transaction mode: each statement may run on another connection of the server, and a client's connection
//! outlives the server that it spoke to.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use fleet::examination::{Finding, Outcome, examine};
use fleet::follower::{Follower, From};
use fleet::reader::{Reader, Wanted};
use fleet::shipper::Shipper;
use fleet::{Connection, Settings};

use crate::memory::{Memory, through};
use crate::server::{COUNT, Server, free_port, missing, new_folder, run_until_dropped, server, surroundings};
use crate::stayer::Staying;
use crate::store::{Store, lines};

struct Pooler {
    port: u16,
    folder: PathBuf,
    keeper: Child,
}

impl Pooler {
    /// Before a server, to which it has three connections.
    fn start(server: &Server) -> Option<Self> {
        let places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
        let Some(program) = places.into_iter().find(|place| Path::new(place).exists()) else {
            missing("pgbouncer", "pgbouncer");
            return None;
        };
        let folder = new_folder();
        let port = free_port(COUNT.fetch_add(1, Ordering::Relaxed));
        std::fs::write(folder.join("users"), "\"postgres\" \"\"\n").unwrap();
        configure(&folder, port, server);
        let command = [program.into(), folder.join("ini").into_os_string()];
        let pooler = Self { port, keeper: run_until_dropped(&folder, &command), folder };
        let started = Instant::now();
        while fleet::run(Connection::open(&pooler.settings("pgbouncer"))).unwrap().is_err() {
            let log = || std::fs::read_to_string(pooler.folder.join("log")).unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(30), "the pooler does not start: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(pooler)
    }

    fn settings(&self, database: &str) -> Settings {
        let text = format!("host=127.0.0.1 port={} user=postgres dbname={database}", self.port);
        Settings::new(Some(&text), &surroundings()).unwrap()
    }

    /// Sends all to another server; clients keep their connections.
    async fn switch_to(&self, server: &Server) {
        configure(&self.folder, self.port, server);
        let console = Connection::open(&self.settings("pgbouncer")).await.unwrap();
        console.batch("RELOAD").await.unwrap();
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn configure(folder: &Path, port: u16, server: &Server) {
    let text = format!(
        "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
         unix_socket_dir =\nauth_type = trust\nauth_file = {}\nadmin_users = postgres\npool_mode = transaction\n\
         default_pool_size = 3\nmax_client_conn = 100\n",
        server.port,
        folder.join("users").display()
    );
    std::fs::write(folder.join("ini"), text).unwrap();
}

/// Twelve shippers, two followers and readers over three connections of the server.
#[test]
fn nothing_fails_through_a_pooler_in_transaction_mode() {
    let Some(server) = server() else { return };
    let Some(pooler) = Pooler::start(server) else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    let settings = pooler.settings(&store.database);
    let shippers: Vec<_> = (0..12)
        .map(|number| {
            let (settings, ledger) = (settings.clone(), store.ledger.clone());
            std::thread::spawn(move || {
                let mut memory = Memory::new(lines(number * 1000..number * 1000 + 500));
                let mut shipper = Shipper::new(settings, &ledger, None, None);
                // The first failure ends it.
                fleet::run(shipper.once(&mut memory, Duration::ZERO)).unwrap().map(|done| done.stored)
            })
        })
        .collect();
    let followers: Vec<_> = (0..2)
        .map(|_| {
            let (settings, ledger) = (settings.clone(), store.ledger.clone());
            std::thread::spawn(move || {
                fleet::run(async {
                    let connection = Connection::open(&settings).await.unwrap();
                    let mut follower = Follower::new(&ledger, From::Start);
                    follower.begin(&connection).await.unwrap();
                    let mut seen = Vec::new();
                    while seen.len() < 6000 {
                        for batch in follower.next(&connection).await.unwrap() {
                            seen.extend(batch.events);
                        }
                    }
                    seen.sort();
                    seen
                })
                .unwrap()
            })
        })
        .collect();
    for shipper in shippers {
        assert_eq!(shipper.join().unwrap(), Ok(500));
    }
    let mut all: Vec<_> = (0..12).flat_map(|number| lines(number * 1000..number * 1000 + 500)).collect();
    all.sort();
    for follower in followers {
        assert!(follower.join().unwrap() == all, "each event once");
    }
    fleet::run(async {
        let connection = Connection::open(&settings).await.unwrap();
        let (mut reader, mut read) = (Reader::new(&store.ledger, Wanted::default()), 0);
        while let Some(page) = reader.next(&connection).await.unwrap() {
            read += page.len();
        }
        assert_eq!(read, 6000);
        let way = |found: Vec<Finding>| found.into_iter().find(|it| it.step == "way").map(|it| it.outcome);
        assert_eq!(way(examine(&settings, &store.ledger).await), Some(Outcome::Note), "a pooler is told of");
        assert_eq!(way(examine(&store.settings(""), &store.ledger).await), Some(Outcome::Good));
        store.check(6000).await;
    })
    .unwrap();
}

/// The connection of a client stays when the pooler turns to a server that lacks the newest batches.
#[test]
fn a_past_that_changes_behind_a_pooler_is_found_without_a_new_connection() {
    let Some(server) = server() else { return };
    let Some(pooler) = Pooler::start(server) else { return };
    let primary: &'static Server = Box::leak(Box::new(Server::start("fsync=off").unwrap()));
    fleet::run(pooler.switch_to(primary)).unwrap();
    let database = primary.database();
    let store = fleet::run(Store::of(primary, database)).unwrap();
    let pace = store.sql("UPDATE S.ledgers SET pace_ms = 1");
    fleet::run(async { store.open().await.batch(&pace).await }).unwrap().unwrap();
    let staying = Staying::start(through(pooler.port, &store), &store.ledger, None);
    staying.add(0..100);
    staying.shipped(100);
    let copy: &'static Server = Box::leak(Box::new(primary.copy("fsync=off", &[])));
    staying.add(100..200);
    staying.shipped(200);
    fleet::run(async {
        let connection = Connection::open(&pooler.settings(&store.database)).await.unwrap();
        let mut follower = Follower::new(&store.ledger, From::Start);
        follower.begin(&connection).await.unwrap();
        let mut seen = 0;
        while seen < 200 {
            seen += follower.next(&connection).await.unwrap().iter().map(|it| it.events.len()).sum::<usize>();
        }
        pooler.switch_to(copy).await;
        // The next batch is the first that the copy gets; with it comes all that the copy lacks.
        staying.add(200..201);
        let copied = store.on(copy);
        let started = Instant::now();
        while copied.number("SELECT count(*) FROM S.events").await < 201 {
            assert!(started.elapsed() < Duration::from_secs(20), "what the copy lacks does not come");
        }
        copied.check(201).await;
        let after = follower.next(&connection).await;
        assert_eq!(after.map_err(|error| error.code()), Err(fleet::Code::Rewound));
    })
    .unwrap();
    let (ended, _) = staying.end();
    ended.unwrap();
}
