//! The calls about a shared store: what waits for it, and who ships.
//!
//! Invariant: none of them uses a network.

use napi::bindgen_prelude::{Buffer, Env, Object, Result};
use napi_derive::napi;
use store::Store;

use super::StoreCore;
use super::values::number;
use crate::error::to_js;
use crate::outgoing::Outgoing;
use crate::process::background;
use crate::task::on_lane;

/// How the shipping of a folder goes.
#[napi(object)]
pub(super) struct StoreCoreShipping {
    /// Bytes that wait.
    pub pending_bytes: f64,
    /// New events in the store.
    pub shipped: f64,
    /// Events that it had before.
    pub repeated: f64,
    /// Events that no store takes.
    pub set_aside: f64,
    /// Attempts that failed since the last success.
    pub failures: f64,
    /// The code of the last failure; empty if the last attempt did not fail.
    pub last_failure: String,
    /// When the next attempt is due, in milliseconds since 1970; 0 if none is.
    pub next_attempt: f64,
    /// When a batch was acknowledged last; 0 for never.
    pub last_shipped: f64,
}

#[napi]
impl StoreCore {
    /// Whether the folder ships. A call that waits for nothing.
    ///
    /// # Errors
    /// Whatever `stat` says.
    #[napi(catch_unwind)]
    pub fn ships(&self, env: Env) -> Result<bool> {
        let ships = || self.handle.existing()?.map_or(Ok(false), |store| store.ships());
        ships().map_err(|error| to_js(env, &error))
    }

    /// Whether a shipper may be wanted for what was just written. A call that waits for nothing.
    ///
    /// # Errors
    /// Whatever the disk says.
    #[napi(catch_unwind)]
    pub fn may_want_shipper(&self, env: Env) -> Result<bool> {
        self.handle.created().may_want_shipper().map_err(|error| to_js(env, &error))
    }

    /// Has rewrites save what is not shipped, from now on and durably.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn begin_shipping<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.on_created(env, Store::writing, |store, caller| store.begin_shipping(caller))
    }

    /// How its shipping goes; null if the folder does not ship.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<StoreCoreShipping | null>")]
    pub fn shipping<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.on_existing(
            env,
            Store::scanning,
            || None,
            |store, _| {
                Ok(store.shipping()?.map(|(noted, pending)| StoreCoreShipping {
                    pending_bytes: number(pending),
                    shipped: number(noted.account.shipped),
                    repeated: number(noted.account.repeated),
                    set_aside: number(noted.set_aside),
                    failures: number(noted.account.failures),
                    last_failure: noted.account.failure().unwrap_or_default().to_owned(),
                    next_attempt: number(noted.account.next_ms),
                    last_shipped: number(noted.account.last_ms),
                }))
            },
        )
    }

    /// The lines that no store has acknowledged.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<Buffer>")]
    pub fn pending_lines<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.on_existing(
            env,
            Store::scanning,
            || Buffer::from(Vec::new()),
            |store, _| store.pending_lines().map(Buffer::from),
        )
    }

    /// The place of the folder's one shipper; null if another process has it.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<Outgoing | null>")]
    pub fn outgoing<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let path = self.handle.path.display().to_string();
        self.on_created(env, Store::writing, move |store, _| {
            Ok(store.outgoing(store.caller())?.map(|outgoing| Outgoing::new(outgoing, path)))
        })
    }

    /// Whether a shipper is to be started for what was just written.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<boolean>")]
    pub fn wants_shipper<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let store = self.handle.created();
        let caller = self.handle.caller();
        on_lane(env, &background().patient, move || store.wants_shipper(&caller))
    }
}
