//! Exactly once: acknowledged = stored, no duplicates, no gaps, whatever is lost on the way.

use std::time::Duration;

use fleet::protocol::Ledger;
use fleet::shipper::{Shipper, Summary};
use fleet::{Code, Result, Settings};

use crate::memory::{Memory, through};
use crate::proxy::{Fate, Proxy};
use crate::server::{Server, server};
use crate::store::{Store, lines};

async fn ship(settings: Settings, ledger: &Ledger, memory: &mut Memory) -> Result<Summary> {
    let mut shipper = Shipper::new(settings, ledger, Some("here".to_owned()), None)
        .with_times(Duration::from_secs(1), Duration::from_millis(10));
    shipper.once(memory, Duration::from_secs(60)).await
}

/// Lines that a log may hold, and that other ways to store them refuse or change.
fn odd_lines() -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = [
        &br#"{"eventId":"a","timestamp":1,"x":"\u0000"}"#[..],
        br#"{"x":"\ud800"}"#,
        br#"{"x":1e999,"timestamp":1e999}"#,
        br#"{"x":1e200000}"#,
        br#"{"x":1,"x":2,"timestamp":-1e300}"#,
        br#"{"x":1.0,"y":1e2,"z":-0}"#,
        b"{\"x\":\"\xff\xfe\",\"taskId\":\"\xc0\"}",
        "{\"x\":\"\u{2028}\u{10ffff}\"}".as_bytes(),
        br#"{ "x" : [ 1 , 2 ] }"#,
        b"{}",
    ]
    .iter()
    .map(|line| line.to_vec())
    .collect();
    all.push([b"{\"deep\":".to_vec(), vec![b'['; 200_000], vec![b']'; 200_000], b"}".to_vec()].concat());
    let long = 16 << 20;
    let mut line = b"{\"long\":\"".to_vec();
    line.resize(long - 2, b'x');
    line.extend_from_slice(b"\"}");
    all.push(line);
    all
}

#[test]
fn every_line_comes_back_byte_for_byte() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let odd = odd_lines();
        let mut memory = Memory::new(odd.clone());
        memory.lines.push(b"no event".to_vec());
        memory.lines.insert(0, b"  {\"spaces\":1}\r".to_vec());
        let summary = Shipper::new(store.settings(""), &store.ledger, None, None)
            .once(&mut memory, Duration::from_secs(60))
            .await
            .unwrap();
        assert_eq!(summary.stored, odd.len() as u64 + 1);
        assert_eq!(memory.shipped, odd.len() + 2, "what is no event is passed over");
        let mut expected = odd;
        expected.insert(0, b"{\"spaces\":1}".to_vec());
        assert!(store.bodies().await == expected);
        store.check(i64::try_from(expected.len()).unwrap()).await;
    })
    .unwrap();
}

