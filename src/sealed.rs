//! Loaded events that JavaScript has not seen.

use std::sync::Arc;

use napi::bindgen_prelude::{Env, Error, Float64Array, Result, Uint32Array};
use napi_derive::napi;

use crate::batch::Batch;
use crate::error::to_js;
use event::text::parse_json_string;
use node_api::Text;

/// The events that a ledger loaded. Positions are indices in the ledger.
#[napi]
pub struct Sealed {
    pub(crate) set: Arc<columns::Sealed>,
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn index(number: u32) -> usize {
    number as usize
}

#[napi]
impl Sealed {
    /// The events among the lines of a text; `name` is what messages call it.
    #[napi(factory, catch_unwind)]
    #[must_use]
    pub fn of_lines(name: String, text: String) -> Self {
        Self { set: Arc::new(columns::Gathering::of(text.into_bytes()).seal(name)) }
    }

    /// Number of events, sealed and live.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn length(&self) -> u32 {
        count(self.set.len())
    }

    /// Number of events that are still sealed.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn sealed_count(&self) -> u32 {
        count(self.set.sealed_count())
    }

    /// Number of sealed events whose shape only JavaScript can sum up.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn irregular_count(&self) -> u32 {
        count(self.set.irregular_count())
    }

    /// Takes the events whose ids occur in the batch out of the set. Only before anything else. Returns how
    /// many.
    ///
    /// # Errors
    /// If the set is in use.
    #[napi(catch_unwind)]
    pub fn without(&mut self, batch: &Batch) -> Result<u32> {
        let set = Arc::get_mut(&mut self.set).ok_or_else(|| Error::from_reason("the set is in use"))?;
        Ok(count(set.without(&batch.lines)))
    }

    /// Gives back the file that the events are read from; it is found again by its name.
    #[napi(catch_unwind)]
    pub fn release(&self) {
        self.set.release();
    }

    /// Positions of all sealed events.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn all(&self) -> Uint32Array {
        self.set.between(0, usize::MAX).into()
    }

    /// Positions of the sealed events of a task (a JSON string), and of those whose task id is not a string.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn by_task(&self, task_json: String) -> Uint32Array {
        parse_json_string(task_json.as_bytes()).map(|task| self.set.of_task(&task)).unwrap_or_default().into()
    }

    /// Positions of the sealed events in a range of time, and of those whose timestamp is not a number.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn in_range(&self, from: f64, to: f64) -> Uint32Array {
        self.set.in_range(from, to).into()
    }

    /// Positions of the sealed events in `[start, end)`.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn between(&self, start: u32, end: u32) -> Uint32Array {
        self.set.between(index(start), index(end)).into()
    }

    /// Positions of the sealed events whose shape only JavaScript can sum up.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn irregular(&self) -> Uint32Array {
        self.set.irregular().into()
    }

    /// JSON array text of the events at `positions[start…]`, as many as fit about 64 KiB. They are live
    /// from now on.
    ///
    /// # Errors
    /// If they cannot be read from disk any more.
    #[napi(catch_unwind)]
    pub fn take(&self, env: Env, positions: Uint32Array, start: u32) -> Result<Text> {
        let positions = positions.get(index(start)..).unwrap_or_default();
        let (text, _) = self.set.take(positions).map_err(|error| to_js(env, &error.into()))?;
        Ok(Text(text))
    }

    /// Sums over the sealed events of regular shape: events, violations, corrected, rework lines, and 1 if
    /// the order of adding made no difference.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn metrics(&self) -> Float64Array {
        let columns::Sums { events, violations, corrected, rework, exact } = self.set.sums();
        vec![events, violations, corrected, rework, f64::from(u8::from(exact))].into()
    }

    /// JSON text `[[ruleId, frequency, totalRework, firstPosition, firstIndexInEvent], …]` over the sealed
    /// events of regular shape, by first occurrence.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn ranking(&self) -> Text {
        Text(self.set.ranking())
    }
}
