//! A shipper that stays: lines as they come, failures that pass, and an end at once when it is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use fleet::Code;

use crate::memory::through;
use crate::proxy::{Fate, Proxy};
use crate::server::server;
use crate::stayer::Staying;
use crate::store::{Store, lines};

#[test]
fn lines_are_shipped_as_they_come_over_one_connection() {
    let Some(server) = server() else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    let sql = store.sql("UPDATE S.ledgers SET pace_ms = 1");
    fleet::run(async { store.open().await.batch(&sql).await }).unwrap().unwrap();
    let proxy = Proxy::new(server.port, |_| Fate::Pass);
    let staying = Staying::start(through(proxy.port, &store), &store.ledger, None);
    for round in 0..5 {
        staying.add(round * 10..round * 10 + 10);
        staying.shipped(usize::try_from(round).unwrap() * 10 + 10);
    }
    let (ended, said) = staying.end();
    assert_eq!((ended.unwrap().stored, said), (50, Vec::<String>::new()));
    assert_eq!(proxy.connections.load(Ordering::Relaxed), 1);
    fleet::run(store.check(50)).unwrap();
}

#[test]
fn the_operator_says_how_often() {
    let Some(server) = server() else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    let sql = store.sql("UPDATE S.ledgers SET pace_ms = 1000");
    fleet::run(async { store.open().await.batch(&sql).await }).unwrap().unwrap();
    let staying = Staying::start(through(server.port, &store), &store.ledger, None);
    staying.add(0..1);
    staying.shipped(1);
    let first = Instant::now();
    staying.add(1..2);
    staying.shipped(2);
    assert!(first.elapsed() >= Duration::from_millis(700), "{:?}", first.elapsed());
    staying.end().0.unwrap();
}

#[test]
fn a_long_pause_holds_no_connection() {
    let Some(server) = server() else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    let sql = store.sql("UPDATE S.ledgers SET pace_ms = 15000");
    fleet::run(async { store.open().await.batch(&sql).await }).unwrap().unwrap();
    let proxy = Proxy::new(server.port, |_| Fate::Pass);
    let staying = Staying::start(through(proxy.port, &store), &store.ledger, None);
    staying.add(0..1);
    staying.shipped(1);
    staying.add(1..2);
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let started = Instant::now();
    while fleet::run(store.number(others)).unwrap() > 0 {
        assert!(started.elapsed() < Duration::from_secs(5), "it holds its connection while it may not ship");
    }
    assert_eq!(proxy.connections.load(Ordering::Relaxed), 1);
    assert_eq!(staying.end().0.unwrap().stored, 1, "the second one waits for its time");
}

#[test]
fn failures_pass_and_each_kind_is_reported_once() {
    let Some(server) = server() else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    // The first connections get nowhere, one is cut in the middle, the rest pass.
    let fate = |number| match number {
        0..=3 => Fate::CutRequest(0),
        4 => Fate::CutRequest(3_000),
        _ => Fate::Pass,
    };
    let proxy = Proxy::new(server.port, fate);
    let staying = Staying::start(through(proxy.port, &store), &store.ledger, None);
    staying.add(0..120);
    staying.shipped(120);
    let (ended, said) = staying.end();
    assert_eq!(ended.unwrap().set_aside, 0);
    assert_eq!(said, ["EFLEETDOWN", "recovered"]);
    fleet::run(store.check(120)).unwrap();
}

#[test]
fn rights_that_come_back_need_no_restart() {
    let Some(server) = server() else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    let rename = |from: &str, to: &str| {
        let sql = store.sql(&format!("ALTER FUNCTION S.{from} RENAME TO {to}"));
        fleet::run(async { store.open().await.batch(&sql).await }).unwrap().unwrap();
    };
    rename("hello_v1", "gone");
    let staying = Staying::start(through(server.port, &store), &store.ledger, None);
    staying.add(0..5);
    let started = Instant::now();
    while staying.folder.lock().failures.is_empty() {
        assert!(started.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(5));
    }
    rename("gone", "hello_v1");
    staying.shipped(5);
    assert!(staying.folder.lock().failures.is_empty(), "what has arrived ends the failure");
    let (_, said) = staying.end();
    assert_eq!(said, [Code::Schema.name(), "recovered"]);
}

#[test]
fn it_ends_at_once_whatever_it_waits_for() {
    let Some(server) = server() else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    let connected = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&connected);
    // Nothing is ever answered.
    let proxy = Proxy::new(server.port, move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Fate::Stall(0)
    });
    let staying = Staying::start(through(proxy.port, &store), &store.ledger, None);
    staying.add(0..5);
    while connected.load(Ordering::Relaxed) == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let asked = Instant::now();
    let (ended, _) = staying.end();
    assert_eq!(ended.unwrap().stored, 0);
    assert!(asked.elapsed() < Duration::from_millis(900), "{:?}", asked.elapsed());
}

#[test]
fn it_lingers_and_then_ends() {
    let Some(server) = server() else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    let staying =
        Staying::start(through(server.port, &store), &store.ledger, Some(Duration::from_millis(1500)));
    staying.add(0..5);
    let (ended, _) = staying.thread.join().unwrap();
    assert_eq!(ended.unwrap().stored, 5);
}

/// What is left when all was shipped, as half a line, is not asked for again and again; what comes behind it is.
#[test]
fn a_line_that_comes_while_it_looks_is_not_left_for_the_next_one() {
    let Some(server) = server() else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    let sql = store.sql("UPDATE S.ledgers SET pace_ms = 1");
    fleet::run(async { store.open().await.batch(&sql).await }).unwrap().unwrap();
    let staying = Staying::start(through(server.port, &store), &store.ledger, None);
    // One more just behind each look that finds nothing.
    staying.folder.lock().late = lines(0..20);
    staying.shipped(20);
    staying.end().0.unwrap();
    fleet::run(store.check(20)).unwrap();
}
