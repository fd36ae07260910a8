//! Reading a log: forward, backward, and as it grows. Nothing here locks, waits or creates.

pub(crate) mod backward;
pub(crate) mod fields;
pub(crate) mod filter;
pub(crate) mod forward;
pub(crate) mod needle;
pub(crate) mod select;
pub(crate) mod sums;
