//! One folder, as one `EventStore` object sees it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use event::text::parse_json_string;
use napi::bindgen_prelude::{Env, Null, Object, Result, Uint32Array};
use napi_derive::napi;
use store::wait::patience::{Caller, Patience};
use store::wait::strand::Strand;
use store::{
    Appended, ArchivePlace, Cursor, Durability, Holdings, OnFault, Query, Retention, Start, Store, Ticket,
};

use crate::batch::{Batch, KnownIds};
use crate::error::to_js;
use crate::follower::Follower;
use crate::handle::Handle;
use crate::process::{background, registry};
use crate::reader::Reader;
use crate::sealed::Sealed;
use crate::task::{on_lane, on_pool, on_strand, promise};
use crate::teardown;

/// How a store writes.
#[napi(object)]
pub struct StoreCoreOptions {
    /// Whether accepted means on stable storage.
    pub durable_disk: bool,
}

/// What `getStats` tells.
#[napi(object)]
pub(crate) struct StoreCoreStats {
    /// Number of events.
    pub event_count: f64,
    /// Bytes of log and index.
    pub storage_size_bytes: f64,
    /// Earliest timestamp.
    #[napi(ts_type = "number | null")]
    pub oldest_event: napi::Either<f64, Null>,
    /// Latest timestamp.
    #[napi(ts_type = "number | null")]
    pub newest_event: napi::Either<f64, Null>,
}

/// What is in a backup.
#[napi(object)]
pub(crate) struct StoreCoreBackup {
    /// Lines that are events.
    pub events: f64,
    /// All lines.
    pub lines: f64,
    /// Bytes.
    pub bytes: f64,
}

/// Why lines could not be written.
#[napi(object)]
pub struct StoreCoreFault {
    /// What happened, beginning with the code.
    pub cause: String,
    /// What removes the cause, where that is known.
    pub remedy: Option<String>,
}

/// What a compaction keeps; null: no such limit.
#[napi(object)]
#[expect(clippy::struct_field_names, reason = "the names of the options in JavaScript")]
pub struct StoreCoreRetention {
    /// Most events.
    pub max_events: Option<f64>,
    /// Greatest age, in milliseconds.
    pub max_age_ms: Option<f64>,
    /// Most bytes.
    pub max_bytes: Option<f64>,
}

impl From<StoreCoreRetention> for Retention {
    fn from(StoreCoreRetention { max_events, max_age_ms, max_bytes }: StoreCoreRetention) -> Self {
        Self { max_events: max_events.map(whole), max_age_ms, max_bytes: max_bytes.map(whole) }
    }
}

/// Where an archive is: the empty path is that beside the log.
fn place(archive: String) -> ArchivePlace {
    if archive.is_empty() { ArchivePlace::Beside } else { ArchivePlace::At(archive) }
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

/// How long `finish` waits for a folder that is held.
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// One folder. Constructing touches no disk.
#[napi]
pub struct StoreCore {
    handle: Arc<Handle>,
}

impl StoreCore {
    fn write(&self, mut lines: Vec<u8>, on_fault: OnFault) -> store::Result<(Arc<Store>, Appended)> {
        if lines.last() != Some(&b'\n') {
            lines.push(b'\n');
        }
        let store = self.handle.created();
        let appended = store.append(lines, on_fault, self.handle.durability);
        store.look_after();
        Ok((store, appended?))
    }

    /// Writes lines, all or none. Returns 0 or a ticket.
    fn append_lines(&self, env: Env, lines: Vec<u8>) -> Result<f64> {
        match self.write(lines, OnFault::Refuse) {
            Ok((_, Appended::Settled | Appended::Leased)) => Ok(0.0),
            Ok((_, Appended::Written(ticket) | Appended::Queued(ticket))) => Ok(number(ticket)),
            Err(error) => {
                self.handle.refused();
                Err(to_js(env, &error))
            }
        }
    }

    /// Writes lines of a ledger. Returns whether nothing is left to wait for.
    fn write_for_ledger(&self, env: Env, lines: Vec<u8>) -> Result<bool> {
        if lines.is_empty() {
            return Ok(true);
        }
        let (store, appended) = self.write(lines, OnFault::Keep).map_err(|error| to_js(env, &error))?;
        Ok(match appended {
            Appended::Settled | Appended::Leased => true,
            Appended::Queued(_) => false,
            Appended::Written(_) => {
                self.handle.durability == Durability::Disk && store.sync_inline().unwrap_or(false)
            }
        })
    }

    /// A promise for a call on a strand of the folder's store, which is made if need be.
    fn on_created<'env, T: Send + napi::bindgen_prelude::ToNapiValue + 'static>(
        &self,
        env: &'env Env,
        strand: fn(&Store) -> &Arc<Strand>,
        call: impl FnOnce(&Arc<Store>, &Caller) -> store::Result<T> + Send + 'static,
    ) -> Result<Object<'env>> {
        teardown::abandon_at_end(*env, &self.handle)?;
        let (store, caller) = (self.handle.created(), self.handle.caller());
        let strand = Arc::clone(strand(&store));
        on_strand(env, &strand, move || {
            let result = call(&store, &caller);
            store.look_after();
            result
        })
    }

    /// The same, with what to answer if there is no folder.
    fn on_existing<'env, T: Send + napi::bindgen_prelude::ToNapiValue + 'static>(
        &self,
        env: &'env Env,
        strand: fn(&Store) -> &Arc<Strand>,
        without: impl FnOnce() -> T + Send + 'static,
        call: impl FnOnce(&Arc<Store>, &Caller) -> store::Result<T> + Send + 'static,
    ) -> Result<Object<'env>> {
        match self.handle.existing() {
            Ok(Some(_)) => self.on_created(env, strand, call),
            Ok(None) => on_lane(env, &background().quick, move || Ok(without())),
            Err(error) => on_lane(env, &background().quick, move || Err::<T, _>(error)),
        }
    }
}

