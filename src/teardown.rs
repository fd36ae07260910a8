//! What a thread leaves behind when its JavaScript ends: the locks that its stores hold, and what they wait for.
//!
//! A worker thread can be terminated, or call `process.exit()`, in the middle of a compaction. The process
//! lives on, and the operating system's lock with it. So each environment has one hook that gives everything
//! back, and whatever lock is taken on its behalf later is given up at once.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use napi::bindgen_prelude::{Env, Result};

use crate::handle::Handle;

/// The handles of each environment that lives, by its address.
static HANDLES: Mutex<BTreeMap<usize, Vec<Weak<Handle>>>> = Mutex::new(BTreeMap::new());

/// Gives back what `handle` holds when `env` ends.
pub(crate) fn abandon_at_end(env: Env, handle: &Arc<Handle>) -> Result<()> {
    if handle.watched.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let address = env.raw().addr();
    let mut all = handles();
    if !all.contains_key(&address) {
        env.add_env_cleanup_hook(address, abandon_all)?;
    }
    let handles = all.entry(address).or_default();
    // Those that were collected are cleared away now and then.
    if handles.len() == handles.capacity() {
        handles.retain(|known| known.strong_count() > 0);
    }
    handles.push(Arc::downgrade(handle));
    Ok(())
}

fn abandon_all(address: usize) {
    let ended = handles().remove(&address).unwrap_or_default();
    // A panic that reached Node would end the process.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        for handle in ended.iter().filter_map(Weak::upgrade) {
            handle.abandon();
        }
    }));
}

fn handles() -> MutexGuard<'static, BTreeMap<usize, Vec<Weak<Handle>>>> {
    HANDLES.lock().unwrap_or_else(PoisonError::into_inner)
}
