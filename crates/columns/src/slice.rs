//! Lines on their way to JavaScript: runs of neighbours that are read at once, and the text of a JSON array
//! that takes them.

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::ops::Range;

use crate::columns::Columns;

/// Lines that are this close in their source are read together.
const GAP: u64 = 16 << 10;
/// About the most that is read together.
const LONGEST_RUN: u64 = 256 << 10;

/// Where the lines of columns stand.
pub trait Source: Send + Sync {
    /// The bytes of a range.
    ///
    /// # Errors
    /// `UnexpectedEof` if there are fewer; else whatever reading says.
    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>>;

    /// Gives back what is held open. Another read finds it again.
    fn release(&self) {}
}

impl Source for Vec<u8> {
    fn read(&self, range: Range<u64>) -> io::Result<Cow<'_, [u8]>> {
        let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        let bytes = self.get(at(range.start)..at(range.end));
        bytes.map(Cow::Borrowed).ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }
}

/// Rows whose lines are read together, and where those are.
pub struct Run(Vec<(u32, Range<u64>)>);

/// What [`read_run`] read.
pub struct RunLines<'a> {
    start: u64,
    bytes: Cow<'a, [u8]>,
}

impl RunLines<'_> {
    /// The rows of the run with their lines.
    pub fn lines<'a>(&'a self, run: &'a Run) -> impl Iterator<Item = (u32, &'a [u8])> {
        run.0.iter().map(|(row, range)| {
            let at = |offset: u64| usize::try_from(offset - self.start).unwrap_or(usize::MAX);
            (*row, self.bytes.get(at(range.start)..at(range.end)).unwrap_or_default())
        })
    }
}

/// The next rows that are near each other in their source; ascending only, since the order of the rows is
/// kept.
pub fn next_run(columns: &Columns, rows: &mut std::vec::IntoIter<u32>) -> Option<Run> {
    let row = rows.next()?;
    let first = columns.range(row as usize);
    let (start, mut end) = (first.start, first.end);
    let mut run = vec![(row, first)];
    while let Some(&next) = rows.as_slice().first() {
        let range = columns.range(next as usize);
        if range.start < end || range.start - end > GAP || range.end - start > LONGEST_RUN {
            break;
        }
        end = range.end;
        run.push((next, range));
        rows.next();
    }
    Some(Run(run))
}

/// Reads the lines of a run at once.
///
/// # Errors
/// Whatever the source says.
pub fn read_run<'a>(source: &'a dyn Source, run: &Run) -> io::Result<RunLines<'a>> {
    let start = run.0.first().map_or(0, |(_, range)| range.start);
    let end = run.0.last().map_or(start, |(_, range)| range.end);
    Ok(RunLines { start, bytes: source.read(start..end)? })
}

/// The text of a JSON array in the making.
#[derive(Default)]
pub struct Slice(Vec<u8>);

impl Slice {
    /// Adds the text of one event.
    pub fn add(&mut self, text: &[u8]) {
        self.0.push(if self.0.is_empty() { b'[' } else { b',' });
        self.0.extend_from_slice(text);
    }

    /// Its length so far, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The whole text; `None` if nothing was added.
    #[must_use]
    pub fn finish(mut self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push(b']');
        Some(self.0)
    }
}
