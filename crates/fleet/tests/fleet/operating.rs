//! Operators: totals, sources, lanes, eviction, new versions, and what an examination finds.

use std::time::Duration;

use fleet::Code;
use fleet::examination::{Outcome, examine};
use fleet::operator::Operator;
use fleet::protocol::Ledger;
use fleet::schema::{Step, VERSION, migrate};
use fleet::shipper::Shipper;
use uuid::Uuid;

use crate::memory::Memory;
use crate::server::server;
use crate::store::{Store, lines};

#[test]
fn totals_and_sources_say_what_is_there() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let operator = Operator::new(&connection, &store.ledger);
        let none = operator.totals().await.unwrap();
        assert_eq!((none.events, none.bytes, none.oldest), (0, 0, None));
        let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
        store.ship(&connection, one, &lines(0..30)).await.unwrap();
        store.ship(&connection, two, &lines(20..50)).await.unwrap();
        let totals = operator.totals().await.unwrap();
        assert_eq!((totals.events, totals.lanes), (50, 8));
        assert_eq!(totals.oldest.and_then(fleet::identity::At::unix_ms), Some(1_700_000_000_000));
        assert_eq!(totals.newest.and_then(fleet::identity::At::unix_ms), Some(1_700_000_000_049));
        let sources = operator.sources().await.unwrap();
        let said: Vec<_> = sources.iter().map(|it| (it.source, it.stored, it.repeated)).collect();
        assert_eq!(said, [(two, 20, 10), (one, 30, 0)]);
        assert!(totals.now >= sources[0].last_seen);
        let other = Ledger { name: "other".to_owned(), ..store.ledger.clone() };
        let unknown = Operator::new(&connection, &other);
        assert_eq!(unknown.totals().await.map_err(|error| error.code()), Err(Code::Ledger));
        assert_eq!(unknown.excess(1).await.map_err(|error| error.code()), Err(Code::Ledger));
    })
    .unwrap();
}

#[test]
fn a_folder_that_is_behind_says_by_how_much_and_since_when() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let full = "CREATE FUNCTION S.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             IF NEW.at > '2023-11-14 22:13:20.049Z' THEN RAISE EXCEPTION 'no room' USING ERRCODE = '53100'; END IF; \
             RETURN NEW; END $$; \
             CREATE TRIGGER full_disk BEFORE INSERT ON S.events FOR EACH ROW EXECUTE FUNCTION S.full()";
        let connection = store.open().await;
        connection.batch(&store.sql(full)).await.unwrap();
        let mut memory = Memory::new(lines(0..80));
        memory.aside = lines(0..2);
        let mut shipper = Shipper::new(store.settings(""), &store.ledger, None, None);
        let error = shipper.once(&mut memory, Duration::ZERO).await.unwrap_err();
        assert_eq!((error.code(), memory.shipped), (Code::Full, 50));
        let operator = Operator::new(&connection, &store.ledger);
        let said = operator.sources().await.unwrap();
        let since = said[0].pending_since.and_then(fleet::identity::At::unix_ms);
        assert_eq!(since, Some(1_700_000_000_049));
        assert_eq!(said[0].pending, Some(lines(50..80).iter().map(|line| i64::try_from(line.len()).unwrap() + 1).sum()));
        assert_eq!(said[0].set_aside, Some(2));
        connection.batch(&store.sql("DROP TRIGGER full_disk ON S.events")).await.unwrap();
        shipper.once(&mut memory, Duration::ZERO).await.unwrap();
        let said = operator.sources().await.unwrap();
        assert_eq!((said[0].pending, said[0].pending_since), (Some(0), None));
    })
    .unwrap();
}

