//! Engine errors as JavaScript errors: `code`, and `path`, `syscall` where there are any.

use napi::bindgen_prelude::{Env, JsObjectValue, JsValue};

use store::Error;

/// The JavaScript error for an engine error, ready to be thrown or to reject with.
pub(crate) fn to_js(env: Env, error: &Error) -> napi::Error {
    build(env, error).unwrap_or_else(|_| napi::Error::from_reason(error.to_string()))
}

fn build(env: Env, error: &Error) -> napi::Result<napi::Error> {
    let mut object = env.create_error(napi::Error::from_reason(error.to_string()))?;
    object.set_named_property("code", error.code())?;
    if let Some(path) = error.path() {
        object.set_named_property("path", path)?;
    }
    if let Some(syscall) = error.syscall() {
        object.set_named_property("syscall", syscall)?;
    }
    Ok(napi::Error::from(object.to_unknown()))
}
