//! A walk over the log.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{Env, Object, Result};
use napi_derive::napi;

use crate::error::to_js;
use crate::process::background;
use crate::task::{on_lane, on_strand};
use node_api::Text;

/// Slices of matching events.
#[napi]
pub struct Reader {
    walk: Arc<Walk>,
}

#[derive(Default)]
struct Walk {
    /// Taken out while a slice is read; `None` when the walk is over.
    reader: Mutex<Option<store::Reader>>,
    /// Whether a slice is being read.
    reading: AtomicBool,
    closed: AtomicBool,
}

impl Walk {
    fn reader(&self) -> MutexGuard<'_, Option<store::Reader>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads with the reader, and puts it back unless the walk is over or was closed meanwhile.
    fn read<T>(
        &self,
        read: impl FnOnce(&mut store::Reader) -> store::Result<Option<T>>,
    ) -> store::Result<Option<T>> {
        let taken = self.reader().take();
        let Some(mut reader) = taken else { return Ok(None) };
        let slice = read(&mut reader);
        if !reader.is_over() {
            let mut place = self.reader();
            // A close that comes later finds it.
            *place = (!self.closed.load(Ordering::Acquire)).then_some(reader);
        }
        slice
    }
}

impl Reader {
    pub(crate) fn new(reader: Option<store::Reader>) -> Self {
        Self { walk: Arc::new(Walk { reader: Mutex::new(reader), ..Walk::default() }) }
    }
}

#[napi]
impl Reader {
    /// The next slice: text of a JSON array of events; null at the end. One call at a time.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<string | null>")]
    pub fn next<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let scanning = self.walk.reader().as_ref().and_then(store::Reader::scans_first);
        let walk = Arc::clone(&self.walk);
        walk.reading.store(true, Ordering::Release);
        let next = move || {
            let slice = walk.read(store::Reader::next_slice);
            walk.reading.store(false, Ordering::Release);
            slice.map(|slice| slice.map(Text))
        };
        match scanning {
            Some(strand) => on_strand(env, &strand, next),
            None => on_lane(env, &background().quick, next),
        }
    }

    /// The first slice if it can be had at once; null if it takes a `next`.
    ///
    /// # Errors
    /// As `next`.
    #[napi(catch_unwind)]
    pub fn at_once(&self, env: Env) -> Result<Option<Text>> {
        let slice = self.walk.read(store::Reader::slice_at_once);
        slice.map(|slice| slice.map(Text)).map_err(|error| to_js(env, &error))
    }

    /// Whether the last slice was handed out. Not while a `next` is pending.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn over(&self) -> bool {
        !self.walk.reading.load(Ordering::Acquire) && self.walk.reader().is_none()
    }

    /// Ends the walk and closes its file, at the latest when a pending `next` is done.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let mut place = self.walk.reader();
        self.walk.closed.store(true, Ordering::Release);
        *place = None;
    }
}
