//! Reading a log: backward, what is chosen of it, and its sums. Nothing here locks, waits or creates.

pub(crate) mod backward;
pub(crate) mod fields;
pub(crate) mod filter;
pub(crate) mod select;
pub(crate) mod sums;
