//! One [`Store`] per folder and process, whatever the folder is called.
//!
//! All store objects, ledgers and worker threads of a process that mean the same folder (by its identity, not
//! by name) share one store, so that their lines keep one order and one of them does the waiting for all.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use crate::disk::folder::RealFolder;
use crate::disk::{Disk, FileId};
use crate::error::{Error, Result};
use crate::store::Store;

static STORES: LazyLock<Mutex<HashMap<FileId, Weak<Store>>>> = LazyLock::new(Mutex::default);

/// A store of its own for a folder that cannot be made or looked at just now: its queue keeps what a ledger
/// logs meanwhile.
#[must_use]
pub fn detached(path: &Path) -> Arc<Store> {
    Arc::new(Store::new(Arc::new(RealFolder::new(path)), true))
}

/// The store of the folder at `path`. If there is no such folder: with `create` it is made, else the answer
/// is `None`.
///
/// # Errors
/// Whatever `stat` or `mkdir` says.
pub fn store_at(path: &Path, create: bool) -> Result<Option<Arc<Store>>> {
    let folder = RealFolder::new(path);
    let identity = |folder: &RealFolder| {
        folder.identity().map_err(|error| Error::io("stat", path.to_string_lossy(), &error))
    };
    let id = match identity(&folder)? {
        Some(id) => id,
        None if create => {
            folder.create_folder().map_err(|error| Error::io("mkdir", path.to_string_lossy(), &error))?;
            match identity(&folder)? {
                Some(id) => id,
                None => return Ok(None),
            }
        }
        None => return Ok(None),
    };
    let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(store) = stores.get(&id).and_then(Weak::upgrade) {
        // The folder may have been renamed since: then that store means whatever is in its old place.
        if RealFolder::new(Path::new(store.path())).identity().is_ok_and(|now| now == Some(id)) {
            store.reopen();
            return Ok(Some(store));
        }
    }
    stores.retain(|_, store| store.strong_count() > 0);
    // The real path: a link that leads to the folder today may lead elsewhere tomorrow.
    let folder = std::fs::canonicalize(path).map_or(folder, |path| RealFolder::new(&path));
    let store = Arc::new(Store::new(Arc::new(folder), true));
    stores.insert(id, Arc::downgrade(&store));
    Ok(Some(store))
}
