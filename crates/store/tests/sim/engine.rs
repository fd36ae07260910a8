//! The engine on trial, used as the Node-API layer uses it: each append from the caller's thread, then
//! settled.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use columns::Sealed;
use serde::de::IgnoredAny;
use serde_json::Deserializer;
use store::disk::Folder;
use store::{Appended, Durability, Error, Holdings, OnFault, Query, Reader, Store, UserLock};

use super::subject::{Answer, Refusal, Subject, System, Totals};

/// Opens engines.
pub(crate) struct Engine {
    /// Keep the folder lock over bursts. The lease is ended by the process itself, at its next call but one.
    pub(crate) leases: bool,
    /// Compact and replace under the user-level lock, as a ledger does. Beside the original there is no other
    /// way.
    pub(crate) user_lock: bool,
    /// Load the log on opening, as a ledger's `init()` does.
    pub(crate) ledger: bool,
}

impl Engine {
    /// An engine as an `EventStore` uses it.
    pub(crate) const STORE: Self = Self { leases: false, user_lock: false, ledger: false };
    /// … as a `PersistentLedger` does.
    pub(crate) const LEDGER: Self = Self { user_lock: true, ledger: true, ..Self::STORE };
}

struct OpenEngine {
    folder: Folder,
    store: Arc<Store>,
    durability: Durability,
    user_lock: bool,
    held: Option<UserLock>,
    /// What the ledger loaded, and what it holds beyond that.
    loaded: Option<Sealed>,
    live: Vec<u8>,
}

impl System for Engine {
    fn open(&self, folder: Folder, durable: bool) -> Answer<Box<dyn Subject>> {
        let store = Arc::new(Store::new(Arc::clone(&folder), self.leases));
        let durability = if durable { Durability::Disk } else { Durability::Process };
        let user_lock = self.user_lock;
        let loaded = self.ledger.then(|| store.seal()).transpose().map_err(refusal)?;
        Ok(Box::new(OpenEngine {
            folder,
            store,
            durability,
            user_lock,
            held: None,
            loaded,
            live: Vec::new(),
        }))
    }
}

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
    fn append_one(&self, line: &Vec<u8>) -> Result<(), Error> {
        let lines = joined(std::slice::from_ref(line));
        let appended = self.store.append(lines, OnFault::Refuse, self.durability);
        // What the keeper does, a moment later.
        self.store.end_lease();
        match appended? {
            Appended::Settled | Appended::Leased => Ok(()),
            Appended::Written(ticket) | Appended::Queued(ticket) => {
                self.store.settle(ticket..=ticket, self.durability)
            }
        }
    }

    fn locked<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Answer<T> {
        if !self.user_lock || self.held.is_some() {
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

impl Subject for OpenEngine {
    fn append(&mut self, lines: &[Vec<u8>]) -> Answer<()> {
        for (accepted, line) in lines.iter().enumerate() {
            self.append_one(line).map_err(|error| Refusal { accepted, ..refusal(error) })?;
        }
        Ok(())
    }

    fn log(&mut self, lines: &[Vec<u8>]) -> Answer<bool> {
        self.live.extend(joined(lines));
        let mut accepted = true;
        for line in lines {
            let line = joined(std::slice::from_ref(line));
            accepted &= match self.store.append(line, OnFault::Keep, self.durability).map_err(refusal)? {
                Appended::Settled | Appended::Leased => true,
                Appended::Queued(_) => false,
                Appended::Written(_) => {
                    self.store.sync(self.durability).is_ok() && !self.store.waits_for_peers()
                }
            };
        }
        // One look for the burst, as at the end of a turn of the event loop.
        Ok(accepted && self.store.look())
    }

    fn flush(&mut self) -> Answer<()> {
        self.store.flush(self.durability).map_err(refusal)
    }

    fn compact(&mut self, keep: usize) -> Answer<u64> {
        self.locked(|this| this.store.compact(keep as u64))
    }

    fn replace(&mut self, lines: &[Vec<u8>]) -> Answer<()> {
        self.locked(|this| this.store.replace_all(&joined(lines)))
    }

    fn save(&mut self, fresh: &[Vec<u8>]) -> Answer<()> {
        self.live.extend(joined(fresh));
        self.locked(|this| {
            let first = this.loaded.as_ref().map_or(0, Sealed::len);
            let count = memchr::memchr_iter(b'\n', &this.live).count();
            let positions: Vec<u32> =
                (first..first + count).filter_map(|at| u32::try_from(at).ok()).collect();
            let dropped = HashSet::new();
            let sealed = this.loaded.as_ref();
            this.store.save(&Holdings { sealed, live: &this.live, positions: &positions, dropped: &dropped })
        })
    }

    fn lines(&mut self) -> Answer<Vec<Vec<u8>>> {
        let mut lines = Vec::new();
        let mut reader = Reader::new(Arc::clone(&self.store), Query::default(), false);
        while let Some(slice) = reader.next_slice().map_err(refusal)? {
            lines.extend(elements(&slice));
        }
        Ok(lines)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "timestamps are whole and small"
    )]
    fn totals(&mut self) -> Answer<Totals> {
        let stats = self.store.stats().map_err(refusal)?;
        let times = stats.times.map(|(oldest, newest)| (oldest as u64, newest as u64));
        Ok(Totals { count: stats.events, oldest: times.map(|t| t.0), newest: times.map(|t| t.1) })
    }

    fn acquire_lock(&mut self) -> Answer<()> {
        let lock = self.store.acquire_user_lock(Duration::from_millis(50)).map_err(refusal)?;
        self.held = Some(lock);
        Ok(())
    }

    fn release_lock(&mut self) -> Answer<()> {
        self.held.take().map_or(Ok(()), |lock| self.store.release_user_lock(lock)).map_err(refusal)
    }

    fn recover(&mut self, thorough: bool) -> Answer<()> {
        // Any write will do; nothing that only reads takes the folder lock.
        if thorough {
            self.store.repair().map(drop).map_err(refusal)
        } else {
            self.store.append(Vec::new(), OnFault::Refuse, self.durability).map(drop).map_err(refusal)
        }
    }
}
