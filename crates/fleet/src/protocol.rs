//! The statements of a client: hello, ship, missing. One unnamed statement each, so one round trip and no transaction
//! that stays open.
//!
//! Invariant: what is offered is bytes of events with what [`identity`](crate::identity) says of them, and nothing else.
//! Offering again is harmless.

use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

use crate::connection::{Connection, field};
use crate::error::{Code, Error, Result};
use crate::identity::{At, Identity};
use crate::schema::{Schema, VERSION};

/// Most events in a batch; the server takes 5,000. More gains little, and less costs a commit more often.
pub const BATCH_EVENTS: usize = 1000;
/// Bytes after which a batch gets no further event.
pub const BATCH_BYTES: usize = 1 << 20;

/// Where events go within a database.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ledger {
    /// The schema.
    pub schema: Schema,
    /// The ledger's name.
    pub name: String,
}

/// What a store says of itself, and of a source.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hello {
    /// Identity of the store.
    pub store: Uuid,
    /// The token of the source's newest committed batch.
    pub last_token: Option<Uuid>,
    /// How often a host may ship, in milliseconds.
    pub pace_ms: i32,
    /// Longer events are set aside.
    pub max_bytes: usize,
    /// The server's clock.
    pub now: At,
}

/// Who ships.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sender {
    /// Identity of the folder's shipping.
    pub source: Uuid,
    /// Name of this machine.
    pub host: Option<String>,
    /// A name that a person gave the folder.
    pub label: Option<String>,
    /// Version of the program.
    pub agent: String,
}

/// What a client says of its state with a batch.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct State {
    /// The token of the newest batch that it knows to be in the store.
    pub known: Option<Uuid>,
    /// How many bytes wait.
    pub pending: Option<i64>,
    /// The time of the last event before them, if any wait.
    pub pending_since: Option<At>,
    /// Events that were set aside so far.
    pub set_aside: Option<i64>,
    /// This machine's clock minus the server's.
    pub clock_ms: Option<i64>,
}

/// What became of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Receipt {
    /// New events.
    pub stored: u64,
    /// Events that were there.
    pub repeated: u64,
    /// Events that the store's retention has passed; not stored.
    pub late: u64,
}

/// Calls of a client to a ledger.
pub struct Calls<'a> {
    connection: &'a Connection,
    ledger: &'a Ledger,
}

impl<'a> Calls<'a> {
    /// Over a connection.
    #[must_use]
    pub fn new(connection: &'a Connection, ledger: &'a Ledger) -> Self {
        Self { connection, ledger }
    }

    /// What a client asks first.
    ///
    /// # Errors
    /// [`Code::Schema`], [`Code::Ledger`], [`Code::ReadOnly`], [`Code::Denied`].
    pub async fn hello(&self, source: Uuid) -> Result<Hello> {
        let sql = format!(
            "SELECT version, min_client, store, lanes, pace_ms, max_bytes, last_token, now_at, read_only \
             FROM {}.hello_v1($1, $2)",
            self.ledger.schema.quoted()
        );
        let row =
            self.connection.one(&sql, &[(&self.ledger.name, Type::TEXT), (&source, Type::UUID)]).await?;
        let (version, min_client): (i32, i32) = (field(&row, 0)?, field(&row, 1)?);
        if min_client > VERSION || version < VERSION {
            return Err(Error::new(
                Code::Schema,
                format!(
                    "the store has version {version} of the schema and takes clients from {min_client} on; this one speaks {VERSION}"
                ),
            ));
        }
        let (Some(_), Some(pace_ms), Some(max_bytes)) =
            (field::<Option<i16>>(&row, 3)?, field(&row, 4)?, field::<Option<i32>>(&row, 5)?)
        else {
            return Err(Error::new(Code::Ledger, format!("there is no ledger '{}'", self.ledger.name)));
        };
        if field(&row, 8)? {
            return Err(Error::new(Code::ReadOnly, "the server takes no writes"));
        }
        Ok(Hello {
            store: field(&row, 2)?,
            last_token: field(&row, 6)?,
            pace_ms,
            max_bytes: usize::try_from(max_bytes).unwrap_or(0),
            now: field(&row, 7)?,
        })
    }

