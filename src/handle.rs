//! A store object's hold on its folder: found at the first use, given back by `close()` and when its thread ends.
//!
//! Invariant: after a close nothing of the folder is held by this object, and what it waited for waits no longer;
//! another use opens anew.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::wait::patience::{Caller, Ending};
use store::{Durability, LockCell, Result, Store};

use crate::process::registry;

/// See the head of this file.
pub(crate) struct Handle {
    pub(crate) path: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) lock: Arc<LockCell>,
    /// Whether it is given back when its thread ends.
    pub(crate) watched: AtomicBool,
    /// How many calls for one event ended with an error.
    pub(crate) refusals: AtomicU64,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    store: Option<Arc<Store>>,
    ending: Ending,
}

impl Handle {
    pub(crate) fn new(path: PathBuf, durability: Durability) -> Arc<Self> {
        Arc::new(Self {
            path,
            durability,
            lock: Arc::default(),
            watched: AtomicBool::new(false),
            refusals: AtomicU64::new(0),
            open: Mutex::default(),
        })
    }

    /// The folder's store, if it was used since it was opened.
    pub(crate) fn used(&self) -> Option<Arc<Store>> {
        self.open().store.clone()
    }

    /// A call for one event ended with an error.
    pub(crate) fn refused(&self) {
        self.refusals.fetch_add(1, Ordering::AcqRel);
    }

    /// The folder's store, if there is a folder.
    pub(crate) fn existing(&self) -> Result<Option<Arc<Store>>> {
        self.find(false)
    }

    /// The folder's store; the folder is made if need be. If it cannot be made, each write says why, and a
    /// ledger's events wait.
    pub(crate) fn created(&self) -> Arc<Store> {
        if let Ok(Some(store)) = self.find(true) {
            return store;
        }
        let mut open = self.open();
        Arc::clone(open.store.get_or_insert_with(|| registry().detached(&self.path)))
    }

    fn find(&self, create: bool) -> Result<Option<Arc<Store>>> {
        if let Some(store) = self.used() {
            return Ok(Some(store));
        }
        let found = registry().store_at(&self.path, create)?;
        Ok(found.map(|store| Arc::clone(self.open().store.get_or_insert(store))))
    }

    /// A call that begins now.
    pub(crate) fn caller(&self) -> Caller {
        Caller::new(&*registry().background().time, &self.ending())
    }

    /// Ends the waits of the calls that begin now.
    pub(crate) fn ending(&self) -> Ending {
        self.open().ending.clone()
    }

    /// Gives everything back. The lock's error comes last.
    pub(crate) fn close(&self) -> Result<()> {
        let (store, ending) = {
            let mut open = self.open();
            // Lines that wait keep their store, so that a later call finds them.
            let waits = open.store.as_ref().is_some_and(|store| store.waiting_lines() > 0);
            let store = if waits { open.store.clone() } else { open.store.take() };
            (store, std::mem::take(&mut open.ending))
        };
        ending.end();
        let released = self.lock.give_up();
        if let Some(store) = store {
            store.look_after();
            store.give_back();
        }
        released
    }

    /// The same when the thread ends that the object belongs to.
    pub(crate) fn abandon(&self) {
        self.lock.close();
        let _ = self.close();
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
