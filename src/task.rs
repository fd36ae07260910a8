//! Work on libuv's pool that settles a promise.
//!
//! libuv finishes what is running when a program calls `process.exit` or throws, and its promise keeps the
//! program alive until then.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use napi::Task;
use napi::bindgen_prelude::{AsyncTask, Env, ToNapiValue, TypeName};

use crate::error::to_js;
use store::{Error, Result};

/// How much work of this process is under way.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// Whether work is under way on libuv's pool, in any thread of this process.
pub(crate) fn is_working() -> bool {
    UNDER_WAY.load(Ordering::Relaxed) > 0
}

/// Counts while it lives.
struct UnderWay;

impl UnderWay {
    fn begin() -> Self {
        UNDER_WAY.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One engine call, to be made on the pool.
pub struct Work<T> {
    _under_way: UnderWay,
    call: Option<Box<dyn FnOnce() -> Result<T> + Send>>,
    error: Option<Error>,
}

impl<T> Work<T>
where
    T: Send + ToNapiValue + TypeName + 'static,
{
    /// A promise for the result of `call`.
    pub(crate) fn start(call: impl FnOnce() -> Result<T> + Send + 'static) -> AsyncTask<Self> {
        AsyncTask::new(Self { _under_way: UnderWay::begin(), call: Some(Box::new(call)), error: None })
    }
}

impl<T> Task for Work<T>
where
    T: Send + ToNapiValue + TypeName + 'static,
{
    type Output = T;
    type JsValue = T;

    fn compute(&mut self) -> napi::Result<T> {
        let Some(call) = self.call.take() else { return Err(napi::Error::from_reason("called twice")) };
        match catch_unwind(AssertUnwindSafe(call)) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                self.error = Some(error);
                Err(napi::Error::from_reason(""))
            }
            Err(panic) => Err(napi::bindgen_prelude::panic_to_error(panic)),
        }
    }

    fn resolve(&mut self, _env: Env, value: T) -> napi::Result<T> {
        Ok(value)
    }

    fn reject(&mut self, env: Env, error: napi::Error) -> napi::Result<T> {
        Err(self.error.take().map_or(error, |error| to_js(env, &error)))
    }
}
