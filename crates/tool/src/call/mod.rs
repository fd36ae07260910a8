//! The words of a call: which command, which options, and what is wrong with them.

pub(crate) mod commands;
pub(crate) mod filters;
pub(crate) mod fleet;
pub(crate) mod keeping;
pub(crate) mod looking;
pub(crate) mod recording;
pub(crate) mod usage;
pub(crate) mod values;
