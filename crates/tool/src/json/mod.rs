//! JSON text of events: read in place, composed, made readable. No value is ever built and written anew, so numbers
//! and escapes keep their bytes.

pub(crate) mod compose;
pub(crate) mod items;
pub(crate) mod pretty;
pub(crate) mod value;
