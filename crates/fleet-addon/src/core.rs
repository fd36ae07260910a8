//! One ledger in a shared store, as JavaScript sees it.
//!
//! Invariant: constructing it touches no network. No secret is in any message.

use std::sync::Arc;

use event::text::parse_json_string;
use fleet::follower::{Follower, From, Position};
use fleet::operator::Operator;
use fleet::protocol::Ledger;
use fleet::reader::{Reader, Wanted};
use fleet::schema::{Schema, check_ledger};
use fleet::settings::Surroundings;
use fleet::{Settings, identity::At};
use napi::bindgen_prelude::{Buffer, Env, Null, Object};
use napi_derive::napi;

use crate::follower::FleetFollower;
use crate::link::Link;
use crate::reader::FleetReader;
use crate::runtime::{promise, to_js};
use crate::shipper::FleetShipper;

/// Where a ledger is.
#[napi(object)]
pub struct FleetCoreOptions {
    /// A connection string, or null: what the environment says.
    pub url: Option<String>,
    /// The ledger's name.
    pub ledger: String,
    /// The schema that it is in, or null.
    pub schema: Option<String>,
    /// What people call this folder.
    pub label: Option<String>,
}

/// Sums over a ledger.
#[napi(object)]
pub(crate) struct FleetStats {
    /// Number of events.
    pub event_count: f64,
    /// Their bytes.
    pub storage_size_bytes: f64,
    /// Lowest timestamp.
    #[napi(ts_type = "number | null")]
    pub oldest_event: napi::Either<f64, Null>,
    /// Highest timestamp.
    #[napi(ts_type = "number | null")]
    pub newest_event: napi::Either<f64, Null>,
}

/// A folder that ships.
#[napi(object)]
pub(crate) struct FleetSource {
    /// Its identity.
    pub source: String,
    /// The machine's name.
    pub host: Option<String>,
    /// The name that a person gave it.
    pub label: Option<String>,
    /// When it was heard of last, in milliseconds since 1970.
    pub last_seen: f64,
    /// New events that it brought.
    pub stored: f64,
    /// Events that were there.
    pub repeated: f64,
    /// Events that came later than the store keeps them.
    pub late: f64,
    /// Bytes that waited when it was heard of last.
    pub pending_bytes: Option<f64>,
    /// Its clock minus the server's, in milliseconds.
    pub clock_ms: Option<f64>,
}

/// One ledger in a shared store.
#[napi]
pub struct FleetCore {
    link: Arc<Link>,
}

#[expect(clippy::cast_precision_loss, reason = "no counter of ours gets beyond 2^53")]
fn number(whole: i64) -> f64 {
    whole as f64
}

fn milliseconds(at: At) -> Option<f64> {
    at.unix_ms().map(number)
}

/// The time that the bytes of an event say: the server's is rounded down.
fn time(at: Option<At>) -> napi::Either<f64, Null> {
    at.and_then(milliseconds).map_or(napi::Either::B(Null), napi::Either::A)
}

fn wanted(from: Option<f64>, until: Option<f64>, task_json: Option<String>) -> Wanted {
    Wanted { from, until, task: task_json.and_then(|json| parse_json_string(json.as_bytes())) }
}

#[napi]
impl FleetCore {
    /// # Errors
    /// If the settings cannot be used as they are.
    #[napi(constructor, catch_unwind)]
    pub fn new(env: Env, options: FleetCoreOptions) -> napi::Result<Self> {
        let FleetCoreOptions { url, ledger, schema, label } = options;
        let made = || {
            let settings = Settings::new(url.as_deref(), &Surroundings::of_process())?;
            check_ledger(&ledger)?;
            let schema = schema.as_deref().map(Schema::new).transpose()?.unwrap_or_default();
            Ok(Link::new(settings, Ledger { schema, name: ledger }, label))
        };
        let link = made().map_err(|error: fleet::Error| to_js(env, &error))?;
        Ok(Self { link: Arc::new(link) })
    }

    /// Hosts and database, for messages: without user and password.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn place(&self) -> String {
        self.link.settings.place()
    }

    /// A walk over the events in `[from, until]` (null: no bound) of a task (a JSON string; null: all), in the order of
    /// time; with lines that may not be there yet.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn open(
        &self,
        from: Option<f64>,
        until: Option<f64>,
        task_json: Option<String>,
        pending: Option<Buffer>,
    ) -> FleetReader {
        let reader = Reader::new(&self.link.ledger, wanted(from, until, task_json));
        let pending = pending.as_deref().unwrap_or_default();
        let reader = reader.with_pending(pending.split(|&byte| byte == b'\n'));
        FleetReader::new(Arc::clone(&self.link), reader)
    }

    /// A reader that follows the ledger: behind a cursor, from now, or from the beginning on; of it the events from a time
    /// on, of a task (a JSON string; null: all). Null if that is not a cursor.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn follow(
        &self,
        after: Option<String>,
        from: Option<f64>,
        now: bool,
        task_json: Option<String>,
    ) -> Option<FleetFollower> {
        let begin = match after {
            Some(after) => From::After(after.parse::<Position>().ok()?),
            None if now => From::Now,
            None => From::Start,
        };
        let follower = Follower::new(&self.link.ledger, begin);
        Some(FleetFollower::new(Arc::clone(&self.link), follower, wanted(from, None, task_json)))
    }

    /// Sums over the ledger.
    ///
    /// # Errors
    /// If no promise can be made; so with all others.
    #[napi(catch_unwind, ts_return_type = "Promise<FleetStats>")]
    pub fn stats<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let link = Arc::clone(&self.link);
        promise(env, async move {
            let totals = Operator::new(&*link.lease().await?, &link.ledger).totals().await?;
            Ok(FleetStats {
                event_count: number(totals.events),
                storage_size_bytes: number(totals.bytes),
                oldest_event: time(totals.oldest),
                newest_event: time(totals.newest),
            })
        })
    }

    /// Who ships, those heard of last first.
    ///
    /// # Errors
    /// See `stats`.
    #[napi(catch_unwind, ts_return_type = "Promise<FleetSource[]>")]
    pub fn sources<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        let link = Arc::clone(&self.link);
        promise(env, async move {
            let sources = Operator::new(&*link.lease().await?, &link.ledger).sources().await?;
            let shown = sources.into_iter().map(|source| FleetSource {
                source: source.source.to_string(),
                host: source.host,
                label: source.label,
                last_seen: milliseconds(source.last_seen).unwrap_or(0.0),
                stored: number(source.stored),
                repeated: number(source.repeated),
                late: number(source.late),
                pending_bytes: source.pending.map(number),
                clock_ms: source.clock_ms.map(number),
            });
            Ok(shown.collect::<Vec<_>>())
        })
    }

    /// Removes the oldest events beyond the newest `keep`; with `dry_run`, none. Returns how many.
    ///
    /// # Errors
    /// See `stats`.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn compact<'env>(&self, env: &'env Env, keep: f64, dry_run: bool) -> napi::Result<Object<'env>> {
        let link = Arc::clone(&self.link);
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        let keep = keep as i64;
        promise(env, async move {
            let lease = link.lease().await?;
            let operator = Operator::new(&lease, &link.ledger);
            let gone = if dry_run { operator.excess(keep).await } else { operator.evict(keep).await };
            gone.map(number)
        })
    }

    /// Ships a folder on this host.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn shipper(&self, host: String) -> FleetShipper {
        FleetShipper::new(Arc::clone(&self.link), host)
    }

    /// Closes the connections that are kept. Another use opens anew, and keeps none.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        self.link.close();
    }
}
