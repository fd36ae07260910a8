//! Errors as JavaScript gets them: `code`, and `path`, `syscall` where there are any.
//!
//! Each carries the mark by which `isLedgerError` knows an error of this package: a hidden property whose name is
//! a registered symbol, so that it is the same in every realm.

use napi::bindgen_prelude::{Env, Function, JsObjectValue, JsValue, Unknown};
use napi::{Property, PropertyAttributes};

/// What is to be said of a failure.
#[derive(Clone, Copy, Debug)]
pub struct Failure<'a> {
    /// What happened, and what to do.
    pub message: &'a str,
    /// The name that programs compare.
    pub code: &'a str,
    /// The file that it is about.
    pub path: Option<&'a str>,
    /// The system call that failed.
    pub syscall: Option<&'a str>,
}

impl Failure<'_> {
    /// The JavaScript error, ready to be thrown or to reject with.
    #[must_use]
    pub fn to_js(&self, env: Env) -> napi::Error {
        self.build(env).unwrap_or_else(|_| napi::Error::from_reason(self.message))
    }

    fn build(&self, env: Env) -> napi::Result<napi::Error> {
        let mut object = env.create_error(napi::Error::from_reason(self.message))?;
        object.set_named_property("code", self.code)?;
        if let Some(path) = self.path {
            object.set_named_property("path", path)?;
        }
        if let Some(syscall) = self.syscall {
            object.set_named_property("syscall", syscall)?;
        }
        let mark = Property::new()
            .with_name(&env, mark(env)?)?
            .with_napi_value(&env, true)?
            .with_property_attributes(PropertyAttributes::Default);
        object.define_properties(&[mark])?;
        Ok(napi::Error::from(object.to_unknown()))
    }
}

/// `Symbol.for('guidance-ledger.error')`, as in `lib/shared/ledger-error.js`. Asked of JavaScript: Node-API has a
/// call for it from version 9 on only.
fn mark<'env>(env: Env) -> napi::Result<Unknown<'env>> {
    let symbol: Function<'env, (), Unknown<'env>> = env.get_global()?.get_named_property("Symbol")?;
    let registered: Function<'env, &str, Unknown<'env>> = symbol.get_named_property("for")?;
    registered.call("guidance-ledger.error")
}