#[napi]
impl StoreCore {
    /// `path` is absolute.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new(path: String, options: StoreCoreOptions) -> Self {
        let durability = if options.durable_disk { Durability::Disk } else { Durability::Process };
        Self { handle: Handle::new(path.into(), durability) }
    }

    /// Writes the JSON text of one event, in this call. Returns 0 if there is nothing left to wait for, else
    /// a ticket for `settle`.
    ///
    /// # Errors
    /// If it is refused; nothing is stored then.
    #[napi(catch_unwind)]
    pub fn append(&self, env: Env, line: String) -> Result<f64> {
        self.append_lines(env, line.into_bytes())
    }

    /// As `append`, for all events of a batch, which is empty afterwards: all of them are stored or none.
    ///
    /// # Errors
    /// As `append`.
    #[napi(catch_unwind)]
    pub fn append_batch(&self, env: Env, batch: &mut Batch) -> Result<f64> {
        self.append_lines(env, std::mem::take(&mut batch.lines))
    }

    /// Waits until the events of these tickets have all that their acceptance promises.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn settle<'env>(&self, env: &'env Env, first: f64, last: f64) -> Result<Object<'env>> {
        let tickets: std::ops::RangeInclusive<Ticket> = whole(first)..=whole(last);
        let durability = self.handle.durability;
        let handle = Arc::clone(&self.handle);
        self.on_created(env, Store::writing, move |store, caller| {
            store.settle(&tickets, durability, caller).inspect_err(|_| {
                // Of several tickets each is asked for anew.
                if tickets.start() == tickets.end() {
                    handle.refused();
                }
            })
        })
    }

    /// Writes the JSON text of a ledger's event. Returns whether nothing is left to do; if not, `flush` must be
    /// called.
    ///
    /// # Errors
    /// If it is too long, or too much waits.
    #[napi(catch_unwind)]
    pub fn log(&self, env: Env, line: String) -> Result<bool> {
        self.write_for_ledger(env, line.into_bytes())
    }

    /// As `log`, for all events of a batch, which is empty afterwards.
    ///
    /// # Errors
    /// As `log`.
    #[napi(catch_unwind)]
    pub fn log_batch(&self, env: Env, batch: &mut Batch) -> Result<bool> {
        self.write_for_ledger(env, std::mem::take(&mut batch.lines))
    }

    /// Writes all that waits, as durable as asked for, and `index.json`. Null if there is nothing to do.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void> | null")]
    pub fn flush<'env>(&self, env: &'env Env) -> Result<Option<Object<'env>>> {
        self.flush_of(env, self.handle.existing().ok().flatten())
    }

    /// The same for a store that this object need not have used yet.
    fn flush_of<'env>(&self, env: &'env Env, store: Option<Arc<Store>>) -> Result<Option<Object<'env>>> {
        let durability = self.handle.durability;
        match store {
            Some(store) if !store.is_settled(durability) => self
                .on_created(env, Store::writing, move |store, caller| store.flush(durability, caller))
                .map(Some),
            _ => Ok(None),
        }
    }

    /// As `flush`, before `close`: a folder that is held is waited for no longer than a second, by this call and by
    /// all that are under way.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void> | null")]
    pub fn finish<'env>(&self, env: &'env Env) -> Result<Option<Object<'env>>> {
        let ending = self.handle.ending();
        let finished = self.flush_of(env, self.handle.used())?;
        if finished.is_some() {
            let end = Box::new(move || {
                ending.end();
                None
            });
            // Without a background thread the wait has its usual end.
            drop(background().timers.after(CLOSE_WAIT, end));
        }
        Ok(finished)
    }

    /// Milliseconds of a clock that no test replaces and that never goes back.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn monotonic_ms() -> f64 {
        background().time.monotonic().as_secs_f64() * 1000.0
    }

    /// Best effort before this thread or the process ends; blocks for about `ms` at most. Returns how many events
    /// are still unwritten.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn flush_at_exit(&self, ms: f64) -> f64 {
        self.handle.used().map_or(0.0, |store| {
            store.flush_at_exit(Duration::from_millis(whole(ms)));
            number(store.unwritten_lines())
        })
    }

    /// How many events of the folder are in no log: they wait, or were refused and their callers do not know yet.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn unwritten(&self) -> f64 {
        self.handle.used().map_or(0.0, |store| number(store.unwritten_lines()))
    }

    /// How many calls for one event ended with an error.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn refusals(&self) -> f64 {
        number(self.handle.refusals.load(Ordering::Acquire))
    }

    /// Whether so many lost events of the folder are more than were reported at an exit of this process or of one of
    /// its threads. From now on they are reported.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn is_news(&self, lost: f64) -> bool {
        self.handle.used().is_none_or(|store| store.is_news(whole(lost)))
    }

    /// Why the last attempt to write into the folder failed, unless all has been written since: what happened, and
    /// what can be done.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn last_fault(&self) -> Option<StoreCoreFault> {
        let fault = self.handle.used()?.fault()?;
        Some(StoreCoreFault { cause: fault.cause(), remedy: fault.remedy().map(str::to_owned) })
    }

    /// Sums over the log as it is now.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<StoreCoreStats>")]
    pub fn stats<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let none = || StoreCoreStats::from(store::Stats::default());
        self.on_existing(env, Store::scanning, none, |store, caller| {
            store.stats(caller).map(StoreCoreStats::from)
        })
    }

    /// A walk over the events in `[from, to]` (null: no bound) of a task (a JSON string; null: all), by the
    /// columns or in sequence; with an archive, through that first.
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
        archive: Option<String>,
    ) -> Result<Reader> {
        let task = task_json.and_then(|json| parse_json_string(json.as_bytes()));
        let store = self.handle.existing().map_err(|error| to_js(env, &error))?;
        let query = Query { from, to, task };
        let walk = store.map(|store| match archive {
            Some(archive) => store::Reader::with_archive(store, query, place(archive)),
            None => store::Reader::new(store, query, indexed),
        });
        Ok(Reader::new(walk))
    }

    /// A reader that follows the log: behind the event of a cursor, or from a time, from now or from the beginning on,
    /// for a task (a JSON string; null: all). Null if that is no cursor.
    ///
    /// # Errors
    /// If the folder cannot be looked at.
    #[napi(catch_unwind)]
    pub fn follow(
        &self,
        env: Env,
        after: Option<String>,
        from: Option<f64>,
        now: bool,
        task_json: Option<String>,
    ) -> Result<Option<Follower>> {
        let start = match (after, from) {
            (Some(cursor), _) => match Cursor::parse(&cursor) {
                Some(cursor) => Start::After(Box::new(cursor)),
                None => return Ok(None),
            },
            (None, Some(time)) => Start::Time(time),
            (None, None) if now => Start::Now,
            (None, None) => Start::Beginning,
        };
        let task = task_json.and_then(|json| parse_json_string(json.as_bytes()));
        teardown::abandon_at_end(env, &self.handle)?;
        let store = self.handle.existing().map_err(|error| to_js(env, &error))?;
        // Without a folder it waits for one.
        let store = store.unwrap_or_else(|| registry().detached(&self.handle.path));
        Ok(Some(Follower::new(store::Follower::new(&store, start, task), self.handle.ending())))
    }

    /// Evicts the oldest events, as many as are beyond a limit, into an archive if one is named. Returns how many.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn compact<'env>(
        &self,
        env: &'env Env,
        retention: StoreCoreRetention,
        archive: Option<String>,
    ) -> Result<Object<'env>> {
        let (retention, archive) = (Retention::from(retention), archive.map(place));
        self.on_existing(
            env,
            Store::rewriting,
            || 0.0,
            move |store, caller| store.retain(&retention, archive.as_ref(), caller).map(number),
        )
    }

    /// Closes a torn tail, sets malformed lines aside and makes the sums anew. Returns how many were set aside.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn repair<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.on_existing(env, Store::rewriting, || 0.0, |store, caller| store.repair(caller).map(number))
    }

    /// How many `compact` would evict.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn compactable<'env>(&self, env: &'env Env, retention: StoreCoreRetention) -> Result<Object<'env>> {
        let retention = Retention::from(retention);
        self.on_existing(
            env,
            Store::scanning,
            || 0.0,
            move |store, caller| store.excess(&retention, caller).map(number),
        )
    }

    /// Replaces all events by those of the batch.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn replace_all<'env>(&self, env: &'env Env, batch: &mut Batch) -> Result<Object<'env>> {
        let lines = std::mem::take(&mut batch.lines);
        self.on_created(env, Store::rewriting, move |store, caller| store.replace_all(&lines, caller))
    }

    /// Replaces the events that a ledger knows by those that it holds; see the engine's `save`.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn save<'env>(
        &self,
        env: &'env Env,
        sealed: Option<&Sealed>,
        batch: &mut Batch,
        positions: Uint32Array,
        known: &KnownIds,
    ) -> Result<Object<'env>> {
        let sealed = sealed.map(|sealed| Arc::clone(&sealed.set));
        let live = std::mem::take(&mut batch.lines);
        let positions = positions.to_vec();
        let dropped = known.keys.clone();
        self.on_created(env, Store::rewriting, move |store, caller| {
            let holdings =
                Holdings { sealed: sealed.as_deref(), live: &live, positions: &positions, dropped: &dropped };
            store.save(&holdings, caller)
        })
    }

    /// Loads the log as sealed events.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<Sealed>")]
    pub fn seal<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let path = self.handle.path.clone();
        let none = move || Sealed { set: Arc::new(store::sealed_of_nothing(&path)) };
        self.on_existing(env, Store::scanning, none, |store, caller| {
            Ok(Sealed { set: Arc::new(store.seal(caller)?) })
        })
    }

    /// Takes the user-level lock. If this thread ends first, it is given up then.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn acquire_lock<'env>(&self, env: &'env Env, timeout_ms: f64) -> Result<Object<'env>> {
        teardown::abandon_at_end(*env, &self.handle)?;
        let store = self.handle.created();
        let (settle, promise) = promise(env)?;
        let wait = Duration::from_millis(whole(timeout_ms));
        let patience = Patience::new(&*background().time, wait).until(&self.handle.ending());
        if let Err(work) = self.handle.lock.acquire(store.folder(), patience, Box::new(settle)) {
            on_pool(*env, work)?;
        }
        Ok(promise)
    }

    /// Gives the user-level lock up, if it is ours.
    ///
    /// # Errors
    /// Whatever `unlink` says.
    #[napi(catch_unwind)]
    pub fn release_lock(&self, env: Env) -> Result<()> {
        self.handle.lock.give_up().map_err(|error| to_js(env, &error))
    }

    /// Removes the store's files.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn destroy<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let cell = Arc::clone(&self.handle.lock);
        self.on_existing(
            env,
            Store::rewriting,
            || (),
            move |store, caller| {
                cell.give_up()?;
                store.destroy(caller)
            },
        )
    }

    /// JSON text of a report on every line of the log and of an archive.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<string>")]
    pub fn verify<'env>(&self, env: &'env Env, archive: String) -> Result<Object<'env>> {
        let none = || store::Report::default().to_json();
        let archive = place(archive);
        self.on_existing(env, Store::scanning, none, move |store, _| {
            store.verify_with(&archive).map(|report| report.to_json())
        })
    }

    /// Writes a backup to the file at an absolute path; with an archive, of both.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<StoreCoreBackup>")]
    pub fn backup<'env>(
        &self,
        env: &'env Env,
        file: String,
        archive: Option<String>,
    ) -> Result<Object<'env>> {
        let archive = archive.map(place);
        if matches!(self.handle.existing(), Ok(None)) {
            // An empty backup of a folder that is not there would be taken for one.
            let path = self.handle.path.to_string_lossy().into_owned();
            return on_lane(env, &background().quick, move || {
                Err::<StoreCoreBackup, _>(store::Error::missing(path))
            });
        }
        self.on_created(env, Store::scanning, move |store, caller| {
            let backup = store.backup(file.as_ref(), archive.as_ref(), caller)?;
            Ok(StoreCoreBackup {
                events: number(backup.events),
                lines: number(backup.lines),
                bytes: number(backup.bytes),
            })
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

    /// Gives back every descriptor, lock and piece of memory, and ends what this object waits for. Another use
    /// opens anew.
    ///
    /// # Errors
    /// Whatever giving the user-level lock up says.
    #[napi(catch_unwind)]
    pub fn close(&self, env: Env) -> Result<()> {
        self.handle.close().map_err(|error| to_js(env, &error))
    }
}

impl From<store::Stats> for StoreCoreStats {
    fn from(stats: store::Stats) -> Self {
        let time = |time: Option<f64>| time.map_or(napi::Either::B(Null), napi::Either::A);
        Self {
            event_count: number(stats.events),
            storage_size_bytes: number(stats.bytes),
            oldest_event: time(stats.times.map(|(oldest, _)| oldest)),
            newest_event: time(stats.times.map(|(_, newest)| newest)),
        }
    }
}
