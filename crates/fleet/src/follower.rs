//! Following a ledger: the batches behind a position, from all machines, each once.
//!
//! A position is, for each lane, the number and the token of the last batch that was given out, and how far, if that is
//! in the middle of it. Batch n + 1 of a lane is given out after batch n. Event ids, sequences, times and transaction ids decide nothing: a lane's numbers become
//! visible in their order, since the statement that gives them out is the last one of its transaction.
//!
//! Invariant: no event is given out twice, and none is passed over in silence: what was evicted before it was read is a
//! gap, and a store whose past has changed is an error.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::connection::{Connection, Type, field};
use crate::error::{Code, Error, Result};
use crate::identity::At;
use crate::protocol::Ledger;

/// Batches that are read at once.
const BATCHES: i64 = 20;

/// The last batch of a lane that was given out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seen {
    seq: i64,
    token: Uuid,
    /// How far it was; `None` for to its end.
    upto: Option<Upto>,
}

/// How far a batch was given out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Upto {
    /// The place of the last event.
    place: i32,
    /// How many of its events are accounted for: given out, or missed.
    count: i32,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seq, self.token.simple())?;
        self.upto.iter().try_for_each(|Upto { place, count }| write!(f, "-{place}-{count}"))
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
        let lane = |part: &str| {
            let fields: Vec<&str> = part.split('-').collect();
            let (lane, seq, token, upto) = match *fields.as_slice() {
                [lane, seq, token] => (lane, seq, token, None),
                [lane, seq, token, place, count] => {
                    (lane, seq, token, Some(Upto { place: place.parse().ok()?, count: count.parse().ok()? }))
                }
                _ => return None,
            };
            let seq: i64 = seq.parse().ok().filter(|seq| *seq > 0)?;
            Some((lane.parse().ok()?, Seen { seq, token: Uuid::try_parse(token).ok()?, upto }))
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
    /// How many of its events were evicted before they were read.
    pub missed: u64,
    /// How many of its events were accounted for before.
    accounted: i32,
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
        let count = i32::try_from(self.missed).unwrap_or(i32::MAX).saturating_add(self.accounted);
        let count = count.saturating_add(i32::try_from(event + 1).unwrap_or(i32::MAX));
        let last = event + 1 >= self.events.len();
        let place = self.places.get(event).filter(|_| !last);
        format!(".{}-{}", self.lane, Seen { upto: place.map(|&place| Upto { place, count }), ..*seen })
    }
}

/// Reads what is behind its position. It lives longer than a connection.
pub struct Follower {
    ledger: Ledger,
    from: From,
    position: Position,
}

