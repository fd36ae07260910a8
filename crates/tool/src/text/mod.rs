//! What a reader sees: text that cannot harm, numbers, colours, tables, questions.

pub(crate) mod columns;
pub(crate) mod event_line;
pub(crate) mod numbers;
pub(crate) mod paint;
pub(crate) mod progress;
pub(crate) mod question;
pub(crate) mod safe;
pub(crate) mod spark;
pub(crate) mod tables;
pub(crate) mod times;
