//! A log as it grows, for a terminal.
//!
//! Invariant: no event is shown twice, and none is passed over in silence.

use std::path::Path;
use std::sync::Arc;

use store::disk::folder::RealFolder;
use store::{Follower, News, Start, Store};

use super::store_file::StoreFile;
use crate::exit::Result;

/// A log as it grows, whatever replaces it.
pub(crate) struct Followed {
    follower: Follower,
    seen: u64,
}

/// What a look at a followed log gave beside lines.
#[derive(Default)]
pub(crate) struct Looked {
    /// Each time so many events went before they were seen; `None` if it cannot be known how many.
    pub(crate) gaps: Vec<Option<u64>>,
    /// So many lines are no events.
    pub(crate) malformed: u64,
}

impl Followed {
    /// Follows the log of a folder: `log`, if it is there, from `offset` on.
    pub(crate) fn new(folder: &Path, log: Option<StoreFile>, offset: u64) -> Result<Self> {
        let store = Store::alone(Arc::new(RealFolder::new(folder)));
        let follower = match log {
            Some(log) => Follower::behind(&store, log.file, offset)?,
            None => Follower::new(&store, Start::Beginning, None),
        };
        Ok(Self { follower, seen: 0 })
    }

    /// Hands out the events that came since the last look.
    pub(crate) fn poll(&mut self, visit: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Looked> {
        let mut looked = Looked::default();
        self.seen = self.follower.bell().count();
        loop {
            let news = self.follower.poll()?;
            looked.malformed += self.follower.take_malformed();
            match news {
                News::Events(given) => given.events().try_for_each(&mut *visit)?,
                News::Gap(missed) => looked.gaps.push(missed),
                News::Nothing => return Ok(looked),
            }
        }
    }

    /// Waits until a look is due.
    pub(crate) fn wait(&self) {
        self.follower.wait(self.seen);
    }
}