    /// Offers events. Returned means committed.
    ///
    /// # Errors
    /// What the server says; [`Code::Down`] may also mean that it was committed, and the answer was lost.
    /// [`Code::Rewound`] if the newest batch of this source is neither the known one nor this one.
    pub async fn ship(
        &self,
        sender: &Sender,
        token: Uuid,
        events: &[(Identity, &[u8])],
        state: &State,
    ) -> Result<Receipt> {
        let sql = format!(
            "SELECT o_stored, o_repeated, o_late FROM {}.ship_v1($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16)",
            self.ledger.schema.quoted()
        );
        let at: Vec<At> = events.iter().map(|(it, _)| it.at).collect();
        let key: Vec<Uuid> = events.iter().map(|(it, _)| Uuid::from_bytes(it.key.0)).collect();
        let task: Vec<Option<i64>> = events.iter().map(|(it, _)| it.task).collect();
        let body: Vec<&[u8]> = events.iter().map(|(_, text)| *text).collect();
        let row = self
            .connection
            .one(
                &sql,
                &[
                    (&self.ledger.name, Type::TEXT),
                    (&sender.source, Type::UUID),
                    (&slot(sender.source), Type::INT4),
                    (&state.known, Type::UUID),
                    (&token, Type::UUID),
                    (&at, Type::TIMESTAMPTZ_ARRAY),
                    (&key, Type::UUID_ARRAY),
                    (&task, Type::INT8_ARRAY),
                    (&body, Type::BYTEA_ARRAY),
                    (&sender.host, Type::TEXT),
                    (&sender.label, Type::TEXT),
                    (&sender.agent, Type::TEXT),
                    (&state.pending, Type::INT8),
                    (&state.pending_since, Type::TIMESTAMPTZ),
                    (&state.set_aside, Type::INT8),
                    (&state.clock_ms, Type::INT8),
                ],
            )
            .await?;
        let count = |number| field::<i32>(&row, number).map(|count| u64::try_from(count).unwrap_or(0));
        Ok(Receipt { stored: count(0)?, repeated: count(1)?, late: count(2)? })
    }

    /// Which of these events are not there, and would be stored: their places.
    ///
    /// # Errors
    /// What the server says.
    pub async fn missing(&self, events: &[Identity]) -> Result<Vec<usize>> {
        let sql = format!("SELECT {}.missing_v1($1, $2, $3)", self.ledger.schema.quoted());
        let at: Vec<At> = events.iter().map(|it| it.at).collect();
        let key: Vec<Uuid> = events.iter().map(|it| Uuid::from_bytes(it.key.0)).collect();
        let parameters: [(&(dyn ToSql + Sync), Type); 3] =
            [(&self.ledger.name, Type::TEXT), (&at, Type::TIMESTAMPTZ_ARRAY), (&key, Type::UUID_ARRAY)];
        let row = self.connection.one(&sql, &parameters).await?;
        let places: Vec<i32> = field(&row, 0)?;
        Ok(places.into_iter().filter_map(|place| usize::try_from(place).ok()?.checked_sub(1)).collect())
    }
}

/// By which a source is given its lane: the first two bytes of its identity.
fn slot(source: Uuid) -> i32 {
    let [first, second, ..] = *source.as_bytes();
    i32::from(u16::from_be_bytes([first, second]))
}

impl ToSql for At {
    fn to_sql(
        &self,
        _: &Type,
        out: &mut BytesMut,
    ) -> std::result::Result<IsNull, Box<dyn StdError + Sync + Send>> {
        out.put_i64(self.0);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for At {
    fn from_sql(_: &Type, raw: &'a [u8]) -> std::result::Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(i64::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::TIMESTAMPTZ
    }
}