#[test]
fn lanes_grow_while_others_ship_and_never_shrink() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let operator = Operator::new(&connection, &store.ledger);
        for number in 0..20 {
            store.ship(&connection, Uuid::new_v4(), &lines(number * 2..number * 2 + 2)).await.unwrap();
        }
        assert_eq!(operator.add_lanes(32).await, Ok(8));
        assert_eq!(operator.add_lanes(32).await, Ok(32));
        assert_eq!(operator.add_lanes(8).await.map_err(|error| error.code()), Err(Code::Refused));
        for number in 20..60 {
            store.ship(&connection, Uuid::new_v4(), &lines(number * 2..number * 2 + 2)).await.unwrap();
        }
        assert!(store.number("SELECT count(*) FROM S.lanes WHERE head > 0 AND lane >= 8").await > 0);
        store.check(120).await;
    })
    .unwrap();
}

#[test]
fn eviction_goes_in_steps_and_keeps_the_newest() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let operator = Operator::new(&connection, &store.ledger);
        for first in (0..12_000).step_by(4000) {
            store.ship(&connection, Uuid::new_v4(), &lines(first..first + 4000)).await.unwrap();
        }
        assert_eq!(operator.excess(500).await, Ok(11_500));
        assert_eq!(store.number("SELECT count(*) FROM S.events").await, 12_000, "counting removes nothing");
        assert_eq!(operator.evict(500).await, Ok(11_500));
        assert_eq!(operator.evict(500).await, Ok(0));
        let totals = operator.totals().await.unwrap();
        assert_eq!(totals.events, 500);
        assert_eq!(totals.oldest.and_then(fleet::identity::At::unix_ms), Some(1_700_000_011_500));
    })
    .unwrap();
}

const NEXT: &[Step] = &[
    Step { from: 1, sql: "ALTER TABLE @schema@.meta ADD COLUMN note text;" },
    Step { from: 2, sql: "CREATE FUNCTION @schema@.hello_v2() RETURNS int LANGUAGE sql AS $$ SELECT 2 $$;" },
];

#[test]
fn a_new_version_leaves_the_old_functions_and_several_at_once_make_it_once() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let schema = store.ledger.schema.clone();
        let connection = store.open().await;
        assert_eq!(migrate(&connection, &schema, &[], VERSION).await, Ok(1));
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let (settings, schema) = (store.settings(""), schema.clone());
                std::thread::spawn(move || {
                    fleet::run(async {
                        let connection = fleet::Connection::open(&settings).await.unwrap();
                        migrate(&connection, &schema, NEXT, 3).await
                    })
                    .unwrap()
                })
            })
            .collect();
        for task in tasks {
            let before = tokio::task::spawn_blocking(|| task.join().unwrap()).await.unwrap().unwrap();
            assert!((1..=3).contains(&before));
        }
        assert_eq!(store.number("SELECT version::bigint FROM S.meta").await, 3);
        // A program of the first version goes on.
        store.ship(&connection, Uuid::new_v4(), &lines(0..5)).await.unwrap();
        store.check(5).await;
        let newer = migrate(&connection, &schema, &[], VERSION).await;
        assert_eq!(newer.map_err(|error| error.code()), Err(Code::Schema));
        let lacking = migrate(&connection, &schema, NEXT, 4).await;
        assert_eq!(lacking.map_err(|error| error.code()), Err(Code::Schema));
    })
    .unwrap();
}

#[test]
fn an_examination_tells_good_from_bad() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let found = examine(&store.settings(""), &store.ledger).await;
        let outcome = |step: &str| found.iter().find(|it| it.step == step).map(|it| it.outcome);
        for step in ["port", "connection", "channel", "round trip", "server", "schema", "clock", "rights"] {
            assert_eq!(outcome(step), Some(Outcome::Good), "{step}: {found:?}");
        }
        // This server has fsync=off.
        assert_eq!(outcome("durability"), Some(Outcome::Bad));
        let away = server.settings("port=1 connect_timeout=2");
        let found = examine(&away, &store.ledger).await;
        let last = found.last().map(|it| (it.step, it.outcome));
        assert_eq!(last, Some(("connection", Outcome::Bad)), "{found:?}");
        let other = Ledger { name: "other".to_owned(), ..store.ledger.clone() };
        let found = examine(&store.settings(""), &other).await;
        let last = found.last().map(|it| (it.step, it.outcome));
        assert_eq!(last, Some(("schema", Outcome::Bad)), "{found:?}");
    })
    .unwrap();
}