/// A fate for each connection, from a seed; the last ones pass.
fn fate(seed: u32) -> impl Fn(u32) -> Fate {
    move |number| {
        // SplitMix64.
        let mut random = (u64::from(seed) << 32 | u64::from(number)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        random = (random ^ (random >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        random = (random ^ (random >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        random ^= random >> 31;
        // A connection has about 600 bytes before its first batch, and a batch of 50 about 6,000.
        let bytes = usize::try_from(random % 14_000).unwrap();
        match (random >> 32) % 7 {
            _ if number > 12 => Fate::Pass,
            0..=2 => Fate::CutRequest(bytes),
            3..=5 => Fate::SwallowAnswer(bytes),
            _ => Fate::Stall(bytes),
        }
    }
}

#[test]
fn each_event_once_through_cuts_stalls_and_lost_answers() {
    let Some(server) = server() else { return };
    fleet::run(async {
        for seed in 0..3 {
            let store = Store::new(server).await;
            let proxy = Proxy::new(server.port, fate(seed));
            let mut memory = Memory::new(lines(0..1000));
            let summary = ship(through(proxy.port, &store), &store.ledger, &mut memory).await.unwrap();
            let connections = proxy.connections.load(std::sync::atomic::Ordering::Relaxed);
            assert!(connections > 5, "seed {seed}: {connections} connections, too few to show anything");
            assert_eq!(memory.shipped, 1000);
            assert!(summary.stored <= 1000);
            store.check(1000).await;
        }
    })
    .unwrap();
}

/// Negative control: a cursor that goes ahead of the answer.
#[test]
fn a_cursor_before_the_answer_loses_events() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let cut = |number| if number == 0 { Fate::CutRequest(9_000) } else { Fate::Pass };
        let proxy = Proxy::new(server.port, cut);
        let mut memory = Memory { hasty: true, ..Memory::new(lines(0..200)) };
        ship(through(proxy.port, &store), &store.ledger, &mut memory).await.unwrap();
        assert_eq!(memory.shipped, 200, "it believes that all is shipped");
        assert!(store.number("SELECT count(*) FROM S.events").await < 200, "and the store lacks some");
        // The right order, with the same cut.
        let proxy = Proxy::new(server.port, cut);
        let mut memory = Memory::new(lines(0..200));
        ship(through(proxy.port, &store), &store.ledger, &mut memory).await.unwrap();
        store.check(200).await;
    })
    .unwrap();
}

#[test]
fn a_lost_answer_is_known_by_its_token_and_nothing_begins_anew() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        // The answer to the first batch is lost; the process dies, and another goes on with what was noted.
        let swallow = |number| if number == 0 { Fate::SwallowAnswer(3_000) } else { Fate::Pass };
        let proxy = Proxy::new(server.port, swallow);
        let mut memory = Memory::new(lines(0..50));
        let mut shipper = Shipper::new(through(proxy.port, &store), &store.ledger, None, None);
        let lost = shipper.once(&mut memory, Duration::ZERO).await.unwrap_err();
        assert_eq!(lost.code(), Code::Down);
        assert_eq!((memory.shipped, store.number("SELECT count(*) FROM S.events").await), (0, 50));
        let source = memory.standing.source;
        let summary = ship(through(proxy.port, &store), &store.ledger, &mut memory).await.unwrap();
        assert_eq!((summary.stored, summary.repeated), (0, 50));
        assert_eq!(memory.standing.source, source);
        store.check(50).await;
    })
    .unwrap();
}

#[test]
fn a_store_that_went_back_in_time_is_filled_again() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let mut memory = Memory::new(lines(0..120));
        memory.lines.truncate(60);
        ship(store.settings(""), &store.ledger, &mut memory).await.unwrap();
        // As a restored backup does: what came later is gone, and the store's identity is the same.
        let backup = store.sql("CREATE TABLE b1 AS TABLE S.sources");
        store.open().await.batch(&backup).await.unwrap();
        memory.lines = lines(0..120);
        ship(store.settings(""), &store.ledger, &mut memory).await.unwrap();
        let restore = "SET session_replication_role = replica; \
            DELETE FROM S.events WHERE batch IN (SELECT batch FROM S.batches WHERE seq > 2); \
            UPDATE S.lanes SET head = 2, total = 60, events = 60, bytes = (SELECT sum(octet_length(body)) FROM S.events) WHERE head > 2; \
            DELETE FROM S.batches WHERE seq > 2; TRUNCATE S.sources; INSERT INTO S.sources SELECT * FROM b1";
        store.open().await.batch(&store.sql(restore)).await.unwrap();
        let left = store.number("SELECT count(*) FROM S.events").await;
        assert!(left < 120, "the store has lost some: {left}");
        let source = memory.standing.source;
        let summary = ship(store.settings(""), &store.ledger, &mut memory).await.unwrap();
        let left = u64::try_from(left).unwrap();
        assert_eq!((summary.stored, summary.repeated), (120 - left, left));
        assert_ne!(memory.standing.source, source, "under a new name");
        store.check(120).await;
        // A copy of the folder under the same name: the second one takes another, and both come to rest.
        let mut copy = memory.clone();
        for round in 0..3 {
            for (it, line) in [(&mut memory, 200 + 2 * round), (&mut copy, 201 + 2 * round)] {
                it.lines.extend(lines(line..line + 1));
                ship(store.settings(""), &store.ledger, it).await.unwrap();
            }
        }
        assert_ne!(memory.standing.source, copy.standing.source);
        store.check(126).await;
        assert_eq!(store.number("SELECT count(*) FROM S.sources").await, 3);
    })
    .unwrap();
}

