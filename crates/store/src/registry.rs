//! One [`Store`] per folder and process, whatever the folder is called.
//!
//! All store objects, ledgers and worker threads of a process that mean the same folder (by its identity, not
//! by name) share one store, so that their lines keep one order and one of them does the waiting for all.
//!
//! Invariant: a store lives as long as it is used, or has lines that wait; a folder without users holds nothing.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Weak};

use crate::disk::{Disk, FileId};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::store::Store;
use crate::wait::background::Background;
use crate::wait::shared::Shared;

/// How a process opens a folder.
pub type OpenDisk = Box<dyn Fn(&Path) -> Arc<dyn Disk> + Send + Sync>;

/// The stores of one process.
pub struct Registry {
    background: Arc<Background>,
    open: OpenDisk,
    stores: Shared<HashMap<FileId, Weak<Store>>>,
}

impl Registry {
    /// No stores yet. `open` gives the disk's folder of a path, without touching it.
    #[must_use]
    pub fn new(background: &Arc<Background>, open: OpenDisk) -> Arc<Self> {
        Arc::new(Self { background: Arc::clone(background), open, stores: Shared::default() })
    }

    /// The threads of the process.
    #[must_use]
    pub fn background(&self) -> &Arc<Background> {
        &self.background
    }

    /// A store of its own for a folder that cannot be made or looked at just now: its queue keeps what a ledger
    /// logs meanwhile.
    #[must_use]
    pub fn detached(self: &Arc<Self>, path: &Path) -> Arc<Store> {
        self.store((self.open)(path))
    }

    /// The store of the folder at `path`. If there is no such folder: with `create` it is made, else the answer
    /// is `None`.
    ///
    /// # Errors
    /// Whatever `stat` or `mkdir` says.
    pub fn store_at(self: &Arc<Self>, path: &Path, create: bool) -> Result<Option<Arc<Store>>> {
        let folder = (self.open)(path);
        let identity = |folder: &Arc<dyn Disk>| {
            folder.identity().map_err(|error| Error::io("stat", folder.path(), &error))
        };
        let id = match identity(&folder)? {
            Some(id) => id,
            None if create => {
                folder.create_folder().map_err(|error| Error::io("mkdir", folder.path(), &error))?;
                match identity(&folder)? {
                    Some(id) => id,
                    None => return Ok(None),
                }
            }
            None => return Ok(None),
        };
        let known = self.stores.with(|stores| stores.get(&id).and_then(Weak::upgrade));
        // The folder may have been renamed since: then that store means whatever is in its old place.
        if let Some(store) = known
            && store.folder().identity().is_ok_and(|now| now == Some(id))
        {
            store.reopen();
            return Ok(Some(store));
        }
        let store = self.store(folder.resolved());
        let other = self.stores.with(|stores| {
            stores.retain(|_, store| store.strong_count() > 0);
            let other = stores.get(&id).and_then(Weak::upgrade);
            let other = other.filter(|other| other.folder().path() == store.folder().path());
            if other.is_none() {
                stores.insert(id, Arc::downgrade(&store));
            }
            other
        });
        // Another thread may have been faster.
        Ok(Some(other.unwrap_or(store)))
    }

    fn store(self: &Arc<Self>, disk: Arc<dyn Disk>) -> Arc<Store> {
        let registry = Arc::downgrade(self);
        let relief = Arc::new(move || {
            if let Some(registry) = registry.upgrade() {
                registry.give_descriptors_back();
            }
        });
        Store::new(Folder::new(disk, &self.background).with_relief(relief), true)
    }

    /// Closes the descriptors of the stores that are not at work just now.
    fn give_descriptors_back(&self) {
        let stores: Vec<_> = self.stores.with(|stores| stores.values().filter_map(Weak::upgrade).collect());
        for store in stores {
            store.give_descriptors_back();
        }
    }
}
