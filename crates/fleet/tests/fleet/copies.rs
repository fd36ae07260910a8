//! Standbys that take over, copies that lack the newest batches, restored dumps.

use std::process::Stdio;
use std::time::{Duration, Instant};

use fleet::follower::{Follower, From, Position};
use fleet::{Code, Connection, Settings};
use uuid::Uuid;

use crate::server::{Server, surroundings};
use crate::stayer::Staying;
use crate::store::{Store, lines};

fn kept(server: Server) -> &'static Server {
    Box::leak(Box::new(server))
}

/// A store of its own server, on which shippers need not pause.
fn store(server: &'static Server) -> Store {
    let database = server.database();
    fleet::run(async {
        let store = Store::of(server, database).await;
        store.open().await.batch(&store.sql("UPDATE S.ledgers SET pace_ms = 1")).await.unwrap();
        store
    })
    .unwrap()
}

/// Either server, whichever takes writes.
fn either(store: &Store, one: &Server, other: &Server) -> Settings {
    let text = format!(
        "host=127.0.0.1,127.0.0.1 port={},{} user=postgres dbname={} connect_timeout=5 target_session_attrs=read-write",
        one.port, other.port, store.database
    );
    Settings::new(Some(&text), &surroundings()).unwrap()
}

/// All that a follower has given since: how many events, and where it stands.
async fn follow(
    follower: &mut Follower,
    connection: &Connection,
    events: usize,
) -> fleet::Result<Option<Position>> {
    follower.begin(connection).await?;
    let (mut seen, mut position) = (Vec::new(), None);
    let started = Instant::now();
    while seen.len() < events {
        assert!(started.elapsed() < Duration::from_secs(30), "{} of {events} events", seen.len());
        for batch in follower.next(connection).await? {
            assert_eq!(batch.missed, 0);
            seen.extend(batch.events);
            position = Some(batch.position);
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), events, "each event once");
    Ok(position)
}

