//! Where evicted events go before they leave the log.
//!
//! ```text
//! forget   what an attempt before this one left, if the log was replaced by another process meanwhile
//! begin    the number of events and their times
//! lines    their lines, byte for byte, in the order of time
//! keep     on the disk, under a name that lasts
//!          the log is replaced by one without them
//! ```
//!
//! Invariant: an event is in the log or in the archive at every instant. After a crash between `keep` and the end it is
//! in both; it is never in neither.

use std::io;

use crate::error::{Error, Result};
use crate::log::line_run::LineRun;
use crate::rewrite::rewriter::{Rewriter, Source};

/// What an archive is about to get.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evicted {
    /// How many events.
    pub events: u64,
    /// The first and the last of their timestamps; `None` if none of them has one.
    pub times: Option<(f64, f64)>,
}

/// Keeps the lines of evicted events.
pub trait Archive {
    /// Begins to keep events. Nothing is kept at this time.
    ///
    /// # Errors
    /// Whatever the disk says; the log then stays as it was. So with the next two.
    fn begin(&mut self, evicted: &Evicted) -> io::Result<()>;

    /// Takes the next piece of their lines. The last one ends in a newline; others may end anywhere.
    ///
    /// # Errors
    /// As [`Archive::begin`].
    fn lines(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Brings all that was taken to stable storage, to stay there. Called once all lines are taken.
    ///
    /// # Errors
    /// As [`Archive::begin`].
    fn keep(&mut self) -> io::Result<()>;

    /// Removes what was begun or kept: the events are still in the log. May be called when there is nothing.
    fn forget(&mut self);
}

impl Rewriter<'_> {
    /// Brings events into an archive, whole and durably.
    pub(crate) fn archive(&self, source: &Source, rows: &[u32], archive: &mut dyn Archive) -> Result<()> {
        hand_over(source, rows, archive).map_err(|error| Error::io("archive", self.folder.path(), &error))
    }
}

fn hand_over(source: &Source, rows: &[u32], archive: &mut dyn Archive) -> io::Result<()> {
    let Some(log) = &source.log else { return Ok(()) };
    let columns = &source.logged.columns;
    let times = rows.iter().map(|&row| columns.time(row as usize)).filter(|time| !time.is_nan());
    let times = times.fold(None, |span: Option<(f64, f64)>, time| {
        Some(span.map_or((time, time), |(first, last)| (first.min(time), last.max(time))))
    });
    archive.begin(&Evicted { events: rows.len() as u64, times })?;
    let mut run = LineRun::default();
    for &row in rows {
        if let Some(done) = run.add(&columns.range(row as usize)) {
            done.copy(&**log, &mut |bytes| archive.lines(bytes))?;
        }
    }
    run.copy(&**log, &mut |bytes| archive.lines(bytes))?;
    archive.keep()
}
