//! Schema version 1: what its functions answer.

use fleet::Code;
use fleet::protocol::Calls;
use fleet::schema::{self, Installed, Schema};
use uuid::Uuid;

use crate::server::{Server, server};
use crate::store::{Store, identified, lines};

#[test]
fn installing_twice_and_at_once_is_no_harm() {
    let Some(server) = server() else { return };
    let database = server.database();
    fleet::run(async {
        let store = Store::of(server, database.clone()).await;
        let connection = store.open().await;
        assert_eq!(schema::install(&connection, &store.ledger.schema).await.unwrap(), Installed::Before);
        assert!(!schema::create_ledger(&connection, &store.ledger.schema, "default", 8).await.unwrap());
        let other = Schema::new(&format!("at_once_{database}")).unwrap();
        let (one, two) = (store.open().await, store.open().await);
        let task = {
            let other = other.clone();
            tokio::spawn(async move { schema::install(&two, &other).await.unwrap() })
        };
        let first = schema::install(&one, &other).await.unwrap();
        let second = task.await.unwrap();
        assert!([first, second].contains(&Installed::Now), "{first:?} {second:?}");
        let owned = store.sql(
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner \
             WHERE n.nspname LIKE 's\\_db%' AND (r.rolcanlogin OR r.rolname NOT LIKE '%\\_owner')",
        );
        assert_eq!(store.number(&owned).await, 0, "all of it belongs to a role that cannot log in");
    })
    .unwrap();
}

#[test]
fn another_version_is_refused() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        connection.batch(&store.sql("UPDATE S.meta SET version = 2, min_client = 2")).await.unwrap();
        let error = schema::install(&connection, &store.ledger.schema).await.unwrap_err();
        assert_eq!(error.code(), Code::Schema);
        let hello = Calls::new(&connection, &store.ledger).hello(Uuid::new_v4()).await;
        assert_eq!(hello.unwrap_err().code(), Code::Schema);
        connection.batch(&store.sql("UPDATE S.meta SET version = 2, min_client = 1")).await.unwrap();
        assert!(
            Calls::new(&connection, &store.ledger).hello(Uuid::new_v4()).await.is_ok(),
            "an old client still ships"
        );
    })
    .unwrap();
}

#[test]
fn what_is_offered_again_is_repeated_and_tokens_are_remembered() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let calls = Calls::new(&connection, &store.ledger);
        let source = Uuid::new_v4();
        assert_eq!(calls.hello(source).await.unwrap().last_token, None);
        let all = lines(0..30);
        let got = store.ship(&connection, source, &all[..20]).await.unwrap();
        assert_eq!((got.stored, got.repeated, got.late), (20, 0, 0));
        let first = calls.hello(source).await.unwrap();
        let got = store.ship(&connection, Uuid::new_v4(), &all).await.unwrap();
        assert_eq!((got.stored, got.repeated, got.late), (10, 20, 0), "another source, the same events");
        let got = store.ship(&connection, source, &all).await.unwrap();
        assert_eq!((got.stored, got.repeated), (0, 30));
        let second = calls.hello(source).await.unwrap();
        assert!(
            first.last_token.is_some()
                && second.last_token != first.last_token
                && second.store == first.store
        );
        let ids: Vec<_> = lines(25..40).iter().map(|line| identified(line).0).collect();
        assert_eq!(calls.missing(&ids).await.unwrap(), (5..15).collect::<Vec<_>>());
        store.check(30).await;
        assert_eq!(store.bodies().await, all, "in the order of the source");
    })
    .unwrap();
}

#[test]
fn the_same_event_twice_in_a_batch_is_stored_once() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let mut all = lines(0..3);
        all.extend(lines(0..3));
        let got = store.ship(&connection, Uuid::new_v4(), &all).await.unwrap();
        assert_eq!((got.stored, got.repeated), (3, 3));
        store.check(3).await;
    })
    .unwrap();
}

#[test]
fn eviction_takes_the_oldest_and_they_do_not_come_back() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let source = Uuid::new_v4();
        store.ship(&connection, source, &lines(0..100)).await.unwrap();
        assert_eq!(store.number("SELECT S.evict_v1('default', 40, 50, true)").await, 60, "dry");
        assert_eq!(store.number("SELECT S.evict_v1('default', 40, 50, false)").await, 50);
        assert_eq!(store.number("SELECT S.evict_v1('default', 40, 50, false)").await, 10);
        assert_eq!(store.number("SELECT S.evict_v1('default', 40, 50, false)").await, 0);
        let got = store.ship(&connection, source, &lines(0..101)).await.unwrap();
        assert_eq!((got.stored, got.repeated, got.late), (1, 40, 60));
        assert_eq!(store.number("SELECT late FROM S.sources").await, 60);
        assert_eq!(store.number("SELECT sum(events)::bigint FROM S.lanes").await, 41);
    })
    .unwrap();
}

#[test]
fn an_unknown_ledger_and_a_missing_schema_have_their_codes() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let mut store = Store::new(server).await;
        let connection = store.open().await;
        store.ledger.name = "other".to_owned();
        let hello = Calls::new(&connection, &store.ledger).hello(Uuid::new_v4()).await.unwrap_err();
        assert_eq!(hello.code(), Code::Ledger);
        let shipped = store.ship(&connection, Uuid::new_v4(), &lines(0..1)).await.unwrap_err();
        assert_eq!((shipped.code(), shipped.sqlstate()), (Code::Ledger, Some("GL001")));
        store.ledger.schema = Schema::new("nowhere").unwrap();
        let hello = Calls::new(&connection, &store.ledger).hello(Uuid::new_v4()).await.unwrap_err();
        assert_eq!(hello.code(), Code::Schema);
    })
    .unwrap();
}

#[test]
fn the_readable_view_shows_what_jsonb_can_hold() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let odd = [br#"{"a":1}"#.to_vec(), br#"{"a":"\u0000"}"#.to_vec(), b"{\"a\":\"\xff\"}".to_vec()];
        store.ship(&connection, Uuid::new_v4(), &odd).await.unwrap();
        assert_eq!(store.number("SELECT count(*) FROM S.readable").await, 3);
        assert_eq!(store.number("SELECT count(event) FROM S.readable").await, 1);
    })
    .unwrap();
}

#[test]
fn what_was_acknowledged_is_there_after_the_server_was_killed() {
    let Some(server) = Server::start("fsync=on") else { return };
    let server: &'static Server = Box::leak(Box::new(server));
    let database = server.database();
    let store = fleet::run(async {
        let store = Store::of(server, database).await;
        let connection = store.open().await;
        for batch in lines(0..300).chunks(20) {
            store.ship(&connection, Uuid::new_v4(), batch).await.unwrap();
        }
        store
    })
    .unwrap();
    server.kill();
    server.restart("fsync=on");
    fleet::run(store.check(300)).unwrap();
}
