//! A shared store for a test: a database with the schema and a ledger, and looks into it.

use event::line::{Line, Scanner};
use fleet::identity::Identity;
use fleet::protocol::{Calls, Ledger, Receipt, Sender, State};
use fleet::schema::{self, Installed, Schema};
use fleet::{Connection, Settings};
use uuid::Uuid;

use super::server::Server;

pub(crate) struct Store {
    server: &'static Server,
    pub(crate) database: String,
    pub(crate) ledger: Ledger,
}

impl Store {
    pub(crate) async fn new(server: &'static Server) -> Self {
        let database = std::thread::spawn(|| server.database()).join().unwrap();
        Self::of(server, database).await
    }

    pub(crate) async fn of(server: &'static Server, database: String) -> Self {
        // Roles belong to all databases of the server, and tests run at once: a schema for each.
        let schema = Schema::new(&format!("s_{database}")).unwrap();
        let store = Self { server, database, ledger: Ledger { schema, name: "default".to_owned() } };
        let connection = store.open().await;
        assert_eq!(schema::install(&connection, &store.ledger.schema).await.unwrap(), Installed::Now);
        assert!(schema::create_ledger(&connection, &store.ledger.schema, "default", 8).await.unwrap());
        store
    }

    /// The same store on another server.
    pub(crate) fn on(&self, server: &'static Server) -> Self {
        Self { server, database: self.database.clone(), ledger: self.ledger.clone() }
    }

    pub(crate) fn settings(&self, more: &str) -> Settings {
        self.server.settings(&format!("dbname={} {more}", self.database))
    }

    /// A connection of the superuser.
    pub(crate) async fn open(&self) -> Connection {
        Connection::open(&self.settings("")).await.unwrap()
    }

    /// SQL in which `S.` stands for the schema.
    pub(crate) fn sql(&self, sql: &str) -> String {
        sql.replace("S.", &format!("{}.", self.ledger.schema.quoted()))
    }

    /// One number.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let row = self.open().await.one(&self.sql(sql), &[]).await.unwrap();
        row.get(0)
    }

    /// The bodies of all events, in the order of their keys.
    pub(crate) async fn bodies(&self) -> Vec<Vec<u8>> {
        let sql = self.sql("SELECT body FROM S.events ORDER BY batch, pos");
        self.open().await.rows(&sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// Acknowledged = stored, no gaps in any lane, counters equal counts.
    pub(crate) async fn check(&self, events: i64) {
        assert_eq!(self.number("SELECT count(*) FROM S.events").await, events, "events");
        assert_eq!(self.number("SELECT sum(events)::bigint FROM S.lanes").await, events, "counter of events");
        let bytes = "SELECT sum(l.bytes)::bigint - (SELECT coalesce(sum(octet_length(body)), 0) FROM S.events)::bigint FROM S.lanes l";
        assert_eq!(self.number(bytes).await, 0, "counter of bytes");
        let gaps = "SELECT count(*) FROM S.lanes l WHERE head <> (SELECT coalesce(sum(covers), 0) FROM S.batches b WHERE b.ledger = l.ledger AND b.lane = l.lane) \
                    OR total <> (SELECT coalesce(max(total), 0) FROM S.batches b WHERE b.ledger = l.ledger AND b.lane = l.lane) \
                    OR head <> (SELECT coalesce(max(seq), 0) FROM S.batches b WHERE b.ledger = l.ledger AND b.lane = l.lane)";
        assert_eq!(self.number(gaps).await, 0, "gaps in a lane");
        let wrong = "SELECT count(*) FROM S.batches b WHERE n <> (SELECT count(*) FROM S.events e WHERE e.batch = b.batch)";
        assert_eq!(self.number(wrong).await, 0, "batches that say another number than they have");
        assert_eq!(self.number("SELECT count(*) FROM S.events WHERE key <> encode(substring(sha256(body) FROM 1 FOR 16), 'hex')::uuid").await, 0);
    }

    /// Ships lines over a connection.
    pub(crate) async fn ship(
        &self,
        connection: &Connection,
        source: Uuid,
        lines: &[Vec<u8>],
    ) -> fleet::Result<Receipt> {
        let events: Vec<(Identity, &[u8])> = lines.iter().map(|line| identified(line)).collect();
        let calls = Calls::new(connection, &self.ledger);
        let known = calls.hello(source).await.ok().and_then(|hello| hello.last_token);
        let state = State { known, ..State::default() };
        calls.ship(&sender(source), Uuid::new_v4(), &events, &state).await
    }
}

pub(crate) fn sender(source: Uuid) -> Sender {
    Sender { source, host: Some("here".to_owned()), label: None, agent: "test".to_owned() }
}

/// An event and what identifies it.
pub(crate) fn identified(line: &[u8]) -> (Identity, &[u8]) {
    let mut scanner = Scanner::new();
    match scanner.scan(line) {
        Line::Event(event) => (Identity::of(&event), event::text::trim(line)),
        other => panic!("{other:?}"),
    }
}

/// Events of these numbers.
pub(crate) fn lines(numbers: std::ops::Range<u32>) -> Vec<Vec<u8>> {
    numbers
        .map(|n| {
            format!(
                "{{\"eventId\":\"e{n}\",\"taskId\":\"t{}\",\"timestamp\":{}}}",
                n % 7,
                1_700_000_000_000_u64 + u64::from(n)
            )
            .into_bytes()
        })
        .collect()
}
