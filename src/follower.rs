//! A reader that follows the log.
//!
//! Invariant: once it is closed, and a pending `next` is settled, nothing of it is open.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{Either3, Env, Null, Object, Result};
use napi_derive::napi;
use store::wait::patience::Ending;
use store::{Bell, News};

use crate::process::background;
use crate::task::on_lane;
use node_api::Text;

/// Events as they come.
#[napi]
pub struct Follower {
    walk: Arc<Walk>,
}

struct Walk {
    /// Taken out while it is asked; `None` once it is closed.
    reader: Mutex<Option<store::Follower>>,
    bell: Arc<Bell>,
    /// Comes when the store object is closed, or its thread ends.
    ending: Ending,
    closed: AtomicBool,
}

/// A text of events, a number of missed ones (-1 if it is not known), or null at the end.
type Found = Either3<Text, f64, Null>;

impl Walk {
    fn reader(&self) -> MutexGuard<'_, Option<store::Follower>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, waits: bool) -> store::Result<Found> {
        let taken = self.reader().take();
        let Some(mut reader) = taken else { return Ok(Either3::C(Null)) };
        let news = if waits { reader.next(&self.ending) } else { reader.poll().map(Some) };
        if !matches!(news, Ok(None)) {
            let mut place = self.reader();
            // A close that comes later finds it.
            *place = (!self.closed.load(Ordering::Acquire)).then_some(reader);
        }
        Ok(match news? {
            Some(News::Events(given)) => Either3::A(Text(given.to_json())),
            #[expect(clippy::cast_precision_loss, reason = "no counter of ours gets beyond 2^53")]
            Some(News::Gap(missed)) => Either3::B(missed.map_or(-1.0, |missed| missed as f64)),
            Some(News::Nothing) => Either3::A(Text(Vec::new())),
            None => Either3::C(Null),
        })
    }
}

impl Follower {
    pub(crate) fn new(reader: store::Follower, ending: Ending) -> Self {
        let bell = reader.bell();
        let walk = Walk { reader: Mutex::new(Some(reader)), bell, ending, closed: AtomicBool::new(false) };
        Self { walk: Arc::new(walk) }
    }
}

#[napi]
impl Follower {
    /// What comes next: the text of a JSON array of the events, what follows the beginning of each one's cursor, and
    /// that beginning; or how many events were missed, -1 if it is not known; or null once it was closed. As long as there
    /// is nothing it waits, or gives an empty text. One call at a time.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<string | number | null>")]
    pub fn next<'env>(&self, env: &'env Env, waits: bool) -> Result<Object<'env>> {
        let walk = Arc::clone(&self.walk);
        // It waits, so it has a thread to itself.
        on_lane(env, &background().patient, move || walk.next(waits))
    }

    /// Ends it: a pending `next` settles, and then nothing is open.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let mut place = self.walk.reader();
        self.walk.closed.store(true, Ordering::Release);
        *place = None;
        drop(place);
        self.walk.bell.end();
    }
}
