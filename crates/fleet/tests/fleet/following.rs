//! Followers: nothing twice, nothing passed over, and no silence about what cannot be had.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fleet::follower::{Follower, From, Position};
use fleet::operator::Operator;
use fleet::{Code, Connection};
use uuid::Uuid;

use crate::memory::through;
use crate::proxy::{Fate, Proxy};
use crate::server::server;
use crate::store::{Store, lines};

/// All that a follower gives until nothing is left, and how many were missed.
async fn rest(follower: &mut Follower, store: &Store) -> (Vec<Vec<u8>>, u64, Option<Position>) {
    let connection = store.open().await;
    follower.begin(&connection).await.unwrap();
    let (mut events, mut missed, mut position) = (Vec::new(), 0, None);
    loop {
        let batches = follower.next(&connection).await.unwrap();
        if batches.is_empty() {
            return (events, missed, position);
        }
        for batch in batches {
            events.extend(batch.events);
            missed += batch.missed;
            position = Some(batch.position);
        }
    }
}

/// Writers whose transactions overlap, readers that never rest; a sequence in their place loses events
/// (`controls.rs`).
#[test]
fn a_follower_misses_nothing_beside_sixteen_writers() {
    let Some(server) = server() else { return };
    beside_sixteen_writers(fleet::run(Store::new(server)).unwrap());
}

/// A control: when the lane's lock is taken is a matter of speed alone.
#[test]
fn nor_where_the_lane_is_locked_first() {
    let Some(server) = server() else { return };
    let store = fleet::run(Store::new(server)).unwrap();
    let sql = store.ledger.schema.sql();
    let (begin, end) = ("CREATE FUNCTION", "END $$;");
    let at = sql.find(&format!("{begin} {}.ship_v1", store.ledger.schema.quoted())).unwrap();
    let function = &sql[at..at + sql[at..].find(end).unwrap() + end.len()];
    let lock = store.sql(
        "UPDATE S.lanes l SET head = l.head WHERE l.ledger = v_id AND l.lane = (p_slot % v_lanes)::smallint; \
         v_batch := nextval(",
    );
    let changed =
        function.replacen("v_batch := nextval(", &lock, 1).replacen(begin, "CREATE OR REPLACE FUNCTION", 1);
    assert_ne!(changed, function);
    fleet::run(async { store.open().await.batch(&changed).await }).unwrap().unwrap();
    beside_sixteen_writers(store);
}

fn beside_sixteen_writers(store: Store) {
    let store = Arc::new(store);
    let over = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..16)
        .map(|writer| {
            let store = Arc::clone(&store);
            std::thread::spawn(move || {
                fleet::run(async {
                    let connection = store.open().await;
                    let source = Uuid::new_v4();
                    for batch in 0..25 {
                        let first = writer * 1000 + batch * 4;
                        // Some stay open for a while before they commit.
                        let slow = (writer + batch) % 3 == 0;
                        if slow {
                            connection.batch("BEGIN").await.unwrap();
                        }
                        store.ship(&connection, source, &lines(first..first + 4)).await.unwrap();
                        if slow {
                            fleet::pause(std::time::Duration::from_millis(u64::from(batch % 7))).await;
                            connection.batch("COMMIT").await.unwrap();
                        }
                    }
                })
                .unwrap();
            })
        })
        .collect();
    let reader = {
        let (store, over) = (Arc::clone(&store), Arc::clone(&over));
        std::thread::spawn(move || {
            fleet::run(async {
                let mut follower = Follower::new(&store.ledger, From::Start);
                let connection = store.open().await;
                follower.begin(&connection).await.unwrap();
                let mut seen = HashSet::new();
                loop {
                    let last = over.load(Ordering::SeqCst);
                    let batches = follower.next(&connection).await.unwrap();
                    if last && batches.is_empty() {
                        return seen;
                    }
                    for event in batches.into_iter().flat_map(|batch| batch.events) {
                        assert!(seen.insert(event), "given out twice");
                    }
                }
            })
            .unwrap()
        })
    };
    for writer in writers {
        writer.join().unwrap();
    }
    over.store(true, Ordering::SeqCst);
    assert_eq!(reader.join().unwrap().len(), 16 * 100);
    fleet::run(store.check(1600)).unwrap();
}

#[test]
fn a_position_goes_on_where_it_stopped() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let source = Uuid::new_v4();
        store.ship(&connection, source, &lines(0..10)).await.unwrap();
        let mut now = Follower::new(&store.ledger, From::Now);
        assert_eq!(rest(&mut now, &store).await.0.len(), 0);
        let (events, _, position) = rest(&mut Follower::new(&store.ledger, From::Start), &store).await;
        assert_eq!(events, lines(0..10), "in the order of the log");
        // More batches than are read at once.
        for number in 10..60 {
            store.ship(&connection, source, &lines(number..number + 1)).await.unwrap();
        }
        let cursor = position.unwrap().to_string();
        let mut later = Follower::new(&store.ledger, From::After(cursor.parse().unwrap()));
        assert_eq!(rest(&mut later, &store).await.0, lines(10..60));
        assert_eq!(rest(&mut now, &store).await.0, lines(10..60));
        assert_eq!(rest(&mut later, &store).await.0.len(), 0);
    })
    .unwrap();
}

