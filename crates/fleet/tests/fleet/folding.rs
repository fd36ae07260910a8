//! Batches of which nothing is left: they are folded, and still no follower passes anything over in silence.

use fleet::Code;
use fleet::follower::{Follower, From, Position};
use fleet::operator::Operator;
use fleet::protocol::Calls;
use uuid::Uuid;

use crate::server::server;
use crate::store::{Store, lines};

/// A lane of its own: so many batches of ten events, the last ones with the highest times.
async fn filled(store: &Store, source: Uuid, batches: std::ops::Range<u32>) {
    let connection = store.open().await;
    for number in batches {
        store.ship(&connection, source, &lines(number * 10..number * 10 + 10)).await.unwrap();
    }
}

/// What a follower gives from a position on: events, and how many are gone.
async fn behind(store: &Store, from: Option<Position>) -> fleet::Result<(usize, u64)> {
    let connection = store.open().await;
    let mut follower = Follower::new(&store.ledger, from.map_or(From::Start, From::After));
    follower.begin(&connection).await?;
    let (mut events, mut missed) = (0, 0);
    loop {
        let batches = follower.next(&connection).await?;
        if batches.is_empty() {
            return Ok((events, missed));
        }
        events += batches.iter().map(|batch| batch.events.len()).sum::<usize>();
        missed += batches.iter().map(|batch| batch.missed).sum::<u64>();
    }
}

/// The position behind each batch.
async fn positions(store: &Store) -> Vec<Position> {
    let connection = store.open().await;
    let mut follower = Follower::new(&store.ledger, From::Start);
    let mut all = Vec::new();
    loop {
        let batches = follower.next(&connection).await.unwrap();
        if batches.is_empty() {
            return all;
        }
        all.extend(batches.into_iter().map(|batch| batch.position));
    }
}

#[test]
fn the_table_of_batches_shrinks_and_gaps_are_counted_to_the_event() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let source = Uuid::new_v4();
        filled(&store, source, 0..100).await;
        let before = positions(&store).await;
        assert_eq!(before.len(), 100);
        let connection = store.open().await;
        let operator = Operator::new(&connection, &store.ledger);
        assert_eq!(operator.evict(25).await, Ok(975));
        // One for all that are gone, one of which half is left, two whole ones.
        assert_eq!(store.number("SELECT count(*) FROM S.batches").await, 4);
        assert_eq!(store.number("SELECT sum(covers)::bigint FROM S.batches").await, 100);
        for (seen, position) in (1..).zip(&before) {
            let (events, missed) = behind(&store, Some(position.clone())).await.unwrap();
            let left: usize = 1000 - seen * 10;
            assert_eq!((events, missed), (left.min(25), left.saturating_sub(25) as u64), "behind {seen}");
        }
        assert_eq!(behind(&store, None).await, Ok((25, 975)));
        // The source is known, and goes on in its lane; all of it can go.
        let calls = Calls::new(&connection, &store.ledger);
        assert!(calls.hello(source).await.unwrap().last_token.is_some());
        filled(&store, source, 100..101).await;
        assert_eq!(behind(&store, Some(before[99].clone())).await, Ok((10, 0)));
        assert_eq!(operator.evict(0).await, Ok(35));
        assert_eq!(store.number("SELECT count(*) FROM S.batches").await, 1);
        assert_eq!(behind(&store, Some(before[0].clone())).await, Ok((0, 1000)));
        assert_eq!(behind(&store, Some(before[99].clone())).await, Ok((0, 10)));
        filled(&store, source, 101..103).await;
        assert_eq!(behind(&store, Some(before[0].clone())).await, Ok((20, 1000)));
        assert_eq!(operator.evict(20).await, Ok(0));
        assert_eq!(store.number("SELECT head FROM S.lanes WHERE head > 0").await, 103);
        assert_eq!(store.number("SELECT sum(covers)::bigint FROM S.batches").await, 103);
    })
    .unwrap();
}

/// A clock that is years ahead: its event stays, and holds up nothing.
#[test]
fn an_event_of_the_future_does_not_keep_what_is_around_it() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        let source = Uuid::new_v4();
        filled(&store, source, 0..40).await;
        let far = br#"{"eventId":"far","timestamp":4000000000000}"#.to_vec();
        store.ship(&store.open().await, source, &[far]).await.unwrap();
        filled(&store, source, 40..80).await;
        let before = positions(&store).await;
        let connection = store.open().await;
        assert_eq!(Operator::new(&connection, &store.ledger).evict(11).await, Ok(790));
        assert_eq!(store.number("SELECT count(*) FROM S.batches").await, 4);
        assert_eq!(behind(&store, None).await, Ok((11, 790)));
        assert_eq!(behind(&store, Some(before[20].clone())).await, Ok((11, 580)));
        assert_eq!(behind(&store, Some(before[40].clone())).await, Ok((10, 390)));
    })
    .unwrap();
}

/// Steps of a few rows give the same as one step.
#[test]
fn small_steps_fold_as_large_ones_do() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        filled(&store, Uuid::new_v4(), 0..30).await;
        let lane = store.number("SELECT lane::bigint FROM S.lanes WHERE head > 0").await;
        assert_eq!(store.number("SELECT S.evict_v1('default', 55, 1000, false)").await, 245);
        let mut after = 0;
        let connection = store.open().await;
        loop {
            let sql = store.sql(&format!("SELECT S.fold_v1('default', {lane}::smallint, {after}, 3)"));
            match connection.one(&sql, &[]).await.unwrap().get::<_, Option<i64>>(0) {
                Some(place) => {
                    assert!(place > after, "it goes on");
                    after = place;
                }
                None => break,
            }
            let gap = "SELECT count(*) FROM S.lanes WHERE head <> (SELECT coalesce(sum(covers), 0) FROM S.batches b WHERE b.lane = lanes.lane)";
            assert_eq!(store.number(gap).await, 0, "after each step every number is covered");
        }
        assert_eq!(store.number("SELECT count(*) FROM S.batches").await, 7);
        assert_eq!(behind(&store, None).await, Ok((55, 245)));
    })
    .unwrap();
}

/// Rows that were taken away by hand are no gap but another past.
#[test]
fn what_was_not_folded_but_is_not_there_is_an_error() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let store = Store::new(server).await;
        filled(&store, Uuid::new_v4(), 0..9).await;
        let before = positions(&store).await;
        store.open().await.batch(&store.sql("DELETE FROM S.batches WHERE seq IN (4, 5)")).await.unwrap();
        for seen in [None, Some(before[1].clone()), Some(before[3].clone()), Some(before[4].clone())] {
            assert_eq!(behind(&store, seen).await.map_err(|error| error.code()), Err(Code::Rewound));
        }
        assert_eq!(behind(&store, Some(before[5].clone())).await, Ok((30, 0)));
        store.open().await.batch(&store.sql("DELETE FROM S.batches WHERE seq = 9")).await.unwrap();
        let newest = behind(&store, Some(before[7].clone())).await;
        assert_eq!(newest.map_err(|error| error.code()), Err(Code::Rewound));
    })
    .unwrap();
}
