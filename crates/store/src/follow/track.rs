//! How far which logs were read.
//!
//! The last level is the log that is read now; each level below is the log that it replaced. A line was seen if it stands
//! before the offset of its level, or if its old place was seen in the level below. A level that was read beyond all
//! that came from the one below needs that no longer.
//!
//! Invariant: each level but the first knows the move that made it. There is always at least one level.

use std::sync::Arc;

use crate::hints::move_entry::{LogName, Move};
use crate::hints::origins::Origin;

/// A stretch of a log of which it is not known by place what was seen.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Since {
    /// Lines with just the time of the floor count as seen before this place.
    pub(crate) start: u64,
    /// Nothing is said of lines from here on.
    pub(crate) limit: u64,
    /// Lines with an earlier time than this, or without a time, count as seen.
    pub(crate) floor: f64,
}

impl Since {
    fn covers(&self, position: u64, time: Option<f64>) -> bool {
        let before = |time: f64| time < self.floor || (time <= self.floor && position < self.start);
        position < self.limit && time.is_none_or(before)
    }
}

/// One log that was read, or passed by.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Level {
    pub(crate) name: LogName,
    /// Lines before it were seen.
    pub(crate) offset: u64,
    pub(crate) since: Option<Since>,
    /// How it came about from the level below.
    pub(crate) made: Option<Arc<Move>>,
}

impl Level {
    pub(crate) fn new(name: LogName) -> Self {
        Self { name, offset: 0, since: None, made: None }
    }
}

/// See the head of this file.
#[derive(Clone, Debug)]
pub(crate) struct Track {
    below: Vec<Level>,
    top: Level,
}

impl Track {
    pub(crate) fn new(top: Level) -> Self {
        Self { below: Vec::new(), top }
    }

    /// The levels of a cursor, the present log's last.
    pub(crate) fn of(mut levels: Vec<Level>) -> Option<Self> {
        let top = levels.pop()?;
        Some(Self { below: levels, top })
    }

    /// All levels, the present log's last.
    pub(crate) fn levels(&self) -> impl Iterator<Item = &Level> {
        self.below.iter().chain([&self.top])
    }

    pub(crate) fn top(&self) -> &Level {
        &self.top
    }

    pub(crate) fn top_mut(&mut self) -> &mut Level {
        &mut self.top
    }

    /// Whether it is a matter of one place in one log.
    pub(crate) fn is_plain(&self) -> bool {
        self.below.is_empty() && self.top.since.is_none()
    }

    /// Goes over to the log that a move made.
    pub(crate) fn climb(&mut self, made: &Arc<Move>) {
        let next = Level { made: Some(Arc::clone(made)), ..Level::new(made.new) };
        self.below.push(std::mem::replace(&mut self.top, next));
    }

    /// Whether the line at a place of the present log was seen. `time` is its event's.
    pub(crate) fn has_seen(&self, position: u64, time: Option<f64>) -> bool {
        let mut position = position;
        for level in [&self.top].into_iter().chain(self.below.iter().rev()) {
            if position < level.offset || level.since.is_some_and(|since| since.covers(position, time)) {
                return true;
            }
            match level.made.as_ref().map_or(Origin::Fresh, |made| made.origin(position)) {
                Origin::Fresh => return false,
                Origin::Known => return true,
                Origin::Old(place) => position = place,
            }
        }
        false
    }

    /// Forgets what matters no longer. As long as `late` lines of the log below are expected, that one does: a cursor
    /// says so.
    pub(crate) fn forget_passed(&mut self, late: bool) {
        let offset = self.top.offset;
        if self.top.since.is_some_and(|since| offset >= since.limit) {
            self.top.since = None;
        }
        if !late && self.top.made.as_ref().is_some_and(|made| offset >= made.end()) {
            self.top.made = None;
            self.below.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(inode: u64) -> LogName {
        LogName { inode, born_ns: 0, generation: inode }
    }

    #[test]
    fn what_stood_in_an_earlier_log_is_asked_for_there() {
        let mut track = Track::new(Level { offset: 50, ..Level::new(name(1)) });
        let made = Move { old: name(1), new: name(2), selected: 80, kept: 0, upto: 120, ..Move::default() };
        // The second part of the new log: old lines from 80 to 120, none of them seen.
        track.climb(&Arc::new(made.clone()));
        assert!(!track.has_seen(0, None));
        track.climb(&Arc::new(Move {
            old: name(2),
            new: name(3),
            selected: 0,
            kept: 0,
            upto: 40,
            ..made.clone()
        }));
        assert!(!track.has_seen(0, None));
        track.top_mut().offset = 10;
        assert!(track.has_seen(9, None));
        assert!(!track.has_seen(10, None));
        track.top_mut().offset = 40;
        track.forget_passed(false);
        assert!(track.is_plain());

        let mut track = Track::new(Level { offset: 100, ..Level::new(name(1)) });
        track.climb(&Arc::new(made));
        assert!(track.has_seen(19, None) && !track.has_seen(20, None), "80 + 20 was not seen");
        assert!(!track.has_seen(40, None), "what came behind is new");
    }

    #[test]
    fn a_stretch_in_doubt_is_decided_by_time() {
        let since = Since { start: 10, limit: 100, floor: 5.0 };
        let track = Track::new(Level { since: Some(since), ..Level::new(name(1)) });
        assert!(track.has_seen(9, Some(5.0)) && !track.has_seen(9, Some(9.0)));
        assert!(track.has_seen(10, Some(4.0)) && track.has_seen(10, None));
        assert!(!track.has_seen(10, Some(5.0)));
        assert!(!track.has_seen(100, None));
    }
}
