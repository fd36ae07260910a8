//! Engine errors as JavaScript errors: `code`, and `path`, `syscall` where there are any.
//!
//! Each carries the mark by which `isLedgerError` knows an error of this package: a hidden property whose name is
//! a registered symbol, so that it is the same in every realm.

use napi::bindgen_prelude::{Env, Function, JsObjectValue, JsValue, Unknown};
use napi::{Property, PropertyAttributes};

use store::Error;

/// The JavaScript error for an engine error, ready to be thrown or to reject with.
pub(crate) fn to_js(env: Env, error: &Error) -> napi::Error {
    build(env, error).unwrap_or_else(|_| napi::Error::from_reason(error.to_string()))
}

/// `Symbol.for('guidance-ledger.error')`, as in `lib/shared/ledger-error.js`. Asked of JavaScript: Node-API has a
/// call for it from version 9 on only.
fn mark<'env>(env: Env) -> napi::Result<Unknown<'env>> {
    let symbol: Function<'env, (), Unknown<'env>> = env.get_global()?.get_named_property("Symbol")?;
    let registered: Function<'env, &str, Unknown<'env>> = symbol.get_named_property("for")?;
    registered.call("guidance-ledger.error")
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
    let mark = Property::new()
        .with_name(&env, mark(env)?)?
        .with_napi_value(&env, true)?
        .with_property_attributes(PropertyAttributes::Default);
    object.define_properties(&[mark])?;
    Ok(napi::Error::from(object.to_unknown()))
}
