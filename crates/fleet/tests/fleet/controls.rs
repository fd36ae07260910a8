//! Negative controls: the simpler designs lose or double events, and the same course of things does no harm here.

use std::time::Duration;

use fleet::Connection;
use uuid::Uuid;

use crate::server::server;
use crate::store::{Store, lines};

async fn number(connection: &Connection, sql: &str) -> i64 {
    connection.one(sql, &[]).await.unwrap().get(0)
}

/// A reader that goes on behind the highest number of a sequence.
#[test]
fn a_sequence_loses_what_commits_late_and_lanes_do_not() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let (slow, quick, reader) = (store.open().await, store.open().await, store.open().await);
        quick.batch("CREATE TABLE naive (seq bigserial PRIMARY KEY)").await.unwrap();
        slow.batch("BEGIN; INSERT INTO naive DEFAULT VALUES").await.unwrap();
        quick.batch("INSERT INTO naive DEFAULT VALUES").await.unwrap();
        let position = number(&reader, "SELECT max(seq) FROM naive").await;
        slow.batch("COMMIT").await.unwrap();
        let seen = number(&reader, &format!("SELECT count(*) FROM naive WHERE seq > {position}")).await;
        assert_eq!((position, seen), (2, 0), "the naive reader has lost an event");

        // The same with ship_v1, both in one lane.
        let source = Uuid::new_v4();
        slow.batch("BEGIN").await.unwrap();
        store.ship(&slow, source, &lines(0..1)).await.unwrap();
        let other = store.open().await;
        let head = store.sql("SELECT max(head) FROM S.lanes");
        let second = lines(1..2);
        let quick = store.ship(&quick, source, &second);
        let mut quick = std::pin::pin!(quick);
        let waited = tokio::time::timeout(Duration::from_millis(300), quick.as_mut()).await;
        assert!(waited.is_err(), "the second of a lane waits for the first");
        assert_eq!(number(&other, &head).await, 0, "nothing to be seen, so no position behind it");
        slow.batch("COMMIT").await.unwrap();
        quick.await.unwrap();
        assert_eq!(number(&other, &head).await, 2);
        store.check(2).await;
    })
    .unwrap();
}

/// A client that sends a batch again since the answer was lost.
#[test]
fn a_plain_insert_doubles_what_is_sent_again() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        connection.batch("CREATE TABLE naive (body text)").await.unwrap();
        for _ in 0..2 {
            connection.batch("INSERT INTO naive VALUES ('event')").await.unwrap();
            store.ship(&connection, Uuid::new_v4(), &lines(0..1)).await.unwrap();
        }
        assert_eq!(
            number(&connection, "SELECT count(*) FROM naive").await,
            2,
            "the naive table has it twice"
        );
        store.check(1).await;
    })
    .unwrap();
}

/// `jsonb` refuses some lines that a log holds, and changes others.
#[test]
fn jsonb_refuses_or_changes_lines() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        for line in [r#"{"a":"\u0000"}"#, r#"{"a":"\ud800"}"#, r#"{"a":1e200000}"#] {
            let refused = connection.batch(&format!("SELECT '{line}'::jsonb")).await;
            assert_eq!(refused.unwrap_err().code(), fleet::Code::Refused, "{line}");
        }
        for line in [r#"{"a":1,"a":2}"#, r#"{"a":1e3}"#, r#"{"b":1,"a":2}"#] {
            let same =
                connection.one(&format!("SELECT '{line}'::jsonb::text = '{line}'"), &[]).await.unwrap();
            assert!(!same.get::<_, bool>(0), "{line}");
        }
    })
    .unwrap();
}
