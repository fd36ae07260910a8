//! The columns of a log, up to date with the file.
//!
//! Invariant: the rows are the events of the whole lines of `[0, mark.offset)`, and one more for an
//! unterminated last line if that is a complete event (then `tail` is set and the next refresh takes it back).
//!
//! A large log is scanned in parts.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::sync::Arc;

use columns::{Columns, Source};
use event::line::{Line, Scanner};

use crate::disk::bytes::read_whole;
use crate::disk::lines::for_each_line;
use crate::disk::{File, Stat};
use crate::hints::summary::Mark;
use crate::log::parts::in_parts;
use crate::wait::Time;

/// See the head of this file.
#[derive(Clone, Default)]
pub(crate) struct LogColumns {
    /// What is covered.
    pub(crate) mark: Mark,
    /// Whether the last row is an unterminated line behind the mark.
    tail: bool,
    /// The rows.
    pub(crate) columns: Arc<Columns>,
}

impl LogColumns {
    /// Brings the columns up to the end of the log, and starts anew if the log is not the one they are of.
    pub(crate) fn refresh(&mut self, log: &dyn File, time: &dyn Time) -> io::Result<()> {
        let stat = log.stat()?;
        if self.is_current(log, &stat)? {
            return Ok(());
        }
        if !self.mark.recognises(log, &stat)? {
            *self = Self::default();
        }
        self.drop_tail();
        let columns = Arc::make_mut(&mut self.columns);
        let mut whole = self.mark.offset;
        let mut tail = Vec::new();
        let scan = |from, to| scan_part(log, from, to);
        for part in in_parts(log, time, self.mark.offset, stat.size, &scan)? {
            whole = part.whole;
            tail = part.tail;
            columns.join(part.columns);
        }
        self.mark = Mark::new(log, &stat, whole)?;
        if let Line::Event(event) = Scanner::new().scan(&tail) {
            columns.push(whole, &tail, &event);
            self.tail = true;
        }
        columns.shrink();
        Ok(())
    }

    /// Whether these are the columns of all of the log.
    pub(crate) fn is_current(&self, log: &dyn File, stat: &Stat) -> io::Result<bool> {
        let whole = self.mark.offset == stat.size && self.mark.modified_ns != 0;
        Ok(whole && self.mark.recognises(log, stat)?)
    }

    /// The same without the row of an unterminated line.
    pub(crate) fn without_tail(mut self) -> Self {
        self.drop_tail();
        self
    }

    /// Takes the row of an unterminated line back: the line may have grown, or got its newline.
    fn drop_tail(&mut self) {
        if std::mem::take(&mut self.tail) {
            Arc::make_mut(&mut self.columns).pop();
        }
    }
}

/// What one thread scanned.
struct Part {
    columns: Columns,
    whole: u64,
    tail: Vec<u8>,
}

fn scan_part(log: &dyn File, from: u64, to: u64) -> io::Result<Part> {
    let mut columns = Columns::default();
    let mut scanner = Scanner::new();
    let walked = for_each_line(log, from, to, |offset, line| columns.add_line(&mut scanner, offset, line))?;
    columns.end_lines(walked.whole);
    Ok(Part { columns, whole: walked.whole, tail: walked.tail })
}

/// A log as the source of lines.
pub(crate) struct LogLines<'a>(pub(crate) &'a dyn File);

impl Source for LogLines<'_> {
    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        read_lines(self.0, &range).map(Cow::Owned)
    }
}

/// Reads a range, or fails with `UnexpectedEof`.
pub(crate) fn read_lines(log: &dyn File, range: &Range<u64>) -> io::Result<Vec<u8>> {
    let length = usize::try_from(range.end - range.start).map_err(io::Error::other)?;
    read_whole(log, range.start, length)
}
