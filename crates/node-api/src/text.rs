//! JSON text on its way to JavaScript.

use napi::bindgen_prelude::{Env, JsValue, Result, ToNapiValue, TypeName, ValueType};

/// Bytes that JavaScript gets as a string: of one byte a character if they are ASCII (V8 parses that faster),
/// else as UTF-8, in which whatever is invalid becomes U+FFFD, as when Node decodes a file.
pub struct Text(pub Vec<u8>);

impl TypeName for Text {
    fn type_name() -> &'static str {
        "string"
    }

    fn value_type() -> ValueType {
        ValueType::String
    }
}

impl ToNapiValue for Text {
    #[expect(
        unsafe_code,
        reason = "the trait's method is unsafe; this one relies on nothing but a valid `env`"
    )]
    unsafe fn to_napi_value(env: napi::sys::napi_env, text: Self) -> Result<napi::sys::napi_value> {
        let env = Env::from_raw(env);
        let string = if text.0.is_ascii() {
            env.create_string_latin1(&text.0)?
        } else {
            env.create_string(String::from_utf8_lossy(&text.0))?
        };
        Ok(string.raw())
    }
}
