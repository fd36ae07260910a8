//! What a ledger saves, for a store that keeps its log elsewhere than in a folder.

use napi::bindgen_prelude::{Env, Result, Uint32Array};
use napi_derive::napi;

use crate::batch::{Batch, KnownIds};
use crate::error::to_js;
use crate::sealed::Sealed;
use node_api::Text;

#[napi]
impl Batch {
    /// The text of a log after a ledger whose live events these are was saved to it: the ledger's events, then every
    /// line of `log` whose event the ledger never held.
    ///
    /// # Errors
    /// If the sealed events cannot be read any more.
    #[napi(catch_unwind, ts_return_type = "string")]
    pub fn saved_log(
        &self,
        env: Env,
        log: String,
        sealed: Option<&Sealed>,
        positions: Uint32Array,
        known: &KnownIds,
    ) -> Result<Text> {
        let holdings = columns::Holdings {
            sealed: sealed.map(|sealed| &*sealed.set),
            live: &self.lines,
            positions: &positions,
            dropped: &known.keys,
        };
        holdings.apply_to(log.as_bytes()).map(Text).map_err(|error| to_js(env, &error.into()))
    }
}
