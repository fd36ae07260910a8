//! Events gathered for one bulk write, and identities of dropped ones.

use std::collections::HashSet;

use napi::bindgen_prelude::{Env, Result, Uint32Array};
use napi_derive::napi;

use crate::error::to_js;
use crate::sealed::Sealed;
use columns::{Holdings, add_keys};
use node_api::Text;

/// Lines gathered for one bulk write.
#[napi]
#[derive(Default)]
pub struct Batch {
    pub(crate) lines: Vec<u8>,
    count: u32,
}

#[napi]
impl Batch {
    /// An empty one.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the JSON texts of events, joined by newlines.
    #[napi(catch_unwind)]
    pub fn push(&mut self, text: String) {
        let count = memchr::memchr_iter(b'\n', text.as_bytes()).count() + 1;
        self.count += u32::try_from(count).unwrap_or(u32::MAX);
        if self.lines.is_empty() {
            self.lines = text.into_bytes();
        } else {
            self.lines.extend_from_slice(text.as_bytes());
        }
        self.lines.push(b'\n');
    }

    /// Those of its lines that differ from what was loaded at their positions, and those that were not loaded.
    ///
    /// # Errors
    /// If loaded events cannot be read any more.
    #[napi(catch_unwind)]
    pub fn changed(&self, env: Env, sealed: &Sealed, positions: Uint32Array) -> Result<Self> {
        let (sealed, dropped) = (Some(&*sealed.set), HashSet::new());
        let held = Holdings { sealed, live: &self.lines, positions: &positions, dropped: &dropped };
        let (lines, count) = held.changed().map_err(|error| to_js(env, &error.into()))?;
        Ok(Self { lines, count })
    }

    /// Their lines, each ending in a newline.
    #[napi(getter, catch_unwind, ts_return_type = "string")]
    #[must_use]
    pub fn text(&self) -> Text {
        Text(self.lines.clone())
    }

    /// How many events it holds.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }
}

/// Identities of events that a ledger held and dropped.
#[napi]
#[derive(Default)]
pub struct KnownIds {
    pub(crate) keys: HashSet<u64>,
}

#[napi]
impl KnownIds {
    /// None.
    #[napi(constructor, catch_unwind)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds those of loaded events.
    #[napi(catch_unwind)]
    pub fn add_sealed(&mut self, sealed: &Sealed) {
        sealed.set.add_keys_to(&mut self.keys);
    }

    /// Adds those of a batch's events.
    #[napi(catch_unwind)]
    pub fn add_batch(&mut self, batch: &Batch) {
        add_keys(&batch.lines, &mut self.keys);
    }

    /// Adds those of another set.
    #[napi(catch_unwind)]
    pub fn add_known(&mut self, other: &KnownIds) {
        self.keys.extend(&other.keys);
    }

    /// Forgets all.
    #[napi(catch_unwind)]
    pub fn clear(&mut self) {
        self.keys.clear();
    }
}