impl Follower {
    /// Of a ledger, from a place on.
    #[must_use]
    pub fn new(ledger: &Ledger, from: From) -> Self {
        let position = match &from {
            From::After(position) => position.clone(),
            From::Start | From::Now => Position::default(),
        };
        Self { ledger: ledger.clone(), from, position }
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
        if self.from == From::Now {
            let sql = self.sql(
                "SELECT b.lane, b.seq, b.token FROM S.lanes n JOIN S.batches b \
                 ON b.ledger = n.ledger AND b.lane = n.lane AND b.seq = n.head WHERE n.ledger = $1",
            );
            for row in connection.rows(&sql, &[(&id, Type::INT4)]).await? {
                let seen = Seen { seq: field(&row, 1)?, token: field(&row, 2)?, upto: None };
                self.position.0.insert(field(&row, 0)?, seen);
            }
            self.from = From::After(self.position.clone());
            return Ok(());
        }
        let sql = self.sql("SELECT token FROM S.batches WHERE ledger = $1 AND lane = $2 AND seq = $3");
        for (lane, seen) in &self.position.0 {
            let place: [crate::connection::Parameter<'_>; 3] =
                [(&id, Type::INT4), (lane, Type::INT2), (&seen.seq, Type::INT8)];
            let rows = connection.rows(&sql, &place).await?;
            let token: Option<Uuid> = rows.first().map(|row| field(row, 0)).transpose()?;
            if token != Some(seen.token) {
                return Err(rewound(*lane));
            }
        }
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
        let sql = self.sql(
            "SELECT n.ledger, n.lane, n.head FROM S.lanes n JOIN S.ledgers l ON l.id = n.ledger \
             WHERE l.name = $1 ORDER BY n.lane",
        );
        let heads = connection.rows(&sql, &[(&self.ledger.name, Type::TEXT)]).await?;
        let mut position = self.position.clone();
        let mut batches = Vec::new();
        for row in &heads {
            let (id, lane, head): (i32, i16, i64) = (field(row, 0)?, field(row, 1)?, field(row, 2)?);
            let seen = position.0.get(&lane).copied();
            let number = seen.map_or(0, |seen| seen.seq);
            if head < number {
                return Err(rewound(lane));
            }
            // The rest of a batch is read with what is behind it.
            let after = if seen.is_some_and(|seen| seen.upto.is_some()) { number - 1 } else { number };
            if head > after {
                let range = (after, head.min(number + BATCHES));
                self.read(connection, id, lane, range, &mut position, &mut batches).await?;
            }
        }
        self.position = position;
        Ok(batches)
    }

    async fn read(
        &self,
        connection: &Connection,
        id: i32,
        lane: i16,
        (after, upto): (i64, i64),
        position: &mut Position,
        batches: &mut Vec<Batch>,
    ) -> Result<()> {
        let sql = self.sql(
            "SELECT b.seq, b.token, b.source, b.received_at, b.n, e.body, e.pos FROM S.batches b \
             LEFT JOIN S.events e ON e.batch = b.batch AND e.ledger = b.ledger \
             WHERE b.ledger = $1 AND b.lane = $2 AND b.seq > $3 AND b.seq <= $4 ORDER BY b.seq, e.pos",
        );
        let place: [crate::connection::Parameter<'_>; 4] =
            [(&id, Type::INT4), (&lane, Type::INT2), (&after, Type::INT8), (&upto, Type::INT8)];
        let mut last = after;
        let mut given: Option<Upto> = None;
        for row in connection.rows(&sql, &place).await? {
            let seq: i64 = field(&row, 0)?;
            if seq != last {
                // Numbers have no gaps, unless rows were taken away by hand.
                if seq != last + 1 {
                    return Err(rewound(lane));
                }
                last = seq;
                let before = position.clone();
                given = before.0.get(&lane).filter(|seen| seen.seq == seq).and_then(|seen| seen.upto);
                position.0.insert(lane, Seen { seq, token: field(&row, 1)?, upto: None });
                let accounted = given.map_or(0, |given| given.count);
                let missed = field::<i32>(&row, 4)?.saturating_sub(accounted);
                batches.push(Batch {
                    source: field(&row, 2)?,
                    received_at: field(&row, 3)?,
                    events: Vec::new(),
                    places: Vec::new(),
                    missed: u64::try_from(missed).unwrap_or(0),
                    accounted,
                    lane,
                    before,
                    position: position.clone(),
                });
            }
            if let (Some(body), Some(batch)) = (field::<Option<Vec<u8>>>(&row, 5)?, batches.last_mut()) {
                let place: i32 = field(&row, 6)?;
                if given.is_none_or(|given| place > given.place) {
                    batch.events.push(body);
                    batch.places.push(place);
                    batch.missed = batch.missed.saturating_sub(1);
                }
            }
        }
        if last != upto {
            return Err(rewound(lane));
        }
        Ok(())
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
            "f1.0-1-00000000000000000000000000000001.17-922-ffffffffffffffffffffffffffffffff",
            "f1.0-1-00000000000000000000000000000001-1-1.3-922-ffffffffffffffffffffffffffffffff-499-7",
        ] {
            assert_eq!(text.parse::<Position>().map(|position| position.to_string()), Ok(text.to_owned()));
        }
        for wrong in [
            "",
            "f2",
            "f1.",
            "f1.0-0-00000000000000000000000000000001",
            "f1.-1-1-x",
            "f1.1-1-x",
            "f1.1",
            "f1.0-1-00000000000000000000000000000001-",
            "f1.0-1-00000000000000000000000000000001-1",
            "f1.0-1-00000000000000000000000000000001-x-1",
        ] {
            assert_eq!(wrong.parse::<Position>().map_err(|error| error.code()), Err(Code::Config), "{wrong}");
        }
    }
}
