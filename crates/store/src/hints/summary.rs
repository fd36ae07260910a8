//! The sums over the first part of a log: what `getStats` and `index.json` report.
//!
//! Invariant: a summary covers exactly the whole lines of `[0, offset)` of one log, and says how to recognise
//! that log: by its identity, by a checksum of the bytes just before `offset`, and, while nothing was added,
//! by its time of change. A summary that does not recognise the log is worthless and is made anew from the
//! log, which alone is the truth.

use std::io;

use crate::disk::bytes::read_range;
use crate::disk::lines::for_each_line;
use crate::disk::{File, FileId, Stat};
use crate::hints::blocks::Blocks;
use crate::limits::{SMALL_TASK_BYTES, SMALL_TASKS};
use columns::Interner;
use event::identity::with_task_key;
use event::line::{Event, Line, Scanner};

/// How many bytes before the offset are checked.
const ANCHOR: u64 = 256;

/// A recognisable place in a log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Mark {
    /// Which log.
    pub(crate) log: FileId,
    /// End of the whole lines that were seen.
    pub(crate) offset: u64,
    /// Time of change when the log ended at `offset`; 0 if it went on.
    pub(crate) modified_ns: u64,
    /// CRC-32 of the [`ANCHOR`] bytes before `offset`, or of as many as there are.
    pub(crate) anchor: u32,
}

impl Mark {
    /// Marks `offset` in an open log.
    pub(crate) fn new(log: &dyn File, stat: &Stat, offset: u64) -> io::Result<Self> {
        let modified_ns = if stat.size == offset { stat.modified_ns } else { 0 };
        Ok(Self { log: stat.id, offset, modified_ns, anchor: anchor(log, offset)? })
    }

    /// Whether the log still begins with what was seen, as far as can be known without reading it all.
    pub(crate) fn recognises(&self, log: &dyn File, stat: &Stat) -> io::Result<bool> {
        if self.log != stat.id || stat.size < self.offset {
            return Ok(false);
        }
        // Same length, other time: a program wrote in the middle.
        if stat.size == self.offset && self.modified_ns != 0 && self.modified_ns != stat.modified_ns {
            return Ok(false);
        }
        Ok(anchor(log, self.offset)? == self.anchor)
    }
}

fn anchor(log: &dyn File, offset: u64) -> io::Result<u32> {
    let length = offset.min(ANCHOR);
    let bytes = read_range(log, offset - length, usize::try_from(length).unwrap_or(0))?;
    Ok(crc32fast::hash(&bytes))
}

/// The sums. See the head of this file.
#[derive(Clone, Default)]
pub(crate) struct Summary {
    /// What is covered.
    pub(crate) mark: Mark,
    /// Number of events.
    pub(crate) events: u64,
    /// Earliest and latest timestamp, among those that are finite numbers.
    pub(crate) times: Option<(f64, f64)>,
    /// Keys of the distinct tasks by first appearance; `None` once there are too many to carry along.
    pub(crate) tasks: Option<Interner>,
    /// Whether tasks are carried along however many they are.
    all_tasks: bool,
    /// The times of each megabyte.
    pub(crate) blocks: Blocks,
}

impl Summary {
    /// The sums over nothing.
    pub(crate) fn empty() -> Self {
        Self { tasks: Some(Interner::default()), blocks: Blocks::empty(), ..Self::default() }
    }

    /// The sums over nothing, which carry all tasks along.
    pub(crate) fn of_all_tasks() -> Self {
        Self { all_tasks: true, ..Self::empty() }
    }

    /// The sums of a log, with its tasks if they are few.
    pub(crate) fn read(mark: Mark, events: u64, times: Option<(f64, f64)>, tasks: Option<Interner>) -> Self {
        Self { mark, events, times, tasks, all_tasks: false, blocks: Blocks::default() }
    }

    /// The same, without the tasks if they are too many to carry along.
    pub(crate) fn without_many_tasks(mut self) -> Self {
        self.all_tasks = false;
        if self.tasks.as_ref().is_some_and(are_many) {
            self.tasks = None;
        }
        self
    }

    /// Whether it covers something, and carries no tasks along because they are too many.
    pub(crate) fn has_many_tasks(&self) -> bool {
        self.tasks.is_none() && self.mark.offset > 0
    }

    /// Adds one event.
    pub(crate) fn add(&mut self, event: &Event<'_>) {
        // Where the count comes from a file, it may be anything.
        self.events = self.events.saturating_add(1);
        if let Some(time) = event.timestamp {
            self.add_time(time);
        }
        with_task_key(&event.task, |key| self.add_task(key));
    }

    /// Adds one timestamp.
    pub(crate) fn add_time(&mut self, time: f64) {
        if time.is_finite() {
            // Both zeros are equal to JavaScript, and JSON text knows but one.
            let time = time + 0.0;
            let (oldest, newest) = self.times.unwrap_or((time, time));
            self.times = Some((oldest.min(time), newest.max(time)));
        }
    }

    /// Adds one task by its key.
    pub(crate) fn add_task(&mut self, key: &[u8]) {
        if let Some(tasks) = &mut self.tasks {
            let added = tasks.intern(key);
            if added.is_none() || (!self.all_tasks && are_many(tasks)) {
                self.tasks = None;
            }
        }
    }

    /// Brings the sums up to the last whole line of the log, and starts anew if the log is not the one they
    /// are of. Returns the bytes behind that line. After an error they are sums over nothing.
    pub(crate) fn catch_up(&mut self, log: &dyn File) -> io::Result<Vec<u8>> {
        let tail = self.go_on(log);
        if tail.is_err() {
            *self = Self { all_tasks: self.all_tasks, ..Self::empty() };
        }
        tail
    }

    fn go_on(&mut self, log: &dyn File) -> io::Result<Vec<u8>> {
        let stat = log.stat()?;
        if !self.mark.recognises(log, &stat)? {
            *self = Self { all_tasks: self.all_tasks, ..Self::empty() };
        }
        if self.mark.log == stat.id && self.mark.offset == stat.size && self.mark.modified_ns != 0 {
            return Ok(Vec::new());
        }
        let mut scanner = Scanner::new();
        let walked = for_each_line(log, self.mark.offset, stat.size, |offset, line| {
            self.blocks.line(offset);
            if let Line::Event(event) = scanner.scan(line) {
                self.add(&event);
                self.blocks.event(event.timestamp);
            }
        })?;
        self.mark = Mark::new(log, &stat, walked.whole)?;
        Ok(walked.tail)
    }
}

fn are_many(tasks: &Interner) -> bool {
    tasks.len() > SMALL_TASKS || tasks.byte_len() > SMALL_TASK_BYTES
}

#[cfg(test)]
mod tests {
    use super::{Line, Scanner, Summary};

    #[test]
    fn a_count_that_a_file_made_up_does_not_overflow() {
        let mut summary = Summary { events: u64::MAX, ..Summary::empty() };
        let mut scanner = Scanner::new();
        let Line::Event(event) = scanner.scan(b"{}") else { panic!("an event") };
        summary.add(&event);
        assert_eq!(summary.events, u64::MAX);
    }
}
