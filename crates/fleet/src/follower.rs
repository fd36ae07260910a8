//! Following a ledger: the batches behind a position, from all machines, each once.
//!
//! A position is, for each lane, the number and the token of the last batch that was given out, and how far, if that is
//! in the middle of it. Batch n + 1 of a lane is given out after batch n. Event ids, sequences, times and transaction ids
//! decide nothing: a lane's numbers become visible in their order, since the statement that gives them out is the last
//! one of its transaction.
//!
//! Invariant: no event is given out twice, and none is passed over in silence: what was evicted before it was read is a
//! gap, and a store whose past has changed is an error.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::connection::{Connection, Parameter, Type, field};
use crate::error::{Code, Error, Result};
use crate::identity::At;
use crate::protocol::Ledger;

/// Batches of a lane that are read at once: at first, and at most.
const BATCHES: (i64, i64) = (4, 20);
/// Bytes that those should have.
const BYTES: usize = 4 << 20;

/// The last batch of a lane that was given out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seen {
    seq: i64,
    /// Events of the lane up to and with it.
    total: i64,
    token: Uuid,
    /// What of it was not given out yet; `None` for nothing.
    rest: Option<Rest>,
}

/// The rest of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Rest {
    /// The place in the batch behind which it begins.
    place: i32,
    /// How many events it had.
    events: i64,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.seq, self.total, self.token.simple())?;
        self.rest.iter().try_for_each(|Rest { place, events }| write!(f, "-{place}-{events}"))
    }
}

/// Before the first batch of a lane.
const NOTHING: Seen = Seen { seq: 0, total: 0, token: Uuid::nil(), rest: None };

impl Seen {
    /// Whether the first row at or behind what was seen shows that the past is the same. If what was seen was folded into
    /// it, events in between are gone, so there is a gap to report.
    fn proves(self, covers: i64, seen: Self) -> bool {
        self == (Self { rest: None, ..seen })
            || self.seq > seen.seq && self.seq - covers < seen.seq && self.total > seen.total
    }

    /// Whether the row, which stands for so many numbers, is the next one.
    fn is_next(self, covers: i64, last: Self) -> bool {
        self.seq - covers == last.seq && self.total > last.total
    }
}

/// What of a ledger was given out. As text, an opaque word.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Position(BTreeMap<i16, Seen>);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("f1")?;
        self.0.iter().try_for_each(|(lane, seen)| write!(f, ".{lane}-{seen}"))
    }
}

impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::config("this is not a cursor of a shared store");
        let mut parts = text.split('.');
        if parts.next() != Some("f1") {
            return Err(wrong());
        }
        let count = |text: &str| text.parse().ok().filter(|count: &i64| *count > 0);
        let lane = |part: &str| {
            let fields: Vec<&str> = part.split('-').collect();
            let (&[lane, seq, total, token], rest) = fields.split_first_chunk()?;
            let rest = match *rest {
                [] => None,
                [place, events] => Some(Rest { place: place.parse().ok()?, events: count(events)? }),
                _ => return None,
            };
            let token = Uuid::try_parse(token).ok()?;
            Some((lane.parse().ok()?, Seen { seq: count(seq)?, total: count(total)?, token, rest }))
        };
        parts.map(|part| lane(part).ok_or_else(wrong)).collect::<Result<_>>().map(Self)
    }
}

/// Where to begin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum From {
    /// With the oldest event that is there.
    Start,
    /// With what comes from now on.
    Now,
    /// Behind a position.
    After(Position),
}

/// A batch of events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// Who shipped it.
    pub source: Uuid,
    /// When it arrived.
    pub received_at: At,
    /// The events' bytes, in the order of their log.
    pub events: Vec<Vec<u8>>,
    /// The place of each in its batch.
    places: Vec<i32>,
    /// How many events up to its last one were evicted before they were read.
    pub missed: u64,
    /// Which lane it stands in.
    lane: i16,
    /// The position before it.
    before: Position,
    /// The position behind it.
    pub position: Position,
}

impl Batch {
    /// What the text of the position behind each of its events begins with.
    #[must_use]
    pub fn head(&self) -> String {
        self.before.to_string()
    }

    /// How that text goes on, for the event at a place of the list. What stands later in a position counts.
    #[must_use]
    pub fn tail(&self, event: usize) -> String {
        let Some(seen) = self.position.0.get(&self.lane) else { return String::new() };
        let left = i64::try_from(self.events.len().saturating_sub(event + 1)).unwrap_or(0);
        let place = self.places.get(event).filter(|_| left > 0);
        format!(".{}-{}", self.lane, Seen { rest: place.map(|&place| Rest { place, events: left }), ..*seen })
    }
}

/// A lane: what was read of it, and what there is.
struct Reach {
    id: i32,
    lane: i16,
    seen: Seen,
    head: i64,
}

/// Reads what is behind its position. It lives longer than a connection.
pub struct Follower {
    ledger: Ledger,
    from: From,
    position: Position,
    /// Batches of a lane that are asked for.
    batches: i64,
}

