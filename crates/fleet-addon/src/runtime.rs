//! The thread that drives all sockets, and promises for what it does.
//!
//! Invariant: it is started by the first call, once for each process. A promise keeps the program alive until it is
//! settled, and is settled whatever becomes of its work.

use std::future::{Future, pending};
use std::sync::{LazyLock, mpsc};

use fleet::{Code, Error, Result};
use napi::bindgen_prelude::{Env, Object, ToNapiValue, panic_to_error};
use node_api::Failure;
use tokio::runtime::Handle;
use tokio::task::JoinError;

static RUNTIME: LazyLock<Result<Handle>> = LazyLock::new(|| {
    let (started, starting) = mpsc::channel();
    let failed = started.clone();
    let thread = std::thread::Builder::new().name("guidance-fleet".to_owned());
    let run = move || {
        let ended = fleet::run(async {
            let _ = started.send(Ok(Handle::current()));
            pending::<()>().await;
        });
        let _ = failed.send(ended.and(Err(ended_early())));
    };
    let refused = |_| Error::new(Code::Local, "the system refuses another thread");
    thread.spawn(run).map_err(refused)?;
    starting.recv().map_err(|_| ended_early())?
});

/// The thread's runtime.
pub(crate) fn handle() -> Result<Handle> {
    RUNTIME.clone()
}

/// A promise for what a future gives, on that thread.
pub(crate) fn promise<T>(
    env: &Env,
    future: impl Future<Output = Result<T>> + Send + 'static,
) -> napi::Result<Object<'_>>
where
    T: Send + ToNapiValue + 'static,
{
    let (deferred, promise) = env.create_deferred()?;
    let settle = |ended: std::result::Result<Result<T>, JoinError>| {
        deferred.resolve(move |env: Env| match ended {
            Ok(result) => result.map_err(|error| to_js(env, &error)),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => Err(panic_to_error(panic)),
                Err(_) => Err(to_js(env, &ended_early())),
            },
        });
    };
    match handle() {
        Ok(handle) => {
            let work = handle.spawn(future);
            handle.spawn(async move { settle(work.await) });
        }
        Err(error) => settle(Ok(Err(error))),
    }
    Ok(promise)
}

fn ended_early() -> Error {
    Error::new(Code::Local, "the thread of the network ended")
}

/// The JavaScript error for a failure, ready to be thrown or to reject with.
pub(crate) fn to_js(env: Env, error: &Error) -> napi::Error {
    Failure { message: &error.to_string(), code: error.code().name(), path: None, syscall: None }.to_js(env)
}
