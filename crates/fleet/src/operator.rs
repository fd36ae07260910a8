//! What an operator asks of a store: who ships, how much there is, more lanes, eviction.
//!
//! Invariant: nothing but [`Operator::evict`] removes anything, and that by the function that keeps the counters true.

use tokio_postgres::Row;
use uuid::Uuid;

use crate::connection::{Connection, Parameter, Type, field};
use crate::error::{Code, Error, Result};
use crate::identity::At;
use crate::protocol::Ledger;

/// Events that one statement removes at most: it holds no lock for longer than a moment.
const AT_MOST: i32 = 10_000;
/// Batches that one statement looks at.
const LOOKED_AT: i32 = 5_000;
/// No more sources are listed.
const SOURCES: i64 = 1000;

/// A folder that ships.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Its identity.
    pub source: Uuid,
    /// The machine's name.
    pub host: Option<String>,
    /// The name that a person gave it.
    pub label: Option<String>,
    /// Version of its shipper.
    pub agent: Option<String>,
    /// When it was heard of last.
    pub last_seen: At,
    /// New events that it brought.
    pub stored: i64,
    /// Events that were there.
    pub repeated: i64,
    /// Events that came later than the store keeps them.
    pub late: i64,
    /// Bytes that waited when it was heard of last.
    pub pending: Option<i64>,
    /// The time of the last event before those.
    pub pending_since: Option<At>,
    /// Events that its folder set aside, since no store takes them.
    pub set_aside: Option<i64>,
    /// Its clock minus the server's.
    pub clock_ms: Option<i64>,
}

/// How much a ledger holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Totals {
    /// Events.
    pub events: i64,
    /// Their bytes.
    pub bytes: i64,
    /// Lanes.
    pub lanes: i16,
    /// The time of the oldest event.
    pub oldest: Option<At>,
    /// The time of the newest.
    pub newest: Option<At>,
    /// The server's clock.
    pub now: At,
}

/// Calls about a ledger. The lists want the reader's role, the others the admin's.
pub struct Operator<'a> {
    connection: &'a Connection,
    ledger: &'a Ledger,
}

impl<'a> Operator<'a> {
    /// Over a connection.
    #[must_use]
    pub fn new(connection: &'a Connection, ledger: &'a Ledger) -> Self {
        Self { connection, ledger }
    }

    fn sql(&self, sql: &str) -> String {
        sql.replace("S.", &format!("{}.", self.ledger.schema.quoted()))
    }

    /// How much there is: sums that the store keeps, and two probes of an index.
    ///
    /// # Errors
    /// [`Code::Ledger`], and what the server says.
    pub async fn totals(&self) -> Result<Totals> {
        let sql = self.sql(
            "SELECT (SELECT sum(n.events)::bigint FROM S.lanes n WHERE n.ledger = l.id), \
             (SELECT sum(n.bytes)::bigint FROM S.lanes n WHERE n.ledger = l.id), l.lanes, \
             e.o_oldest, e.o_newest, clock_timestamp() FROM S.ledgers l, S.ends_v1(l.id) e WHERE l.name = $1",
        );
        let rows = self.connection.rows(&sql, &[(&self.ledger.name, Type::TEXT)]).await?;
        let row = rows.first().ok_or_else(|| self.unknown())?;
        Ok(Totals {
            events: field::<Option<i64>>(row, 0)?.unwrap_or(0),
            bytes: field::<Option<i64>>(row, 1)?.unwrap_or(0),
            lanes: field(row, 2)?,
            oldest: field(row, 3)?,
            newest: field(row, 4)?,
            now: field(row, 5)?,
        })
    }

    fn unknown(&self) -> Error {
        Error::new(Code::Ledger, format!("there is no ledger {}", self.ledger.name))
    }

    /// Who ships, those heard of last first.
    ///
    /// # Errors
    /// What the server says.
    pub async fn sources(&self) -> Result<Vec<Source>> {
        let sql = self.sql(
            "SELECT s.source, s.host, s.label, s.agent, s.last_seen, s.stored, s.repeated, s.late, s.pending, \
             s.pending_since, s.set_aside, s.clock_ms FROM S.sources s JOIN S.ledgers l ON l.id = s.ledger WHERE l.name = $1 \
             ORDER BY s.last_seen DESC, s.source LIMIT $2",
        );
        let parameters: [Parameter<'_>; 2] = [(&self.ledger.name, Type::TEXT), (&SOURCES, Type::INT8)];
        self.connection.rows(&sql, &parameters).await?.iter().map(source).collect()
    }

    /// Gives a ledger more lanes. Returns how many it had.
    ///
    /// # Errors
    /// [`Code::Refused`] if it has more, and what the server says.
    pub async fn add_lanes(&self, lanes: i16) -> Result<i16> {
        let sql = self.sql("SELECT S.lanes_v1($1, $2)");
        let row = self.connection.one(&sql, &[(&self.ledger.name, Type::TEXT), (&lanes, Type::INT2)]).await?;
        field(&row, 0)
    }

    /// How many events are beyond the newest `keep`.
    ///
    /// # Errors
    /// What the server says.
    pub async fn excess(&self, keep: i64) -> Result<i64> {
        self.evict_some(keep, true).await
    }

    /// Removes the oldest events beyond the newest `keep`, in small steps, and then the batches of which nothing is
    /// left. Returns how many events went.
    ///
    /// # Errors
    /// What the server says; what was removed before that is removed.
    pub async fn evict(&self, keep: i64) -> Result<i64> {
        let mut gone = 0_i64;
        loop {
            match self.evict_some(keep, false).await? {
                0 => break,
                some => gone = gone.saturating_add(some),
            }
        }
        self.fold().await?;
        Ok(gone)
    }

    /// Folds neighbouring batches of which nothing is left into one, lane by lane.
    async fn fold(&self) -> Result<()> {
        let sql = self.sql("SELECT S.fold_v1($1, $2, $3, $4)");
        for lane in 0..self.totals().await?.lanes {
            let mut after = Some(0_i64);
            while let Some(place) = after {
                let parameters: [Parameter<'_>; 4] = [
                    (&self.ledger.name, Type::TEXT),
                    (&lane, Type::INT2),
                    (&place, Type::INT8),
                    (&LOOKED_AT, Type::INT4),
                ];
                after = field(&self.connection.one(&sql, &parameters).await?, 0)?;
            }
        }
        Ok(())
    }

    async fn evict_some(&self, keep: i64, only_count: bool) -> Result<i64> {
        let sql = self.sql("SELECT S.evict_v1($1, $2, $3, $4)");
        let parameters: [Parameter<'_>; 4] = [
            (&self.ledger.name, Type::TEXT),
            (&keep, Type::INT8),
            (&AT_MOST, Type::INT4),
            (&only_count, Type::BOOL),
        ];
        field(&self.connection.one(&sql, &parameters).await?, 0)
    }
}

fn source(row: &Row) -> Result<Source> {
    Ok(Source {
        source: field(row, 0)?,
        host: field(row, 1)?,
        label: field(row, 2)?,
        agent: field(row, 3)?,
        last_seen: field(row, 4)?,
        stored: field(row, 5)?,
        repeated: field(row, 6)?,
        late: field(row, 7)?,
        pending: field(row, 8)?,
        pending_since: field(row, 9)?,
        set_aside: field(row, 10)?,
        clock_ms: field(row, 11)?,
    })
}