impl Follower {
    /// Of a ledger, from a place on.
    #[must_use]
    pub fn new(ledger: &Ledger, from: From) -> Self {
        let position = match &from {
            From::After(position) => position.clone(),
            From::Start | From::Now => Position::default(),
        };
        Self { ledger: ledger.clone(), from, position, batches: BATCHES.0 }
    }

    fn sql(&self, sql: &str) -> String {
        sql.replace("S.", &format!("{}.", self.ledger.schema.quoted()))
    }

    /// To be called once for each connection: looks whether the past is the one that was read.
    ///
    /// # Errors
    /// [`Code::Rewound`] if it is not, and what the server says.
    pub async fn begin(&mut self, connection: &Connection) -> Result<()> {
        let id = self.id(connection).await?;
        if self.from != From::Now {
            return self.prove(connection, id).await;
        }
        let sql = self.sql(
            "SELECT b.lane, b.seq, b.total, b.token FROM S.lanes n JOIN S.batches b \
             ON b.ledger = n.ledger AND b.lane = n.lane AND b.seq = n.head WHERE n.ledger = $1",
        );
        for row in connection.rows(&sql, &[(&id, Type::INT4)]).await? {
            let seen =
                Seen { seq: field(&row, 1)?, total: field(&row, 2)?, token: field(&row, 3)?, rest: None };
            self.position.0.insert(field(&row, 0)?, seen);
        }
        self.from = From::After(self.position.clone());
        Ok(())
    }

    async fn id(&self, connection: &Connection) -> Result<i32> {
        let sql = self.sql("SELECT id FROM S.ledgers WHERE name = $1");
        let rows = connection.rows(&sql, &[(&self.ledger.name, Type::TEXT)]).await?;
        let row = rows.first();
        let unknown = || Error::new(Code::Ledger, format!("there is no ledger {}", self.ledger.name));
        field(row.ok_or_else(unknown)?, 0)
    }

    /// What is behind the position now, lane by lane; empty if nothing is.
    ///
    /// # Errors
    /// [`Code::Rewound`], and what the server says. The position is then that of the last call.
    pub async fn next(&mut self, connection: &Connection) -> Result<Vec<Batch>> {
        let mut position = self.position.clone();
        let mut batches = Vec::new();
        for lane in self.lanes(connection).await? {
            if lane.head == lane.seen.seq && lane.seen.rest.is_none() {
                continue;
            }
            match self.read(connection, lane, &position).await {
                Ok((read, behind)) => {
                    self.adapt(&read);
                    batches.extend(read);
                    position = behind;
                }
                Err(error) => {
                    // On a bad way all of it may not arrive in time, however often it is asked for.
                    self.batches = (self.batches / 2).max(1);
                    if batches.is_empty() {
                        return Err(error);
                    }
                    // What other lanes gave is not read again; the next call meets the failure once more.
                    break;
                }
            }
        }
        self.position = position;
        Ok(batches)
    }

    /// As many batches as memory and the way may hold, whatever their events weigh.
    fn adapt(&mut self, read: &[Batch]) {
        let bytes: usize = read.iter().flat_map(|batch| &batch.events).map(Vec::len).sum();
        let mean = i64::try_from(bytes / read.len().max(1)).unwrap_or(i64::MAX).max(1);
        let fit = i64::try_from(BYTES).unwrap_or(i64::MAX) / mean;
        self.batches = (self.batches * 2).min(fit).clamp(1, BATCHES.1);
    }

    /// What there is of all lanes. Asked for several times a second, so it is the cheapest statement that will do: a lane
    /// that ends where it did is believed until it goes on, and then proves its past.
    async fn lanes(&self, connection: &Connection) -> Result<Vec<Reach>> {
        let sql = self.sql(
            "SELECT n.ledger, n.lane, n.head FROM S.lanes n WHERE n.ledger = (SELECT id FROM S.ledgers WHERE name = $1) \
             ORDER BY n.lane",
        );
        let mut lanes = Vec::new();
        for row in &connection.rows(&sql, &[(&self.ledger.name, Type::TEXT)]).await? {
            let (lane, head): (i16, i64) = (field(row, 1)?, field(row, 2)?);
            let seen = self.position.0.get(&lane).copied().unwrap_or(NOTHING);
            if head < seen.seq {
                return Err(rewound(lane));
            }
            lanes.push(Reach { id: field(row, 0)?, lane, seen, head });
        }
        // A lane that was read and is not there any more.
        let lost = self.position.0.keys().find(|lane| lanes.iter().all(|it| it.lane != **lane));
        lost.map_or(Ok(lanes), |lane| Err(rewound(*lane)))
    }

