//! The engine on trial, used as the Node-API layer uses it: each append from the main thread, the rest on the
//! strands and lanes of the shipped registry, awaited.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use columns::{Keys, Sealed, add_keys};
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use store::wait::patience::{Caller, Ending, Patience};
use store::wait::{Signal, Time, Work};
use store::{
    Appended, ArchivePlace, Cursor, Durability, Error, Follower, Holdings, Lines, LockCell, Most, News,
    OnFault, Query, Reader, Retention, Start, Store,
};

use super::following::Seen;
use super::process::{FOLDERS, Installed};
use super::subject::{Answer, Refusal, Subject, System, Totals};

/// Opens engines.
#[expect(clippy::struct_excessive_bools, reason = "independent traits of a folder")]
pub(crate) struct Engine {
    /// Compact and replace under the user-level lock, as a ledger does. Beside the original there is no other
    /// way.
    pub(crate) user_lock: bool,
    /// Load the log on opening, as a ledger's `init()` does.
    pub(crate) ledger: bool,
    /// The folder ships to a shared store.
    pub(crate) ships: bool,
    /// A planted fault: its shipper notes a batch as shipped before the store has answered.
    pub(crate) hasty: bool,
    /// Evict into an archive, and read it with the log.
    pub(crate) archive: bool,
}

impl Engine {
    /// An engine as an `EventStore` uses it.
    pub(crate) const STORE: Self =
        Self { user_lock: false, ledger: false, archive: false, ships: false, hasty: false };
    /// … as a `PersistentLedger` does.
    pub(crate) const LEDGER: Self = Self { user_lock: true, ledger: true, ..Self::STORE };
    /// … with an archive.
    pub(crate) const ARCHIVE: Self = Self { archive: true, ..Self::STORE };

    /// As scenarios take it.
    pub(crate) fn system(self) -> Arc<dyn System> {
        Arc::new(self)
    }
}

struct OpenEngine {
    installed: Installed,
    store: Arc<Store>,
    durability: Durability,
    user_lock: bool,
    archive: bool,
    hasty: bool,
    lock: Arc<LockCell>,
    ending: Ending,
    /// What the ledger loaded, and what it holds beyond that.
    loaded: Option<Sealed>,
    live: Vec<u8>,
    /// Identities of what the ledger wrote.
    written: Keys,
}

impl System for Engine {
    fn open(&self, installed: &Installed, durable: bool) -> Answer<Box<dyn Subject>> {
        let store = installed.registry.store_at(Path::new(FOLDERS[0]), true).map_err(refusal)?;
        let store = store.unwrap_or_else(|| installed.registry.detached(Path::new(FOLDERS[0])));
        let durability = if durable { Durability::Disk } else { Durability::Process };
        let mut engine = OpenEngine {
            installed: installed.clone(),
            store,
            durability,
            user_lock: self.user_lock,
            archive: self.archive,
            hasty: self.hasty,
            lock: Arc::default(),
            ending: Ending::default(),
            loaded: None,
            live: Vec::new(),
            written: Keys::new(),
        };
        if self.ships {
            let caller = Caller::new(&**engine.time(), &engine.ending);
            engine.store.begin_shipping(&caller).map_err(refusal)?;
        }
        if self.ledger {
            engine.loaded = Some(engine.on(Store::scanning, Store::seal).map_err(refusal)?);
        }
        Ok(Box::new(engine))
    }
}

/// What another thread brings about, to be awaited by the main one.
pub(crate) struct Promise<T> {
    place: Arc<Mutex<Option<T>>>,
    signal: Arc<dyn Signal>,
}

impl<T: Send + 'static> Promise<T> {
    pub(crate) fn new(time: &Arc<dyn Time>) -> Self {
        Self { place: Arc::default(), signal: time.signal() }
    }

    /// What settles it.
    pub(crate) fn settle(&self) -> impl FnOnce(T) + Send + 'static {
        let (place, signal) = (Arc::clone(&self.place), Arc::clone(&self.signal));
        move |value| {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
            signal.raise();
        }
    }

    pub(crate) fn wait(self) -> T {
        loop {
            let seen = self.signal.count();
            if let Some(value) = self.place.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return value;
            }
            self.signal.rest(seen, FOR_EVER);
        }
    }
}

/// Awaits what `run` has another thread do; without a thread the caller's own does it, as libuv's pool would.
fn awaited<T: Send + 'static>(
    time: &Arc<dyn Time>,
    run: impl FnOnce(Work) -> Result<(), Work>,
    call: impl FnOnce() -> T + Send + 'static,
) -> T {
    let promise = Promise::new(time);
    let settle = promise.settle();
    if let Err(work) = run(Box::new(move || settle(call()))) {
        work();
    }
    promise.wait()
}

