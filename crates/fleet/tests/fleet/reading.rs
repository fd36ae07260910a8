//! Reading: pages that together are what a naive reader finds.

use fleet::Code;
use fleet::protocol::Ledger;
use fleet::reader::{Reader, Wanted};
use uuid::Uuid;

use crate::server::server;
use crate::store::Store;

async fn all(store: &Store, wanted: Wanted, rows: i64) -> Vec<Vec<u8>> {
    let connection = store.open().await;
    let mut reader = Reader::new(&store.ledger, wanted).with_rows(rows);
    let mut events = Vec::new();
    while let Some(page) = reader.next(&connection).await.unwrap() {
        events.extend(page);
    }
    events
}

/// Many events of one millisecond, several tasks, some without a time; from two sources.
fn events() -> Vec<Vec<u8>> {
    (0..300)
        .map(|n: u32| {
            let time = match n % 10 {
                9 => String::new(),
                part => {
                    format!(",\"timestamp\":{}", f64::from(1000 + n / 30 * 10) + f64::from(part % 2) * 0.5)
                }
            };
            format!("{{\"eventId\":\"e{n}\",\"taskId\":\"t{}\"{time}}}", n % 4).into_bytes()
        })
        .collect()
}

fn time(line: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(line).unwrap();
    Some(text.split("timestamp\":").nth(1)?.trim_end_matches('}').parse().unwrap())
}

#[test]
fn pages_of_any_size_give_what_a_naive_reader_finds() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let events = events();
        for part in events.chunks(70) {
            store.ship(&connection, Uuid::new_v4(), part).await.unwrap();
        }
        let mut sorted = events.clone();
        sorted.sort_by(|a, b| time(a).unwrap_or(f64::MIN).total_cmp(&time(b).unwrap_or(f64::MIN)));
        for rows in [1, 2, 7, 16, 100, 2000] {
            assert!(all(&store, Wanted::default(), rows).await == sorted, "{rows} rows");
        }
        for (from, until, task) in [
            (Some(1030.0), None, None),
            (None, Some(1030.0), None),
            (Some(1030.25), Some(1050.0), None),
            (None, None, Some("t2")),
            (Some(1010.5), Some(1090.0), Some("t1")),
            (Some(2000.0), None, None),
        ] {
            let naive: Vec<Vec<u8>> = sorted
                .iter()
                .filter(|line| match time(line) {
                    None => from.is_none() && until.is_none(),
                    Some(at) => from.is_none_or(|from| at >= from) && until.is_none_or(|until| at <= until),
                })
                .filter(|line| {
                    let text = std::str::from_utf8(line).unwrap();
                    task.is_none_or(|task| text.contains(&format!("\"{task}\"")))
                })
                .cloned()
                .collect();
            let wanted = Wanted { from, until, task: task.map(|task| task.as_bytes().to_vec()) };
            for rows in [3, 2000] {
                assert!(all(&store, wanted.clone(), rows).await == naive, "{wanted:?}, {rows} rows");
            }
        }
        let other = Ledger { name: "other".to_owned(), ..store.ledger.clone() };
        let unknown = Reader::new(&other, Wanted::default()).next(&connection).await;
        assert_eq!(unknown.map_err(|error| error.code()), Err(Code::Ledger));
    })
    .unwrap();
}

#[test]
fn of_an_event_that_was_edited_the_newest_revision_counts() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let line = |text: &str| text.as_bytes().to_vec();
        let first = [
            line(r#"{"eventId":"a","timestamp":5,"outcomeAccepted":null}"#),
            line(r#"{"eventId":"b","timestamp":5}"#),
            line(r#"{"timestamp":5,"n":1}"#),
        ];
        let second = [
            line(r#"{"eventId":"a","timestamp":5,"outcomeAccepted":true}"#),
            line(r#"{"timestamp":5,"n":2}"#),
            line(r#"{"eventId":"b","timestamp":6}"#),
        ];
        let source = Uuid::new_v4();
        store.ship(&connection, source, &first).await.unwrap();
        store.ship(&connection, source, &second).await.unwrap();
        // Without an id nothing is a revision; an edit that changes the time shows both.
        let expected = [&first[1], &first[2], &second[0], &second[1], &second[2]].map(Clone::clone);
        for rows in [1, 2, 100] {
            assert_eq!(all(&store, Wanted::default(), rows).await, expected, "{rows} rows");
        }
    })
    .unwrap();
}

#[test]
fn events_that_were_not_shipped_yet_stand_among_the_others() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let line = |id: &str, time: u32, more: &str| {
            format!("{{\"eventId\":\"{id}\",\"timestamp\":{time}{more}}}").into_bytes()
        };
        let there = [line("a", 1, ""), line("b", 5, ""), line("c", 5, ""), line("d", 9, "")];
        store.ship(&connection, Uuid::new_v4(), &there).await.unwrap();
        // One is there already, one is an edit of what is there, one comes before all, one after all.
        let own = [
            line("e", 12, ""),
            line("c", 5, ""),
            line("b", 5, ",\"n\":1"),
            line("f", 0, ""),
            b"no event".to_vec(),
            b"{\"eventId\":\"g\"}".to_vec(),
        ];
        let expected =
            [&own[5], &own[3], &there[0], &there[2], &own[2], &there[3], &own[0]].map(Clone::clone);
        for rows in [1, 2, 100] {
            let pending = own.iter().map(Vec::as_slice);
            let mut reader =
                Reader::new(&store.ledger, Wanted::default()).with_pending(pending).with_rows(rows);
            let mut events = Vec::new();
            while let Some(page) = reader.next(&connection).await.unwrap() {
                events.extend(page);
            }
            assert_eq!(events, expected, "{rows} rows");
        }
        let wanted = Wanted { from: Some(4.0), until: Some(9.0), task: None };
        let mut reader = Reader::new(&store.ledger, wanted).with_pending(own.iter().map(Vec::as_slice));
        let page = reader.next(&connection).await.unwrap().unwrap();
        assert_eq!(page, [&there[2], &own[2], &there[3]].map(Clone::clone));
    })
    .unwrap();
}
