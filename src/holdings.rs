//! What a ledger saves, for a store that keeps its log elsewhere than in a folder.

use napi::bindgen_prelude::{Env, Result, Uint32Array};
use napi_derive::napi;

use crate::batch::{Batch, KnownIds};
use crate::error::to_js;
use crate::sealed::Sealed;
use crate::text::Text;

/// The text of a log after a ledger was saved to it: the ledger's events, then every line of `log` whose event the
/// ledger never held.
///
/// # Errors
/// If the sealed events cannot be read any more.
#[napi(catch_unwind, ts_return_type = "string")]
pub(crate) fn saved_log(
    env: Env,
    log: String,
    sealed: Option<&Sealed>,
    batch: &Batch,
    positions: Uint32Array,
    known: &KnownIds,
) -> Result<Text> {
    let holdings = columns::Holdings {
        sealed: sealed.map(|sealed| &*sealed.set),
        live: &batch.lines,
        positions: &positions,
        dropped: &known.keys,
    };
    holdings.apply_to(log.as_bytes()).map(Text).map_err(|error| to_js(env, &error.into()))
}
