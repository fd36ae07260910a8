//! What the tool looks for in a log beyond the engine's report: times that cannot be, whether events that share an id
//! are the same one, and whether an `index.json` that does not agree is merely behind.
//!
//! A process that records one event and ends at once may leave `index.json` behind its log. Such a file holds the sums
//! of the log's beginning; that is no fault, and any other disagreement is one.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use event::identity::event_key;
use event::line::{Line, Scanner};

use crate::engine::{LOG, StoreFile};
use crate::exit::Result;
use crate::log::sums::{IndexFile, Sums};
use crate::text::numbers::long;
use crate::text::times::{is_plausible, now_ms};

/// Places that are kept.
const LISTED: usize = 10;

/// See the head of this file.
#[derive(Default)]
pub(crate) struct Survey {
    /// Events whose time cannot be.
    pub(crate) implausible: u64,
    /// The first of them: offset and time.
    pub(crate) places: Vec<(u64, f64)>,
    /// What `index.json` says.
    index: Option<IndexFile>,
    /// The sums over the events so far.
    sums: Sums,
    /// Whether `index.json` holds the sums of the log's beginning.
    pub(crate) index_is_behind: bool,
    /// For each id: the hash of the first text, and whether another text has the same id.
    ids: HashMap<u64, (u64, bool)>,
}

impl Survey {
    /// Looks at a folder's log.
    pub(crate) fn of(folder: &Path) -> Result<Self> {
        let mut survey = Self { index: IndexFile::read(folder)?, ..Self::default() };
        let Some(log) = StoreFile::open(folder, LOG)? else { return Ok(survey) };
        let now = now_ms();
        let mut scanner = Scanner::new();
        log.for_each_line(&mut |offset, line, _| survey.inspect(&mut scanner, offset, line, now))?;
        Ok(survey)
    }

    fn inspect(&mut self, scanner: &mut Scanner, offset: u64, line: &[u8], now: f64) {
        let Line::Event(event) = scanner.scan(line) else { return };
        if let Some(time) = event.timestamp.filter(|time| !is_plausible(*time, now)) {
            self.implausible += 1;
            if self.places.len() < LISTED {
                self.places.push((offset, time));
            }
        }
        self.sums.add(event.timestamp);
        self.index_is_behind |= self.index.as_ref().is_some_and(|index| index.says(&self.sums));
        if event.id.is_some() {
            let mut hasher = DefaultHasher::new();
            event.text.hash(&mut hasher);
            let text = hasher.finish();
            let entry = self.ids.entry(event_key(&event)).or_insert((text, false));
            entry.1 |= entry.0 != text;
        }
    }

    /// How many ids belong to events that differ.
    pub(crate) fn differing(&self) -> u64 {
        long(self.ids.values().filter(|(_, differs)| *differs).count())
    }
}