/// No wait of the engine's lasts that long.
const FOR_EVER: Duration = Duration::from_secs(1_000_000);

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn refusal(error: Error) -> Refusal {
    let busy = matches!(error, Error::Locked { .. } | Error::Busy { .. });
    Refusal { busy, accepted: 0, text: format!("{}: {error}", error.code()) }
}

fn joined(lines: &[Vec<u8>]) -> Vec<u8> {
    lines.iter().flat_map(|line| line.iter().copied().chain([b'\n'])).collect()
}

/// The texts of the elements of a JSON array, as they stand there.
fn elements(array: &[u8]) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    let mut rest = array.strip_prefix(b"[").expect("a slice is a JSON array");
    while rest != b"]" {
        let mut values = Deserializer::from_slice(rest).into_iter::<IgnoredAny>();
        values.next().expect("an element").expect("of a JSON array");
        let (element, tail) = rest.split_at(values.byte_offset());
        elements.push(element.to_vec());
        rest = tail.strip_prefix(b",").unwrap_or(tail);
    }
    elements
}

impl OpenEngine {
    fn time(&self) -> &Arc<dyn Time> {
        &self.installed.registry.background().time
    }

    /// A call on a strand of the store.
    fn on<T: Send + 'static>(
        &self,
        strand: fn(&Store) -> &Arc<store::wait::strand::Strand>,
        call: impl FnOnce(&Store, &Caller) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (store, strand) = (Arc::clone(&self.store), Arc::clone(strand(&self.store)));
        let caller = Caller::new(&**self.time(), &self.ending);
        awaited(
            self.time(),
            |work| strand.run(work),
            move || {
                let result = call(&store, &caller);
                store.look_after();
                result
            },
        )
    }

    fn append_one(&self, line: &Vec<u8>) -> Result<(), Error> {
        let lines = joined(std::slice::from_ref(line));
        let appended = self.store.append(lines, OnFault::Refuse, self.durability);
        self.store.look_after();
        match appended? {
            Appended::Settled | Appended::Leased => Ok(()),
            Appended::Written(ticket) | Appended::Queued(ticket) => {
                let durability = self.durability;
                self.on(Store::writing, move |store, caller| {
                    store.settle(&(ticket..=ticket), durability, caller)
                })
            }
        }
    }

    fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Answer<T> {
        if !self.user_lock || self.lock.is_held() {
            return work(self).map_err(refusal);
        }
        self.acquire_lock()?;
        let result = work(self).map_err(refusal);
        let released = self.release_lock();
        let value = result?;
        released?;
        Ok(value)
    }
}

impl Drop for OpenEngine {
    fn drop(&mut self) {
        // As `close()` does.
        self.ending.end();
        let _ = self.lock.give_up();
        self.store.look_after();
        self.store.give_back();
    }
}

impl Subject for OpenEngine {
    fn append(&mut self, lines: &[Vec<u8>]) -> Answer<()> {
        for (accepted, line) in lines.iter().enumerate() {
            self.append_one(line).map_err(|error| Refusal { accepted, ..refusal(error) })?;
        }
        Ok(())
    }

    fn log(&mut self, lines: &[Vec<u8>]) -> Answer<bool> {
        self.live.extend(joined(lines));
        add_keys(&joined(lines), &mut self.written);
        let mut accepted = true;
        for line in lines {
            let line = joined(std::slice::from_ref(line));
            let appended = self.store.append(line, OnFault::Keep, self.durability);
            self.store.look_after();
            accepted &= match appended.map_err(refusal)? {
                Appended::Settled | Appended::Leased => true,
                Appended::Queued(_) => false,
                Appended::Written(_) => {
                    self.durability == Durability::Disk && self.store.sync_inline().unwrap_or(false)
                }
            };
        }
        Ok(accepted)
    }

    fn flush(&mut self) -> Answer<()> {
        let durability = self.durability;
        if self.store.is_settled(durability) {
            return Ok(());
        }
        self.on(Store::writing, move |store, caller| store.flush(durability, caller)).map_err(refusal)
    }

    fn compact(&mut self, keep: usize) -> Answer<u64> {
        let place = self.archive.then_some(ArchivePlace::Beside);
        self.locked(|this| {
            this.on(Store::rewriting, move |store, caller| {
                store.retain(&Retention::of_events(keep as u64), place.as_ref(), caller)
            })
        })
    }

    fn replace(&mut self, lines: &[Vec<u8>]) -> Answer<()> {
        let lines = joined(lines);
        self.locked(|this| this.on(Store::rewriting, move |store, caller| store.replace_all(&lines, caller)))
    }

