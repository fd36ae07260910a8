//! Which events a reader wants.
//!
//! Invariant: an event that matches by JavaScript's comparisons is never refused here; JavaScript looks at those again
//! whose timestamp is not a number or whose task id is not a string.

use event::line::{Event, Task};
use event::needle::Needle;

/// Which events are wanted.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Earliest timestamp.
    pub from: Option<f64>,
    /// Latest timestamp.
    pub to: Option<f64>,
    /// Task id, as WTF-8.
    pub task: Option<Vec<u8>>,
}

impl Query {
    /// Earliest and latest timestamp.
    pub(crate) fn bounds(&self) -> (f64, f64) {
        (self.from.unwrap_or(f64::NEG_INFINITY), self.to.unwrap_or(f64::INFINITY))
    }

    /// Whether the event is wanted, or only JavaScript can say.
    pub(crate) fn may_match(&self, event: &Event<'_>) -> bool {
        let time = event.timestamp;
        let in_time = time.is_none_or(|time| {
            self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
        });
        in_time
            && match (&self.task, &event.task) {
                (Some(task), Task::Str(id)) => *id.decode() == **task,
                _ => true,
            }
    }

    /// What a line of the task contains.
    pub(crate) fn needle(&self) -> Option<Needle> {
        self.task.as_deref().and_then(Needle::new)
    }
}
