//! Following a ledger: the batches behind a position, from all machines, each once.
//!
//! A position is, for each lane, the number and the token of the last batch that was given out. Batch n + 1 of a lane is
//! given out after batch n. Event ids, sequences, times and transaction ids decide nothing: a lane's numbers become
//! visible in their order, since the statement that gives them out is the last one of its transaction.
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

/// Batches that are read at once.
const BATCHES: i64 = 20;

/// The last batch of a lane that was given out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Seen {
    seq: i64,
    token: Uuid,
}

/// What of a ledger was given out. As text, an opaque word.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Position(BTreeMap<i16, Seen>);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("f1")?;
        self.0
            .iter()
            .try_for_each(|(lane, Seen { seq, token })| write!(f, ".{lane}-{seq}-{}", token.simple()))
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
            let mut fields = part.splitn(3, '-');
            let lane: i16 = fields.next()?.parse().ok().filter(|lane| *lane >= 0)?;
            let seq: i64 = fields.next()?.parse().ok().filter(|seq| *seq > 0)?;
            Some((lane, Seen { seq, token: Uuid::try_parse(fields.next()?).ok()? }))
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
    /// How many of its events were evicted before they were read.
    pub missed: u64,
    /// The position behind it.
    pub position: Position,
}

/// A lane: what was read of it, and what there is.
struct Reach {
    id: i32,
    lane: i16,
    seen: i64,
    head: i64,
}

/// Reads what is behind its position. It lives longer than a connection.
pub struct Follower<'a> {
    ledger: &'a Ledger,
    from: From,
    position: Position,
}

impl<'a> Follower<'a> {
    /// Of a ledger, from a place on.
    #[must_use]
    pub fn new(ledger: &'a Ledger, from: From) -> Self {
        let position = match &from {
            From::After(position) => position.clone(),
            From::Start | From::Now => Position::default(),
        };
        Self { ledger, from, position }
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
            return self.heads(connection).await.map(drop);
        }
        let sql = self.sql(
            "SELECT b.lane, b.seq, b.token FROM S.lanes n JOIN S.batches b \
             ON b.ledger = n.ledger AND b.lane = n.lane AND b.seq = n.head WHERE n.ledger = $1",
        );
        for row in connection.rows(&sql, &[(&id, Type::INT4)]).await? {
            let seen = Seen { seq: field(&row, 1)?, token: field(&row, 2)? };
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
        for Reach { id, lane, seen, head } in self.heads(connection).await? {
            let upto = head.min(seen + BATCHES);
            if upto > seen {
                self.read(connection, id, lane, (seen, upto), &mut position, &mut batches).await?;
            }
        }
        self.position = position;
        Ok(batches)
    }

    /// The newest numbers of all lanes. Looks whether the past is the one that was read: with each call, since a pooler
    /// keeps a client's connection while the server behind it changes.
    async fn heads(&self, connection: &Connection) -> Result<Vec<Reach>> {
        let sql = self.sql(
            "SELECT n.ledger, n.lane, n.head, b.token FROM S.lanes n JOIN S.ledgers l ON l.id = n.ledger \
             LEFT JOIN unnest($2, $3) AS seen (lane, seq) ON seen.lane = n.lane \
             LEFT JOIN S.batches b ON b.ledger = n.ledger AND b.lane = n.lane AND b.seq = seen.seq \
             WHERE l.name = $1 ORDER BY n.lane",
        );
        let lanes: Vec<i16> = self.position.0.keys().copied().collect();
        let numbers: Vec<i64> = self.position.0.values().map(|seen| seen.seq).collect();
        let parameters: [Parameter<'_>; 3] =
            [(&self.ledger.name, Type::TEXT), (&lanes, Type::INT2_ARRAY), (&numbers, Type::INT8_ARRAY)];
        let mut heads = Vec::new();
        for row in &connection.rows(&sql, &parameters).await? {
            let (lane, token): (i16, Option<Uuid>) = (field(row, 1)?, field(row, 3)?);
            let seen = self.position.0.get(&lane);
            if seen.is_some_and(|seen| token != Some(seen.token)) {
                return Err(rewound(lane));
            }
            heads.push(Reach {
                id: field(row, 0)?,
                lane,
                seen: seen.map_or(0, |seen| seen.seq),
                head: field(row, 2)?,
            });
        }
        // A lane that was read and is not there any more.
        let lost = self.position.0.keys().find(|lane| heads.iter().all(|head| head.lane != **lane));
        lost.map_or(Ok(heads), |lane| Err(rewound(*lane)))
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
            "SELECT b.seq, b.token, b.source, b.received_at, b.n, e.body FROM S.batches b \
             LEFT JOIN S.events e ON e.batch = b.batch AND e.ledger = b.ledger \
             WHERE b.ledger = $1 AND b.lane = $2 AND b.seq > $3 AND b.seq <= $4 ORDER BY b.seq, e.pos",
        );
        let place: [Parameter<'_>; 4] =
            [(&id, Type::INT4), (&lane, Type::INT2), (&after, Type::INT8), (&upto, Type::INT8)];
        let mut last = after;
        for row in connection.rows(&sql, &place).await? {
            let seq: i64 = field(&row, 0)?;
            if seq != last {
                // Numbers have no gaps, unless rows were taken away by hand.
                if seq != last + 1 {
                    return Err(rewound(lane));
                }
                last = seq;
                position.0.insert(lane, Seen { seq, token: field(&row, 1)? });
                let missed = u64::try_from(field::<i32>(&row, 4)?).unwrap_or(0);
                batches.push(Batch {
                    source: field(&row, 2)?,
                    received_at: field(&row, 3)?,
                    events: Vec::new(),
                    missed,
                    position: position.clone(),
                });
            }
            if let (Some(body), Some(batch)) = (field::<Option<Vec<u8>>>(&row, 5)?, batches.last_mut()) {
                batch.events.push(body);
                batch.missed = batch.missed.saturating_sub(1);
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
        for text in ["f1", "f1.0-1-00000000000000000000000000000001.17-922-ffffffffffffffffffffffffffffffff"]
        {
            assert_eq!(text.parse::<Position>().map(|position| position.to_string()), Ok(text.to_owned()));
        }
        for wrong in
            ["", "f2", "f1.", "f1.0-0-00000000000000000000000000000001", "f1.-1-1-x", "f1.1-1-x", "f1.1"]
        {
            assert_eq!(wrong.parse::<Position>().map_err(|error| error.code()), Err(Code::Config), "{wrong}");
        }
    }
}
