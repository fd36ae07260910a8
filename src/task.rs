//! Work that settles a promise, on the engine's own threads.
//!
//! A promise keeps the program alive until it is settled; no thread of libuv's pool is used. Where no thread can
//! be started at all, the pool has to do: then the work is slower, and may hold up others there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use napi::Task;
use napi::bindgen_prelude::{Env, Object, Result, ToNapiValue, panic_to_error};
use store::wait::Work;
use store::wait::lane::Lane;
use store::wait::strand::Strand;

use crate::error::to_js;

/// A promise for the result of `call`, made on a strand.
pub(crate) fn on_strand<'env, T>(
    env: &'env Env,
    strand: &Arc<Strand>,
    call: impl FnOnce() -> store::Result<T> + Send + 'static,
) -> Result<Object<'env>>
where
    T: Send + ToNapiValue + 'static,
{
    start(env, |work| strand.run(work), call)
}

/// A promise for the result of `call`, made on a lane.
pub(crate) fn on_lane<'env, T>(
    env: &'env Env,
    lane: &Arc<Lane>,
    call: impl FnOnce() -> store::Result<T> + Send + 'static,
) -> Result<Object<'env>>
where
    T: Send + ToNapiValue + 'static,
{
    start(env, |work| lane.run(work), call)
}

/// A promise, and what settles it from any thread, once.
pub(crate) fn promise<T>(env: &Env) -> Result<(impl FnOnce(store::Result<T>) + Send + use<T>, Object<'_>)>
where
    T: Send + ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let settle = move |result: store::Result<T>| {
        deferred.resolve(move |env: Env| result.map_err(|error| to_js(env, &error)));
    };
    Ok((settle, promise))
}

/// Has `work` done by libuv's pool: for a process that cannot start a thread.
pub(crate) fn on_pool(env: Env, work: Work) -> Result<()> {
    env.spawn(OnPool(Some(work))).map(drop)
}

fn start<T>(
    env: &Env,
    run: impl FnOnce(Work) -> std::result::Result<(), Work>,
    call: impl FnOnce() -> store::Result<T> + Send + 'static,
) -> Result<Object<'_>>
where
    T: Send + ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let work = move || {
        let result = catch_unwind(AssertUnwindSafe(call));
        deferred.resolve(move |env: Env| match result {
            Ok(result) => result.map_err(|error| to_js(env, &error)),
            Err(panic) => Err(panic_to_error(panic)),
        });
    };
    if let Err(work) = run(Box::new(work)) {
        on_pool(*env, work)?;
    }
    Ok(promise)
}

struct OnPool(Option<Work>);

impl Task for OnPool {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> Result<()> {
        if let Some(work) = self.0.take() {
            work();
        }
        Ok(())
    }

    fn resolve(&mut self, _env: Env, (): ()) -> Result<()> {
        Ok(())
    }
}