#[test]
fn an_event_that_the_store_refuses_is_set_aside_and_the_rest_goes_on() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let trigger = "CREATE FUNCTION S.picky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF position('refuse'::bytea IN NEW.body) > 0 THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$; \
             CREATE TRIGGER picky BEFORE INSERT ON S.events FOR EACH ROW EXECUTE FUNCTION S.picky()";
        store.open().await.batch(&store.sql(trigger)).await.unwrap();
        let mut all = lines(0..130);
        let bad: Vec<Vec<u8>> = [b"{\"refuse\":1}".to_vec(), b"{\"refuse\":2}".to_vec()].to_vec();
        all.insert(37, bad[0].clone());
        all.push(bad[1].clone());
        let mut memory = Memory::new(all);
        let summary = ship(store.settings(""), &store.ledger, &mut memory).await.unwrap();
        assert_eq!((summary.stored, summary.set_aside, memory.shipped), (130, 2, 132));
        assert_eq!(memory.aside, bad);
        store.check(130).await;
        // A store that takes nothing at all is not the events' fault.
        store.open().await.batch(&store.sql("CREATE OR REPLACE FUNCTION S.picky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'none'; END $$")).await.unwrap();
        let mut memory = Memory::new(lines(500..600));
        let error = ship(store.settings(""), &store.ledger, &mut memory).await.unwrap_err();
        assert_eq!(error.code(), Code::Refused);
        assert!(memory.aside.len() <= 10);
    })
    .unwrap();
}

#[test]
fn copies_of_a_folder_at_once() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let (settings, ledger) = (store.settings(""), store.ledger.clone());
        let tasks: Vec<_> = (0..12)
            .map(|number| {
                let (settings, ledger) = (settings.clone(), ledger.clone());
                std::thread::spawn(move || {
                    let mut all = lines(0..600);
                    all.rotate_left(number * 50);
                    let mut memory = Memory::new(all);
                    fleet::run(ship(settings, &ledger, &mut memory)).unwrap().unwrap()
                })
            })
            .collect();
        let mut stored = 0;
        for task in tasks {
            let summary = tokio::task::spawn_blocking(|| task.join().unwrap()).await.unwrap();
            assert_eq!(summary.stored + summary.repeated, 600);
            stored += summary.stored;
        }
        assert_eq!(stored, 600);
        store.check(600).await;
    })
    .unwrap();
}

#[test]
fn each_event_once_while_the_server_is_killed() {
    let Some(server) = Server::start("fsync=on") else { return };
    let server: &'static Server = Box::leak(Box::new(server));
    let database = server.database();
    let store = fleet::run(Store::of(server, database)).unwrap();
    let (settings, ledger) = (store.settings(""), store.ledger.clone());
    let shipping = std::thread::spawn(move || {
        let mut memory = Memory::new(lines(0..6000));
        fleet::run(ship(settings, &ledger, &mut memory)).unwrap().unwrap();
        memory.shipped
    });
    // Killed in the middle of it.
    while fleet::run(store.number("SELECT count(*) FROM S.events")).unwrap() < 1000 {}
    server.kill();
    server.restart("fsync=on");
    assert_eq!(shipping.join().unwrap(), 6000);
    fleet::run(store.check(6000)).unwrap();
}

#[test]
fn what_a_person_must_see_to_ends_it_at_once() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let mut store = Store::new(server).await;
        store.ledger.name = "none".to_owned();
        let mut memory = Memory::new(lines(0..5));
        let error = ship(store.settings(""), &store.ledger, &mut memory).await.unwrap_err();
        assert_eq!((error.code(), memory.shipped), (Code::Ledger, 0));
    })
    .unwrap();
}
