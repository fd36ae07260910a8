//! The calls that replace or remove the log.
//!
//! Invariant: those of one folder run one after the other, on its strand for rewriting.

use std::sync::Arc;

use napi::bindgen_prelude::{Env, Object, Result, Uint32Array};
use napi_derive::napi;
use store::{Holdings, Retention, Store};

use super::StoreCore;
use super::values::{StoreCoreRetention, number, place};
use crate::batch::{Batch, KnownIds};
use crate::sealed::Sealed;

#[napi]
impl StoreCore {
    /// Evicts the oldest events, as many as exceed a limit, into an archive if one is named. Returns how many.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn compact<'env>(
        &self,
        env: &'env Env,
        retention: StoreCoreRetention,
        archive: Option<String>,
    ) -> Result<Object<'env>> {
        let (retention, archive) = (Retention::from(retention), archive.map(place));
        self.on_existing(
            env,
            Store::rewriting,
            || 0.0,
            move |store, caller| store.retain(&retention, archive.as_ref(), caller).map(number),
        )
    }

    /// Closes a torn tail, sets malformed lines aside and makes the sums anew. Returns how many were set aside.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn repair<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.on_existing(env, Store::rewriting, || 0.0, |store, caller| store.repair(caller).map(number))
    }

    /// How many `compact` would evict.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<number>")]
    pub fn compactable<'env>(&self, env: &'env Env, retention: StoreCoreRetention) -> Result<Object<'env>> {
        let retention = Retention::from(retention);
        self.on_existing(
            env,
            Store::scanning,
            || 0.0,
            move |store, caller| store.excess(&retention, caller).map(number),
        )
    }

    /// Replaces all events by those of the batch.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn replace_all<'env>(&self, env: &'env Env, batch: &mut Batch) -> Result<Object<'env>> {
        let lines = std::mem::take(&mut batch.lines);
        self.on_created(env, Store::rewriting, move |store, caller| store.replace_all(&lines, caller))
    }

    /// Replaces the events that a ledger knows by those that it holds; see the engine's `save`.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn save<'env>(
        &self,
        env: &'env Env,
        sealed: Option<&Sealed>,
        batch: &mut Batch,
        positions: Uint32Array,
        known: &KnownIds,
    ) -> Result<Object<'env>> {
        let sealed = sealed.map(|sealed| Arc::clone(&sealed.set));
        let live = std::mem::take(&mut batch.lines);
        let positions = positions.to_vec();
        let dropped = known.keys.clone();
        self.on_created(env, Store::rewriting, move |store, caller| {
            let holdings =
                Holdings { sealed: sealed.as_deref(), live: &live, positions: &positions, dropped: &dropped };
            store.save(&holdings, caller)
        })
    }

    /// Removes the store's files; with `force`, also if a shared store has not got all of it.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn destroy<'env>(&self, env: &'env Env, force: bool) -> Result<Object<'env>> {
        let cell = Arc::clone(&self.handle.lock);
        self.on_existing(
            env,
            Store::rewriting,
            || (),
            move |store, caller| {
                cell.give_up()?;
                store.destroy(force, caller)
            },
        )
    }
}
