//! One folder, as one `EventStore` object sees it.
//!
//! Here is what writes, waits and ends; the other calls are in the files beside.
//!
//! Invariant: constructing it touches no disk, and every call gives an error or a promise, never a panic.

mod reading;
mod rewriting;
mod shipping;
pub(crate) mod values;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use napi::bindgen_prelude::{Env, Object, Result};
use napi_derive::napi;
use store::wait::patience::{Caller, Patience};
use store::wait::strand::Strand;
use store::{Appended, Durability, OnFault, Store, Ticket};

use crate::batch::Batch;
use crate::error::to_js;
use crate::handle::Handle;
use crate::process::background;
use crate::task::{on_lane, on_pool, on_strand, promise};
use crate::teardown;
use values::{StoreCoreFault, StoreCoreOptions, number, whole};

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