    /// Looks at all lanes, whether their past is the one that was read.
    async fn prove(&self, connection: &Connection, id: i32) -> Result<()> {
        let sql = self.sql(
            "SELECT b.seq, b.token, b.total, b.covers FROM S.batches b \
             WHERE b.ledger = $1 AND b.lane = $2 AND b.seq >= $3 ORDER BY b.seq LIMIT 1",
        );
        for (lane, seen) in &self.position.0 {
            let place: [Parameter<'_>; 3] = [(&id, Type::INT4), (lane, Type::INT2), (&seen.seq, Type::INT8)];
            let rows = connection.rows(&sql, &place).await?;
            let Some(row) = rows.first() else { return Err(rewound(*lane)) };
            let now = Seen { seq: field(row, 0)?, total: field(row, 2)?, token: field(row, 1)?, rest: None };
            if !now.proves(field(row, 3)?, *seen) {
                return Err(rewound(*lane));
            }
        }
        Ok(())
    }

    /// Reads batches behind the last one that was seen; with them that one itself, as a proof that the past is the same.
    async fn read(
        &self,
        connection: &Connection,
        Reach { id, lane, seen, .. }: Reach,
        reached: &Position,
    ) -> Result<(Vec<Batch>, Position)> {
        let (mut batches, mut position) = (Vec::new(), reached.clone());
        // OFFSET 0 keeps the planner from joining whole tables, as it does while it has no statistics.
        let sql = self.sql(
            "SELECT b.seq, b.token, b.source, b.received_at, b.total, b.covers, n.head, e.body, e.pos FROM S.lanes n \
             CROSS JOIN LATERAL (SELECT * FROM S.batches b WHERE b.ledger = n.ledger AND b.lane = n.lane AND b.seq >= $3 \
             ORDER BY b.seq LIMIT $4) b LEFT JOIN LATERAL (SELECT e.pos, e.body FROM S.events e \
             WHERE e.batch = b.batch AND (b.seq > $3 OR e.pos > $5) OFFSET 0) e ON true \
             WHERE n.ledger = $1 AND n.lane = $2 ORDER BY b.seq, e.pos",
        );
        let most = self.batches + 1;
        let given = seen.rest.map_or(i32::MAX, |rest| rest.place);
        let place: [Parameter<'_>; 5] = [
            (&id, Type::INT4),
            (&lane, Type::INT2),
            (&seen.seq, Type::INT8),
            (&most, Type::INT8),
            (&given, Type::INT4),
        ];
        let (mut last, mut rows, mut head) = (seen, 0, 0);
        for row in connection.rows(&sql, &place).await? {
            let now =
                Seen { seq: field(&row, 0)?, total: field(&row, 4)?, token: field(&row, 1)?, rest: None };
            head = field(&row, 6)?;
            if rows == 0 || now.seq != last.seq {
                let first = rows == 0 && seen != NOTHING;
                let covers = field(&row, 5)?;
                if !(if first { now.proves(covers, seen) } else { now.is_next(covers, last) }) {
                    return Err(rewound(lane));
                }
                rows += 1;
                if now.seq == seen.seq && seen.rest.is_none() {
                    continue;
                }
                let before = position.clone();
                let left = last.rest.map_or(0, |rest| rest.events);
                position.0.insert(lane, now);
                batches.push(Batch {
                    source: field(&row, 2)?,
                    received_at: field(&row, 3)?,
                    events: Vec::new(),
                    places: Vec::new(),
                    missed: u64::try_from(now.total - last.total + left).unwrap_or(0),
                    lane,
                    before,
                    position: position.clone(),
                });
                last = now;
            }
            if let (Some(body), Some(batch)) = (field::<Option<Vec<u8>>>(&row, 7)?, batches.last_mut()) {
                batch.events.push(body);
                batch.places.push(field(&row, 8)?);
                batch.missed = batch.missed.saturating_sub(1);
            }
        }
        // All that there is was read, or as much as is read at once.
        if rows < most && last.seq != head { Err(rewound(lane)) } else { Ok((batches, position)) }
    }
}

fn rewound(lane: i16) -> Error {
    Error::new(Code::Rewound, format!("the store went back in time: lane {lane} is another than was read"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_the_trip() {
        for text in [
            "f1",
            "f1.0-1-5-00000000000000000000000000000001.17-922-46000-ffffffffffffffffffffffffffffffff",
            "f1.0-1-5-00000000000000000000000000000001-1-4.3-922-46000-ffffffffffffffffffffffffffffffff-499-7",
        ] {
            assert_eq!(text.parse::<Position>().map(|position| position.to_string()), Ok(text.to_owned()));
        }
        for wrong in [
            "",
            "f2",
            "f1.",
            "f1.0-0-1-00000000000000000000000000000001",
            "f1.-1-1-1-x",
            "f1.1-1-1-x",
            "f1.1",
            "f1.0-1-5-00000000000000000000000000000001-",
            "f1.0-1-5-00000000000000000000000000000001-1",
            "f1.0-1-5-00000000000000000000000000000001-1-0",
        ] {
            assert_eq!(wrong.parse::<Position>().map_err(|error| error.code()), Err(Code::Config), "{wrong}");
        }
    }
}
