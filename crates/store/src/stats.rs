//! What `getStats` reports: the sums over the log as it is now, whichever program wrote it.
//!
//! Takes no lock and creates nothing.

use crate::error::Result;
use crate::limits::FOLDER_WAIT;
use crate::paths::{INDEX, LOG};
use crate::store::Store;
use crate::wait::patience::Caller;

/// See the head of this file.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Stats {
    /// Number of events in the log.
    pub events: u64,
    /// Bytes of the log and of `index.json`.
    pub bytes: u64,
    /// Earliest and latest timestamp; `None` if no event has one.
    pub times: Option<(f64, f64)>,
}

impl Store {
    /// The sums. A small `index.json` that lacks something that this process wrote is brought up to date first
    /// if the folder is free at this instant.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn stats(&self, caller: &Caller) -> Result<Stats> {
        self.index.try_at_once();
        let index = self.folder.stat(INDEX).map_err(|error| self.folder.failed("stat", INDEX, &error))?;
        let bytes = index.map_or(0, |stat| stat.size);
        let Some(log) = self.folder.open_log()? else { return Ok(Stats { bytes, ..Stats::default() }) };
        let (_, total) = self.views.sums(&*log, &self.folder.patience_of(caller, FOLDER_WAIT))?;
        let size = log.size().map_err(|error| self.folder.failed("lseek", LOG, &error))?;
        Ok(Stats { events: total.events, bytes: bytes + size, times: total.times })
    }
}
