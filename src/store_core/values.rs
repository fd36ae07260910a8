//! What calls of a store take and give: plain objects of JavaScript, and numbers.
//!
//! Invariant: no conversion fails. What has no counterpart saturates.

use napi::bindgen_prelude::Null;
use napi_derive::napi;
use store::{ArchivePlace, Retention};

/// How a store writes.
#[napi(object)]
pub struct StoreCoreOptions {
    /// Whether accepted means on stable storage.
    pub durable_disk: bool,
}

/// What `getStats` reports.
#[napi(object)]
pub(crate) struct StoreCoreStats {
    /// Number of events.
    pub event_count: f64,
    /// Bytes of log and index.
    pub storage_size_bytes: f64,
    /// Earliest timestamp.
    #[napi(ts_type = "number | null")]
    pub oldest_event: napi::Either<f64, Null>,
    /// Latest timestamp.
    #[napi(ts_type = "number | null")]
    pub newest_event: napi::Either<f64, Null>,
}

/// What is in a backup.
#[napi(object)]
pub(crate) struct StoreCoreBackup {
    /// Lines that are events.
    pub events: f64,
    /// All lines.
    pub lines: f64,
    /// Bytes.
    pub bytes: f64,
}

/// Why lines could not be written.
#[napi(object)]
pub struct StoreCoreFault {
    /// What happened, beginning with the code.
    pub cause: String,
    /// What removes the cause, where that is known.
    pub remedy: Option<String>,
}

/// What a compaction keeps; null: no such limit.
#[napi(object)]
#[expect(clippy::struct_field_names, reason = "the names of the options in JavaScript")]
pub struct StoreCoreRetention {
    /// Most events.
    pub max_events: Option<f64>,
    /// Greatest age, in milliseconds.
    pub max_age_ms: Option<f64>,
    /// Most bytes.
    pub max_bytes: Option<f64>,
}

impl From<StoreCoreRetention> for Retention {
    fn from(StoreCoreRetention { max_events, max_age_ms, max_bytes }: StoreCoreRetention) -> Self {
        Self { max_events: max_events.map(whole), max_age_ms, max_bytes: max_bytes.map(whole) }
    }
}

/// Where an archive is: the empty path is that beside the log.
pub(super) fn place(archive: String) -> ArchivePlace {
    if archive.is_empty() { ArchivePlace::Beside } else { ArchivePlace::At(archive) }
}

/// A non-negative number of JavaScript's as an integer.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and NaN is 0")]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

/// An integer as JavaScript's number; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no counter of ours gets beyond 2^53")]
pub(crate) fn number(whole: u64) -> f64 {
    whole as f64
}

impl From<store::Stats> for StoreCoreStats {
    fn from(stats: store::Stats) -> Self {
        let time = |time: Option<f64>| time.map_or(napi::Either::B(Null), napi::Either::A);
        Self {
            event_count: number(stats.events),
            storage_size_bytes: number(stats.bytes),
            oldest_event: time(stats.times.map(|(oldest, _)| oldest)),
            newest_event: time(stats.times.map(|(_, newest)| newest)),
        }
    }
}
