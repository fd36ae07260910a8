//! Which events are there already.
//!
//! Invariant: two events are the same one if they have the same id, or no id and the same text. Of each, 128 bits of
//! two keyed hashes are kept: that two different ones share them is not to be expected in any store.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use event::line::{Event, Line, Scanner};

use crate::engine::{LOG, StoreFile};
use crate::exit::Result;

/// The events of a store.
#[derive(Default)]
pub(crate) struct Known {
    keys: HashSet<(u64, u64)>,
    hashers: (RandomState, RandomState),
}

impl Known {
    /// Adds all events of a folder's log.
    pub(crate) fn read(&mut self, folder: &Path) -> Result<()> {
        let Some(log) = StoreFile::open(folder, LOG)? else { return Ok(()) };
        let mut scanner = Scanner::new();
        log.for_each_line(&mut |_, line, _| {
            if let Line::Event(event) = scanner.scan(line) {
                self.add(&event);
            }
        })?;
        Ok(())
    }

    /// Adds an event. Returns whether it is new.
    pub(crate) fn add(&mut self, event: &Event<'_>) -> bool {
        let (first, second) = &self.hashers;
        let key = match &event.id {
            Some(id) => {
                let id = id.decode();
                (first.hash_one((true, &*id)), second.hash_one((true, &*id)))
            }
            None => (first.hash_one((false, event.text)), second.hash_one((false, event.text))),
        };
        self.keys.insert(key)
    }
}
