//! How many events, and their earliest and latest time: of a log, and what `index.json` says of it.
//!
//! Invariant: the sums of a log are those of the library's `getStats()`; what `index.json` says is never believed.

use std::path::Path;

use crate::engine::{INDEX, StoreFile};
use crate::exit::Result;
use crate::json::value::{Value, parse};

/// The most that is read of `index.json`.
const LARGEST_INDEX: usize = 64 << 20;

/// Events, and earliest and latest time among those that have one.
#[derive(Default, Clone, Copy, PartialEq, Debug)]
pub(crate) struct Sums {
    pub(crate) events: u64,
    pub(crate) times: Option<(f64, f64)>,
}

impl Sums {
    /// Adds an event.
    pub(crate) fn add(&mut self, time: Option<f64>) {
        self.events += 1;
        if let Some(time) = time.filter(|time| time.is_finite()) {
            let (oldest, newest) = self.times.unwrap_or((time, time));
            self.times = Some((oldest.min(time), newest.max(time)));
        }
    }
}

/// What `index.json` says; each part is missing if it is not what it should be.
pub(crate) struct IndexFile {
    pub(crate) count: Option<f64>,
    times: Option<(f64, f64)>,
}

impl IndexFile {
    /// Reads the file of a folder; `None` if there is none.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>> {
        let Some(file) = StoreFile::open(folder, INDEX)? else { return Ok(None) };
        let text = file.read(0, LARGEST_INDEX)?;
        let number = |name: &[u8]| parse(&text)?.get(name).and_then(Value::number);
        let times = number(b"oldestTimestamp").zip(number(b"newestTimestamp"));
        Ok(Some(Self { count: number(b"eventCount"), times }))
    }

    /// Whether it says the same as some sums.
    pub(crate) fn says(&self, sums: &Sums) -> bool {
        self.counts(sums.events) && self.times == sums.times
    }

    /// Whether it counts so many events.
    pub(crate) fn counts(&self, events: u64) -> bool {
        self.count.is_some_and(|count| count.total_cmp(&crate::text::numbers::float(events)).is_eq())
    }
}