#[test]
fn a_synchronous_standby_takes_over_and_nothing_is_lost_or_doubled() {
    let Some(primary) = Server::start("fsync=off").map(kept) else { return };
    let store = store(primary);
    let standby = kept(primary.copy("fsync=off", &["-R"]));
    primary.run("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.run("postgres", "SELECT pg_reload_conf()");
    let synchronous = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    while fleet::run(store.number(synchronous)).unwrap() == 0 {}
    let shippers: Vec<_> =
        (0..4).map(|_| Staying::start(either(&store, primary, standby), &store.ledger, None)).collect();
    for (number, shipper) in (0..).zip(&shippers) {
        shipper.add(number * 10_000..number * 10_000 + 2500);
    }
    let before = store.on(standby);
    // A follower reads the standby, which takes no writes.
    let position = fleet::run(async {
        let connection = before.open().await;
        let mut follower = Follower::new(&store.ledger, From::Start);
        follower.begin(&connection).await.unwrap();
        let (mut seen, mut position) = (0, None);
        while seen < 1000 {
            for batch in follower.next(&connection).await.unwrap() {
                seen += batch.events.len();
                position = Some(batch.position);
            }
        }
        position.map(|position| (seen, position))
    })
    .unwrap();
    primary.kill();
    standby.run("postgres", "SELECT pg_promote()");
    for shipper in &shippers {
        shipper.shipped(2500);
    }
    for shipper in shippers {
        assert_eq!(shipper.end().0.unwrap().set_aside, 0);
    }
    fleet::run(async {
        before.check(10_000).await;
        assert_eq!(before.number("SELECT count(*) FROM S.sources").await, 4, "none began anew");
        let (seen, position) = position.unwrap();
        let mut follower = Follower::new(&store.ledger, From::After(position));
        follow(&mut follower, &before.open().await, 10_000 - seen).await.unwrap();
    })
    .unwrap();
}

#[test]
fn a_copy_that_lacks_acknowledged_batches_is_filled_and_followers_hear_of_it() {
    let Some(primary) = Server::start("fsync=off").map(kept) else { return };
    let store = store(primary);
    fleet::run(async {
        // Until both were copied: a standby that had not caught up, or a backup.
        let connection = store.open().await;
        store.ship(&connection, Uuid::new_v4(), &lines(90_000..90_010)).await.unwrap();
    })
    .unwrap();
    let copy = kept(primary.copy("fsync=off", &[]));
    let shippers: Vec<_> =
        (0..3).map(|_| Staying::start(either(&store, primary, copy), &store.ledger, None)).collect();
    for (number, shipper) in (0..).zip(&shippers) {
        shipper.add(number * 1000..number * 1000 + 300);
        shipper.shipped(300);
    }
    let [mut quick, mut slow] = [0, 1].map(|_| Follower::new(&store.ledger, From::Start));
    fleet::run(async {
        let position = follow(&mut quick, &store.open().await, 910).await.unwrap();
        assert!(position.is_some());
        follow(&mut slow, &store.on(copy).open().await, 10).await.unwrap();
    })
    .unwrap();
    primary.kill();
    // A shipper that has nothing to ship hears of it with its next sign of life, else with the next event.
    for (number, shipper) in (0..).zip(&shippers) {
        shipper.add(number * 1000 + 300..number * 1000 + 301);
    }
    for shipper in shippers {
        shipper.shipped(301);
        shipper.end().0.unwrap();
    }
    let copied = store.on(copy);
    fleet::run(async {
        copied.check(913).await;
        let connection = copied.open().await;
        let rewound = quick.begin(&connection).await;
        assert_eq!(rewound.map_err(|error| error.code()), Err(Code::Rewound));
        follow(&mut slow, &connection, 903).await.unwrap();
    })
    .unwrap();
}

#[test]
fn a_dump_goes_into_another_cluster_and_all_go_on_there() {
    let Some(old) = Server::start("fsync=off").map(kept) else { return };
    let store = store(old);
    let shipper = Staying::start(either(&store, old, old), &store.ledger, None);
    shipper.add(0..200);
    shipper.shipped(200);
    let mut same = Follower::new(&store.ledger, From::Start);
    fleet::run(async { follow(&mut same, &store.open().await, 200).await }).unwrap().unwrap();
    let new = kept(Server::start("fsync=off").unwrap());
    let mut dump = old.program("pg_dumpall").stdout(Stdio::piped()).spawn().unwrap();
    let restored = new.program("psql").arg("-q").stdin(dump.stdout.take().unwrap()).output().unwrap();
    assert!(dump.wait().unwrap().success());
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    // Behind the dump: the new cluster does not have it.
    shipper.add(200..250);
    shipper.shipped(250);
    let mut further = Follower::new(&store.ledger, From::Start);
    fleet::run(async { follow(&mut further, &store.open().await, 250).await }).unwrap().unwrap();
    let folder = shipper.folder.clone();
    shipper.end().0.unwrap();
    // The same folder, which is now told of the new cluster.
    let moved = store.on(new);
    let shipper = Staying::with(folder.lock().clone(), either(&store, new, new), &store.ledger, None);
    shipper.add(250..260);
    shipper.shipped(260);
    shipper.end().0.unwrap();
    fleet::run(async {
        moved.check(260).await;
        let connection = moved.open().await;
        follow(&mut same, &connection, 60).await.unwrap();
        let rewound = further.begin(&connection).await;
        assert_eq!(rewound.map_err(|error| error.code()), Err(Code::Rewound));
    })
    .unwrap();
}

#[test]
fn a_transaction_in_another_database_holds_nobody_up() {
    let Some(server) = crate::server::server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let other = Store::new(server).await.open().await;
        other.batch("BEGIN; CREATE TABLE idle (a int)").await.unwrap();
        let connection = store.open().await;
        store.ship(&connection, Uuid::new_v4(), &lines(0..20)).await.unwrap();
        let mut follower = Follower::new(&store.ledger, From::Start);
        follow(&mut follower, &connection, 20).await.unwrap();
        other.batch("ROLLBACK").await.unwrap();
    })
    .unwrap();
}
