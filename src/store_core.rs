//! One folder, as one `EventStore` object sees it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use napi::bindgen_prelude::{AsyncTask, Env, Result, Uint32Array};
use napi_derive::napi;

use crate::batch::{Batch, KnownIds};
use crate::error::to_js;
use crate::reader::Reader;
use crate::sealed::Sealed;
use crate::task::{self, Work};
use crate::teardown;
use event::text::parse_json_string;
use store::wait::keeper;
use store::{Appended, Durability, Holdings, LockCell, OnFault, Query, Store, Ticket, registry};

/// How a store writes.
#[napi(object)]
pub struct StoreCoreOptions {
    /// Whether accepted means on stable storage.
    pub durable_disk: bool,
}

/// What `getStats` tells.
#[napi(object)]
pub struct StoreCoreStats {
    /// Number of events.
    pub event_count: f64,
    /// Bytes of log and index.
    pub storage_size_bytes: f64,
    /// Earliest timestamp.
    #[napi(ts_type = "number | null")]
    pub oldest_event: napi::Either<f64, napi::bindgen_prelude::Null>,
    /// Latest timestamp.
    #[napi(ts_type = "number | null")]
    pub newest_event: napi::Either<f64, napi::bindgen_prelude::Null>,
}

/// One folder. Constructing touches no disk.
#[napi]
pub struct StoreCore {
    path: PathBuf,
    durability: Durability,
    store: Arc<OnceLock<Arc<Store>>>,
    lock: Arc<LockCell>,
}

/// What a call on the pool needs of a [`StoreCore`].
#[derive(Clone)]
struct Handle {
    path: PathBuf,
    durability: Durability,
    store: Arc<OnceLock<Arc<Store>>>,
}

impl Handle {
    /// The folder's store, if there is a folder.
    fn existing(&self) -> store::Result<Option<Arc<Store>>> {
        self.find(false)
    }

    /// The folder's store; the folder is made if need be. If it cannot be made, each write tells why, and a
    /// ledger's events wait.
    fn created(&self) -> Arc<Store> {
        match self.find(true) {
            Ok(Some(store)) => store,
            _ => Arc::clone(self.store.get_or_init(|| registry::detached(&self.path))),
        }
    }

    fn find(&self, create: bool) -> store::Result<Option<Arc<Store>>> {
        if let Some(store) = self.store.get() {
            return Ok(Some(Arc::clone(store)));
        }
        let found = registry::store_at(&self.path, create)?;
        Ok(found.map(|store| Arc::clone(self.store.get_or_init(|| store))))
    }
}

/// Answers of `log`.
const WRITTEN: u32 = 0;
const LEASED: u32 = 1;
const WAITING: u32 = 2;

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A non-negative number of JavaScript's as an integer.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and NaN is 0")]
fn whole(number: f64) -> u64 {
    number as u64
}

/// An integer as JavaScript's number; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no counter of ours gets beyond 2^53")]
fn number(whole: u64) -> f64 {
    whole as f64
}

impl StoreCore {
    fn handle(&self) -> Handle {
        Handle { path: self.path.clone(), durability: self.durability, store: Arc::clone(&self.store) }
    }

    /// As [`Handle::created`], without a copy of the path at each write.
    fn created(&self) -> Arc<Store> {
        self.store.get().map_or_else(|| self.handle().created(), Arc::clone)
    }

    fn write(&self, mut lines: Vec<u8>, on_fault: OnFault) -> store::Result<Appended> {
        if lines.last() != Some(&b'\n') {
            lines.push(b'\n');
        }
        let store = self.created();
        let appended = store.append(lines, on_fault, self.durability);
        keeper::look_after(&store);
        appended
    }

    fn write_for_ledger(&self, env: Env, lines: Vec<u8>) -> Result<u32> {
        if lines.is_empty() {
            return Ok(WRITTEN);
        }
        Ok(match self.write(lines, OnFault::Keep).map_err(|error| to_js(env, &error))? {
            Appended::Settled => WRITTEN,
            Appended::Leased => LEASED,
            Appended::Queued(_) => WAITING,
            Appended::Written(_) => {
                let store = self.created();
                let safe = store.sync(self.durability).is_ok() && !store.waits_for_peers();
                if safe { WRITTEN } else { WAITING }
            }
        })
    }
}

