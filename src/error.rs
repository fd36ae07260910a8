//! Engine errors as JavaScript errors.

use napi::bindgen_prelude::Env;
use node_api::Failure;
use store::Error;

/// The JavaScript error for an engine error, ready to be thrown or to reject with.
pub(crate) fn to_js(env: Env, error: &Error) -> napi::Error {
    Failure { message: &error.to_string(), code: error.code(), path: error.path(), syscall: error.syscall() }
        .to_js(env)
}