    fn save(&mut self, fresh: &[Vec<u8>]) -> Answer<()> {
        self.live.extend(joined(fresh));
        self.locked(|this| {
            let first = this.loaded.as_ref().map_or(0, Sealed::len);
            let count = memchr::memchr_iter(b'\n', &this.live).count();
            let positions: Vec<u32> =
                (first..first + count).filter_map(|at| u32::try_from(at).ok()).collect();
            let dropped = this.written.clone();
            add_keys(&this.live, &mut this.written);
            let sealed = this.loaded.as_ref();
            let holdings = Holdings { sealed, live: &this.live, positions: &positions, dropped: &dropped };
            // What is borrowed cannot go to another thread here; the wait is the same.
            this.store.save(&holdings, &Caller::new(&**this.time(), &this.ending))
        })
    }

    fn lines(&mut self) -> Answer<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        let mut reader = if self.archive {
            Reader::with_archive(Arc::clone(&self.store), Query::default(), ArchivePlace::Beside)
        } else {
            Reader::new(Arc::clone(&self.store), Query::default(), false)
        };
        let quick = Arc::clone(&self.installed.registry.background().quick);
        loop {
            let (back, slice) = awaited(
                self.time(),
                |work| quick.run(work),
                move || {
                    let slice = reader.next_slice();
                    (reader, slice)
                },
            );
            reader = back;
            let Some(slice) = slice.map_err(refusal)? else { return Ok(lines) };
            lines.extend(elements(&slice));
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "timestamps are whole and small"
    )]
    fn totals(&mut self) -> Answer<Totals> {
        let stats = self.on(Store::scanning, Store::stats).map_err(refusal)?;
        let times = stats.times.map(|(oldest, newest)| (oldest as u64, newest as u64));
        Ok(Totals { count: stats.events, oldest: times.map(|t| t.0), newest: times.map(|t| t.1) })
    }

    fn acquire_lock(&mut self) -> Answer<()> {
        let patience = Patience::new(&**self.time(), Duration::from_millis(50)).until(&self.ending);
        let promise = Promise::new(self.time());
        let settle = promise.settle();
        if let Err(work) = self.lock.acquire(self.store.folder(), patience, Box::new(settle)) {
            work();
        }
        promise.wait().map_err(refusal)
    }

    fn release_lock(&mut self) -> Answer<()> {
        self.lock.give_up().map_err(refusal)
    }

    fn ship(&mut self, arrive: &mut dyn FnMut(&[u8])) -> Answer<()> {
        let caller = Caller::new(&**self.time(), &self.ending);
        let Some(mut outgoing) = self.store.outgoing(caller).map_err(refusal)? else { return Ok(()) };
        if outgoing.noted().map_err(refusal)?.store == 0 {
            outgoing.begin_anew(1, 0).map_err(refusal)?;
        }
        let most = Most { events: 3, bytes: 4096, longest: 1 << 20 };
        while let Some(Lines { lines, .. }) = outgoing.next(&most).map_err(refusal)? {
            outgoing.sending(2).map_err(refusal)?;
            let upto = lines.last().map(|last| (last.part, last.end));
            if self.hasty {
                outgoing.shipped(upto, 2).map_err(refusal)?;
            }
            for line in &lines {
                arrive(&line.line);
            }
            outgoing.shipped(upto, 2).map_err(refusal)?;
        }
        Ok(())
    }

    fn follow(&mut self, after: Option<&str>) -> Option<Box<dyn FnMut() -> Answer<Seen>>> {
        let start = match after {
            None => Start::Beginning,
            Some(cursor) => Start::After(Box::new(Cursor::parse(cursor).expect("a cursor of ours"))),
        };
        let mut follower = Some(Follower::new(&self.store, start, None));
        let background = Arc::clone(self.installed.registry.background());
        Some(Box::new(move || {
            let mut reader = follower.take().expect("one look at a time");
            let quick = Arc::clone(&background.quick);
            let (back, news) = awaited(
                &background.time,
                |work| quick.run(work),
                move || {
                    let news = reader.poll();
                    (reader, news)
                },
            );
            follower = Some(back);
            Ok(match news.map_err(refusal)? {
                News::Events(given) => {
                    Seen::Events(given.iter().map(|(event, cursor)| (event.to_vec(), cursor)).collect())
                }
                News::Gap(missed) => Seen::Gap(missed),
                News::Nothing => Seen::Nothing,
            })
        }))
    }

    fn exit(&mut self) {
        self.store.flush_at_exit(Duration::from_millis(900));
    }

    fn recover(&mut self, thorough: bool) -> Answer<()> {
        // Any write will do; nothing that only reads takes the folder lock.
        if thorough {
            self.on(Store::rewriting, Store::repair).map(drop).map_err(refusal)
        } else {
            self.store.append(Vec::new(), OnFault::Refuse, self.durability).map(drop).map_err(refusal)
        }
    }
}
