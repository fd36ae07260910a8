//! Lines of another store on their way into a ledger, scanned in the background as they come.
//!
//! Invariant: one piece at a time; a piece is copied within the call that brings it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use napi::bindgen_prelude::{BufferSlice, Env, Error, Object, Result};
use napi_derive::napi;

use crate::process::background;
use crate::sealed::Sealed;
use crate::task::on_lane;

/// Lines that come in pieces.
#[napi]
pub struct Gathering {
    state: Arc<Mutex<Option<State>>>,
}

/// Taken out while it is worked on.
#[derive(Default)]
struct State {
    gathering: columns::Gathering,
    /// The piece that is being added. Its memory is used again: to get new memory takes longer than to fill it.
    piece: Vec<u8>,
}

fn locked(state: &Mutex<Option<State>>) -> MutexGuard<'_, Option<State>> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[napi]
impl Gathering {
    /// An empty one.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new() -> Self {
        Self { state: Arc::new(Mutex::new(Some(State::default()))) }
    }

    /// Adds lines, each ending in a newline. One call at a time.
    ///
    /// # Errors
    /// If another call is pending, or no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn add<'env>(&self, env: &'env Env, lines: BufferSlice<'_>) -> Result<Object<'env>> {
        let mut taken = self.take()?;
        taken.piece.clear();
        taken.piece.extend_from_slice(&lines);
        let state = Arc::clone(&self.state);
        on_lane(env, &background().quick, move || {
            taken.gathering.add(&taken.piece);
            *locked(&state) = Some(taken);
            Ok(())
        })
    }

    /// The events among them as a ledger loads them; nothing can be added then. `name` is what messages call the lines.
    ///
    /// # Errors
    /// If another call is pending.
    #[napi(catch_unwind)]
    pub fn seal(&self, name: String) -> Result<Sealed> {
        Ok(Sealed { set: Arc::new(self.take()?.gathering.seal(name)) })
    }

    fn take(&self) -> Result<State> {
        locked(&self.state).take().ok_or_else(|| Error::from_reason("EBUSY: another piece is being added"))
    }
}
