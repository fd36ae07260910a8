//! What a thread leaves behind when its JavaScript ends: the locks that its stores hold.
//!
//! A worker thread can be terminated, or call `process.exit()`, in the middle of a compaction. The process
//! lives on, and the operating system's lock with it; nobody would ever give it up. So each environment has
//! one hook that does, and whatever lock is taken on its behalf later is given up at once.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use napi::bindgen_prelude::{Env, Result};

use store::LockCell;

/// The cells of each environment that lives, by its address.
static CELLS: Mutex<BTreeMap<usize, Vec<Weak<LockCell>>>> = Mutex::new(BTreeMap::new());

/// Closes `cell` when `env` ends.
pub(crate) fn close_at_end(env: Env, cell: &Arc<LockCell>) -> Result<()> {
    let address = env.raw().addr();
    let mut all = cells();
    if !all.contains_key(&address) {
        env.add_env_cleanup_hook(address, close_all)?;
    }
    let cells = all.entry(address).or_default();
    cells.retain(|known| known.strong_count() > 0);
    if !cells.iter().any(|known| known.as_ptr() == Arc::as_ptr(cell)) {
        cells.push(Arc::downgrade(cell));
    }
    Ok(())
}

fn close_all(address: usize) {
    let ended = cells().remove(&address).unwrap_or_default();
    // A panic that reached Node would end the process.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        for cell in ended.iter().filter_map(Weak::upgrade) {
            cell.close();
        }
    }));
}

fn cells() -> MutexGuard<'static, BTreeMap<usize, Vec<Weak<LockCell>>>> {
    CELLS.lock().unwrap_or_else(PoisonError::into_inner)
}
