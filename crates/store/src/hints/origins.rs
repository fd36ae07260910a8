//! Where the lines of a new log come from, noted while it is made.
//!
//! Invariant: the runs cover the new log from its beginning without a gap, in order; neighbours that were neighbours
//! are one run. There are no more of them than are worth keeping.

/// Most runs that are kept.
const MOST: usize = 1 << 16;

/// Where a line comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// It was in no log before.
    Fresh,
    /// It was in some log before, though not in the one that is replaced.
    Known,
    /// It stood here in the log that is replaced, perhaps in another form.
    Old(u64),
}

/// Lines with one origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Run {
    /// Bytes in the new log.
    pub(crate) length: u64,
    /// Where the first of them comes from.
    pub(crate) origin: Origin,
}

/// Numbers of events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Counts {
    /// In the part of the old log that was selected from.
    pub(crate) source: u64,
    /// Of these in the new log.
    pub(crate) moved: u64,
    /// In the new log, and in none before.
    pub(crate) fresh: u64,
    /// In the new log, and in one before the old log.
    pub(crate) known: u64,
    /// Copied behind these.
    pub(crate) late: u64,
}

/// See the head of this file.
#[derive(Default)]
pub(crate) struct Origins {
    runs: Vec<(u64, Run)>,
    length: u64,
    /// Where the old lines of the last run end, if its lines have their old lengths.
    old_end: Option<u64>,
    counts: Counts,
    too_many: bool,
}

impl Origins {
    /// Adds a line of `length` bytes, its newline included, which had `old_length` bytes where it stood.
    pub(crate) fn add(&mut self, length: u64, origin: Origin, old_length: u64) {
        let counter = match origin {
            Origin::Fresh => &mut self.counts.fresh,
            Origin::Known => &mut self.counts.known,
            Origin::Old(_) => &mut self.counts.moved,
        };
        *counter += 1;
        let straight = |old: u64| (length == old_length).then_some(old + length);
        let goes_on = match (origin, self.runs.last()) {
            (Origin::Old(old), Some(_)) => self.old_end == Some(old) && length == old_length,
            (_, Some((_, run))) => run.origin == origin,
            (_, None) => false,
        };
        if goes_on && let Some((_, run)) = self.runs.last_mut() {
            run.length += length;
        } else if self.runs.len() == MOST {
            self.too_many = true;
        } else {
            self.runs.push((self.length, Run { length, origin }));
        }
        self.old_end = match origin {
            Origin::Old(old) => straight(old),
            Origin::Fresh | Origin::Known => None,
        };
        self.length += length;
    }

    /// How many events came from where.
    pub(crate) fn counts(&self) -> Counts {
        self.counts
    }

    /// How many events there are.
    pub(crate) fn events(&self) -> u64 {
        self.counts.moved + self.counts.fresh + self.counts.known
    }

    /// The runs, each with its start; `None` if there were too many.
    pub(crate) fn runs(&self) -> Option<Vec<(u64, Run)>> {
        (!self.too_many).then(|| self.runs.clone())
    }
}