#[test]
fn what_was_evicted_unseen_is_counted() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        for first in [0, 10, 20] {
            store.ship(&connection, Uuid::new_v4(), &lines(first..first + 10)).await.unwrap();
        }
        assert_eq!(Operator::new(&connection, &store.ledger).evict(5).await, Ok(25));
        let (events, missed, _) = rest(&mut Follower::new(&store.ledger, From::Start), &store).await;
        assert_eq!((events, missed), (lines(25..30), 25));
    })
    .unwrap();
}

#[test]
fn a_store_that_went_back_in_time_is_an_error_and_not_silence() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let source = Uuid::new_v4();
        for number in 0..3 {
            store.ship(&connection, source, &lines(number..number + 1)).await.unwrap();
        }
        let mut follower = Follower::new(&store.ledger, From::Start);
        assert_eq!(rest(&mut follower, &store).await.0.len(), 3);
        let back = "SET session_replication_role = replica; \
            DELETE FROM S.events WHERE batch IN (SELECT batch FROM S.batches WHERE seq > 2); \
            DELETE FROM S.batches WHERE seq > 2; UPDATE S.lanes SET head = 2 WHERE head > 2";
        store.open().await.batch(&store.sql(back)).await.unwrap();
        // On the connection that it has: the lane is shorter than what was read.
        let rewound = follower.next(&connection).await;
        assert_eq!(rewound.map_err(|error| error.code()), Err(Code::Rewound));
        // The number is given out again, to another batch.
        store.ship(&connection, source, &lines(9..10)).await.unwrap();
        assert_eq!(follower.begin(&connection).await.map_err(|error| error.code()), Err(Code::Rewound));
    })
    .unwrap();
}

#[test]
fn a_position_in_the_middle_of_a_batch_goes_on_there() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let source = Uuid::new_v4();
        // Two of the second batch are there already: places in it have gaps.
        store.ship(&connection, source, &lines(0..3)).await.unwrap();
        store.ship(&connection, source, &lines(1..8)).await.unwrap();
        let mut follower = Follower::new(&store.ledger, From::Start);
        follower.begin(&connection).await.unwrap();
        let mut seen = 0;
        for batch in follower.next(&connection).await.unwrap() {
            for event in 0..batch.events.len() {
                seen += 1;
                let position: Position = (batch.head() + &batch.tail(event)).parse().unwrap();
                let mut again = Follower::new(&store.ledger, From::After(position.clone()));
                let (events, missed, _) = rest(&mut again, &store).await;
                assert_eq!((events, missed), (lines(seen..8), 0), "behind {position}");
            }
        }
        assert_eq!(seen, 8);
        // What is evicted behind the position is missed, and what was given out before is not.
        let mut follower = Follower::new(&store.ledger, From::Start);
        let second = follower.next(&connection).await.unwrap().pop().unwrap();
        let position: Position = (second.head() + &second.tail(1)).parse().unwrap();
        Operator::new(&connection, &store.ledger).evict(1).await.unwrap();
        let mut again = Follower::new(&store.ledger, From::After(position));
        let (events, missed, _) = rest(&mut again, &store).await;
        assert_eq!((events, missed), (lines(7..8), 2));
    })
    .unwrap();
}

/// A way on which less arrives of a connection than a follower likes to read at once.
#[test]
fn a_follower_on_a_bad_way_asks_for_less() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let connection = store.open().await;
        let source = Uuid::new_v4();
        let long = |number: u32| {
            format!("{{\"timestamp\":{number},\"long\":\"{}\"}}", "x".repeat(200_000)).into_bytes()
        };
        let events: Vec<Vec<u8>> = (0..24).map(long).collect();
        for event in &events {
            store.ship(&connection, source, std::slice::from_ref(event)).await.unwrap();
        }
        let proxy = Proxy::new(server.port, |_| Fate::CutAnswer(600_000));
        let settings = through(proxy.port, &store);
        let mut follower = Follower::new(&store.ledger, From::Start);
        let mut seen = Vec::new();
        while seen.len() < events.len() {
            assert!(proxy.connections.load(Ordering::Relaxed) < 50, "{} events", seen.len());
            let connection = Connection::open(&settings).await.unwrap();
            follower.begin(&connection).await.unwrap();
            while let Ok(batches) = follower.next(&connection).await {
                seen.extend(batches.into_iter().flat_map(|batch| batch.events));
                if seen.len() >= events.len() {
                    break;
                }
            }
        }
        assert_eq!(seen, events);
    })
    .unwrap();
}
