//! A walk over the log.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{AsyncTask, Env, Result};
use napi_derive::napi;

use crate::error::to_js;
use crate::task::Work;
use crate::text::Text;

/// Slices of matching events.
#[napi]
pub struct Reader {
    walk: Arc<Mutex<Option<store::Reader>>>,
}

impl Reader {
    pub(crate) fn new(walk: Option<store::Reader>) -> Self {
        Self { walk: Arc::new(Mutex::new(walk)) }
    }
}

#[napi]
impl Reader {
    /// The next slice: text of a JSON array of events; null at the end. One call at a time.
    #[napi(catch_unwind, ts_return_type = "Promise<string | null>")]
    #[must_use]
    pub fn next(&self) -> AsyncTask<Work<Option<Text>>> {
        let walk = Arc::clone(&self.walk);
        Work::start(move || {
            let mut walk = walk.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(reader) = walk.as_mut() else { return Ok(None) };
            let slice = reader.next_slice();
            if reader.is_over() {
                *walk = None;
            }
            Ok(slice?.map(Text))
        })
    }

    /// The first slice if it can be had at once; null if it takes a `next`.
    ///
    /// # Errors
    /// As `next`.
    #[napi(catch_unwind)]
    pub fn at_once(&self, env: Env) -> Result<Option<Text>> {
        let Ok(mut walk) = self.walk.try_lock() else { return Ok(None) };
        let Some(reader) = walk.as_mut() else { return Ok(None) };
        let slice = reader.slice_at_once().map_err(|error| to_js(env, &error))?;
        if reader.is_over() {
            *walk = None;
        }
        Ok(slice.map(Text))
    }

    /// Whether the last slice was handed out. Not while a `next` is pending.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn over(&self) -> bool {
        self.walk.try_lock().is_ok_and(|walk| walk.is_none())
    }

    /// Ends the walk and closes its file, at the latest when a pending `next` is done.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        if let Ok(mut walk) = self.walk.try_lock() {
            *walk = None;
        }
    }
}