#[napi]
impl StoreCore {
    /// `path` is absolute.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new(path: String, options: StoreCoreOptions) -> Self {
        let durability = if options.durable_disk { Durability::Disk } else { Durability::Process };
        Self { path: path.into(), durability, store: Arc::default(), lock: Arc::default() }
    }

    /// Writes the JSON text of one event, in this call. Returns 0 if there is nothing left to wait for, else
    /// a ticket for `settle`.
    ///
    /// # Errors
    /// If it is refused; nothing is stored then.
    #[napi(catch_unwind)]
    pub fn append(&self, env: Env, line: String) -> Result<f64> {
        match self.write(line.into_bytes(), OnFault::Refuse) {
            Ok(Appended::Settled | Appended::Leased) => Ok(0.0),
            Ok(Appended::Written(ticket) | Appended::Queued(ticket)) => Ok(number(ticket)),
            Err(error) => Err(to_js(env, &error)),
        }
    }

    /// Waits until the events of these tickets have all that their acceptance promises.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn settle(&self, first: f64, last: f64) -> AsyncTask<Work<()>> {
        let handle = self.handle();
        let tickets: std::ops::RangeInclusive<Ticket> = whole(first)..=whole(last);
        Work::start(move || handle.created().settle(tickets, handle.durability))
    }

    /// Writes the JSON text of a ledger's event. Returns 0 if nothing is left to do, 1 if somebody must call
    /// `look` soon, 2 if somebody must call `flush`.
    ///
    /// # Errors
    /// If it is too long.
    #[napi(catch_unwind)]
    pub fn log(&self, env: Env, line: String) -> Result<u32> {
        self.write_for_ledger(env, line.into_bytes())
    }

    /// As `log`, for all events of a batch.
    ///
    /// # Errors
    /// As `log`.
    #[napi(catch_unwind)]
    pub fn log_batch(&self, env: Env, batch: &Batch) -> Result<u32> {
        self.write_for_ledger(env, batch.lines.clone())
    }

    /// Looks whether a rewrite by the JavaScript module may have missed what was logged. Returns false if so:
    /// then somebody must call `flush`.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn look(&self) -> bool {
        self.store.get().is_none_or(|store| store.look())
    }

    /// Writes all that waits, as durable as asked for, and `index.json`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn flush(&self) -> AsyncTask<Work<()>> {
        let handle = self.handle();
        Work::start(move || match handle.store.get() {
            Some(store) => store.flush(handle.durability),
            None => Ok(()),
        })
    }

    /// Best effort before this thread, or with `last` the process, ends; blocks for about `ms` at most.
    #[napi(catch_unwind)]
    pub fn flush_at_exit(&self, ms: f64, last: bool) {
        if let Some(store) = self.store.get() {
            store.flush_at_exit(Duration::from_millis(whole(ms)), last);
        }
    }

    /// Sums over the log as it is now.
    #[napi(catch_unwind, ts_return_type = "Promise<StoreCoreStats>")]
    #[must_use]
    pub fn stats(&self) -> AsyncTask<Work<StoreCoreStats>> {
        let handle = self.handle();
        Work::start(move || {
            let stats = match handle.existing()? {
                Some(store) => {
                    // A courtesy to others; nothing is written unless we appended.
                    store.write_index_if_behind();
                    store.stats()?
                }
                None => store::Stats::default(),
            };
            let time = |time: Option<f64>| {
                time.map_or(napi::Either::B(napi::bindgen_prelude::Null), napi::Either::A)
            };
            Ok(StoreCoreStats {
                event_count: number(stats.events),
                storage_size_bytes: number(stats.bytes),
                oldest_event: time(stats.times.map(|(oldest, _)| oldest)),
                newest_event: time(stats.times.map(|(_, newest)| newest)),
            })
        })
    }

    /// A walk over the events in `[from, to]` (null: no bound) of a task (a JSON string; null: all), by the
    /// columns or in sequence.
    ///
    /// # Errors
    /// If the folder cannot be looked at.
    #[napi(catch_unwind)]
    pub fn open(
        &self,
        env: Env,
        from: Option<f64>,
        to: Option<f64>,
        task_json: Option<String>,
        indexed: bool,
    ) -> Result<Reader> {
        let task = task_json.and_then(|json| parse_json_string(json.as_bytes()));
        let store = self.handle().existing().map_err(|error| to_js(env, &error))?;
        Ok(Reader::new(store.map(|store| store::Reader::new(store, Query { from, to, task }, indexed))))
    }

    /// Evicts the oldest events until `max_events` are left. Returns how many.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    #[must_use]
    pub fn compact(&self, max_events: f64) -> AsyncTask<Work<f64>> {
        let handle = self.handle();
        Work::start(move || match handle.existing()? {
            Some(store) => store.compact(whole(max_events)).map(number),
            None => Ok(0.0),
        })
    }

    /// Closes a torn tail and sets malformed lines aside. Returns how many.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    #[must_use]
    pub fn repair(&self) -> AsyncTask<Work<f64>> {
        let handle = self.handle();
        Work::start(move || match handle.existing()? {
            Some(store) => store.repair().map(number),
            None => Ok(0.0),
        })
    }

    /// How many `compact` would evict.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    #[must_use]
    pub fn compactable(&self, max_events: f64) -> AsyncTask<Work<f64>> {
        let handle = self.handle();
        Work::start(move || match handle.existing()? {
            Some(store) => store.compactable(whole(max_events)).map(number),
            None => Ok(0.0),
        })
    }

    /// Replaces all events by those of the batch.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn replace_all(&self, batch: &mut Batch) -> AsyncTask<Work<()>> {
        let handle = self.handle();
        let lines = std::mem::take(&mut batch.lines);
        Work::start(move || handle.created().replace_all(&lines))
    }

    /// Replaces the events that a ledger knows by those that it holds; see the engine's `save`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn save(
        &self,
        sealed: Option<&Sealed>,
        batch: &mut Batch,
        positions: Uint32Array,
        known: &KnownIds,
    ) -> AsyncTask<Work<()>> {
        let handle = self.handle();
        let sealed = sealed.map(|sealed| Arc::clone(&sealed.set));
        let live = std::mem::take(&mut batch.lines);
        let positions = positions.to_vec();
        let dropped = known.keys.clone();
        Work::start(move || {
            handle.created().save(&Holdings {
                sealed: sealed.as_deref(),
                live: &live,
                positions: &positions,
                dropped: &dropped,
            })
        })
    }

    /// Loads the log as sealed events.
    #[napi(catch_unwind, ts_return_type = "Promise<Sealed>")]
    #[must_use]
    pub fn seal(&self) -> AsyncTask<Work<Sealed>> {
        let handle = self.handle();
        Work::start(move || {
            let set = match handle.existing()? {
                Some(store) => store.seal()?,
                None => store::sealed_of_nothing(&handle.path),
            };
            Ok(Sealed { set: Arc::new(set) })
        })
    }

    /// Takes the user-level lock. If this thread ends first, it is given up then.
    ///
    /// # Errors
    /// If this thread is ending.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn acquire_lock(&self, env: Env, timeout_ms: f64) -> Result<AsyncTask<Work<()>>> {
        teardown::close_at_end(env, &self.lock)?;
        let handle = self.handle();
        let cell = Arc::clone(&self.lock);
        Ok(Work::start(move || {
            let store = handle.created();
            let lock = store.acquire_user_lock(Duration::from_millis(whole(timeout_ms)))?;
            if cell.put(store, lock)? {
                keeper::keep_fresh(cell, now_ms);
            }
            Ok(())
        }))
    }

    /// Gives the user-level lock up, if it is ours.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn release_lock(&self) -> AsyncTask<Work<()>> {
        let cell = Arc::clone(&self.lock);
        Work::start(move || cell.give_up())
    }

    /// Removes the store's files.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    #[must_use]
    pub fn destroy(&self) -> AsyncTask<Work<()>> {
        let handle = self.handle();
        let cell = Arc::clone(&self.lock);
        Work::start(move || {
            cell.give_up()?;
            handle.existing()?.map_or(Ok(()), |store| store.destroy())
        })
    }

    /// JSON text of a report on every line of the log.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    #[must_use]
    pub fn verify(&self) -> AsyncTask<Work<String>> {
        let handle = self.handle();
        Work::start(move || {
            let report =
                handle.existing()?.map_or_else(|| Ok(store::Report::default()), |store| store.verify())?;
            Ok(report.to_json())
        })
    }

    /// Random UUIDs (version 4, RFC 9562) for new events.
    ///
    /// # Errors
    /// If the system has no random numbers.
    #[napi(catch_unwind)]
    pub fn new_event_ids(count: u32) -> Result<Vec<String>> {
        // One system call for all of them.
        let mut random = vec![[0_u8; 16]; count as usize];
        getrandom::fill(random.as_flattened_mut())
            .map_err(|error| napi::Error::from_reason(error.to_string()))?;
        Ok(random
            .into_iter()
            .map(|bytes| uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
            .collect())
    }

    /// Whether work is under way on libuv's pool, in any thread of this process.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn is_working() -> bool {
        task::is_working()
    }

    /// Forgets what is kept in memory to be fast.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        if let Some(store) = self.store.get() {
            store.forget();
        }
    }
}
