//! The rewrites that choose among the lines of the log, or replace all of them.
//!
//! Invariant: compaction evicts by time and nothing else; events stay the bytes that they are.

use std::cmp::Ordering;

use crate::archive::month::{prepare, take_in_all};
use crate::archive::{ArchivePlace, Retention};
use crate::error::Result;
use crate::log::draft::Draft;
use crate::rewrite::former::Former;
use crate::rewrite::rewriter::{Plan, Rewriter, Source};
use columns::{Columns, Keys};

impl Rewriter<'_> {
    /// Evicts the oldest events by timestamp, as many as are beyond a limit. Returns how many were evicted; if none,
    /// nothing is written.
    pub(crate) fn retain(&self, retention: &Retention, archive: Option<&ArchivePlace>) -> Result<u64> {
        let now = self.folder.now_ms();
        self.evict_by(&|columns| excess(retention, columns, now), archive)
    }

    /// Evicts the oldest events by timestamp, `count` of them. Returns how many were evicted; if none, nothing is
    /// written.
    pub(crate) fn evict(&self, count: u64, archive: Option<&ArchivePlace>) -> Result<u64> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        self.evict_by(&|columns| columns.len().min(count), archive)
    }

    /// Evicts as many of the oldest events as `excess_of` says of them.
    fn evict_by(&self, excess_of: &dyn Fn(&Columns) -> usize, archive: Option<&ArchivePlace>) -> Result<u64> {
        if archive.is_some() {
            self.finish_evictions()?;
        }
        let patience = self.patience();
        let logged = self.views.snapshot(&patience)?;
        if logged.is_none_or(|(_, logged)| excess_of(&logged.columns) == 0) {
            return Ok(0);
        }
        if let Some(place) = archive {
            prepare(&place.folder(self.folder)?)?;
        }
        let mut evicted = 0;
        let replaced = self.rewrite(&mut |source, draft| {
            let excess = excess_of(&source.logged.columns);
            if excess == 0 {
                return Ok(Plan::Leave);
            }
            let rows = source.logged.columns.rows_by_time();
            let (gone, kept) = rows.split_at_checked(excess).unwrap_or((&rows, &[]));
            evicted = gone.len() as u64;
            self.copy_rows(source, draft, kept)?;
            match archive {
                Some(place) => self.evict_into(source, draft, gone, place),
                None => Ok(Plan::Replace),
            }
        })?;
        if replaced && archive.is_some() {
            // They are in the archive already; what is in the way of its files is reported by the next compaction.
            let _ = take_in_all(self.folder, self.caller);
        }
        Ok(if replaced { evicted } else { 0 })
    }

    /// Closes a torn tail and sets malformed lines aside; events stay as they are. Returns how many lines were
    /// set aside.
    pub(crate) fn repair(&self) -> Result<u64> {
        let mut rejected = 0;
        let replaced = self.rewrite(&mut |source, draft| {
            rejected = source.logged.columns.malformed().len() as u64;
            if rejected == 0 {
                return Ok(Plan::Leave);
            }
            self.copy_all(source, draft)?;
            Ok(Plan::Replace)
        })?;
        Ok(if replaced { rejected } else { 0 })
    }

    /// Copies the log into a new file.
    pub(crate) fn renew(&self) -> Result<()> {
        self.rewrite(&mut |source, draft| {
            self.copy_all(source, draft)?;
            Ok(Plan::Replace)
        })?;
        Ok(())
    }

    /// Replaces all events that are in the log now by `lines`, each ending in a newline. Events that others
    /// append meanwhile stay.
    pub(crate) fn replace_all(&self, lines: &[u8]) -> Result<()> {
        self.rewrite(&mut |source, draft| {
            let mut former = Former::of(&source.logged.columns, Keys::new());
            for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
                let (origin, old_length) = former.origin_of(line);
                draft
                    .line(line, origin, old_length)
                    .map_err(|error| self.folder.failed("write", draft.name(), &error))?;
            }
            Ok(Plan::Edit)
        })?;
        Ok(())
    }

    fn copy_all(&self, source: &Source, draft: &mut Draft) -> Result<()> {
        let rows: Vec<u32> = (0..u32::try_from(source.logged.columns.len()).unwrap_or(u32::MAX)).collect();
        self.copy_rows(source, draft, &rows)
    }

    /// Copies rows of the old log into the draft, in the order given.
    pub(crate) fn copy_rows(&self, source: &Source, draft: &mut Draft, rows: &[u32]) -> Result<()> {
        let Some(log) = &source.log else { return Ok(()) };
        let copied = rows
            .iter()
            .try_for_each(|&row| draft.old_line(&**log, &source.logged.columns.range(row as usize)))
            .and_then(|()| draft.end_run(&**log));
        copied.map_err(|error| self.folder.failed("write", draft.name(), &error))
    }
}

/// How many of the oldest events are beyond a limit. Without a time, an event is older than any.
pub(crate) fn excess(retention: &Retention, columns: &Columns, now_ms: u64) -> usize {
    let count = columns.len();
    let by_count = retention.max_events.map_or(0, |most| count.saturating_sub(whole(most)));
    if retention.max_age_ms.is_none() && retention.max_bytes.is_none() {
        return by_count;
    }
    let rows = columns.rows_by_time();
    let by_age = retention.max_age_ms.map_or(0, |age| {
        #[expect(clippy::cast_precision_loss, reason = "times of events are doubles as well")]
        let since = now_ms as f64 - age;
        rows.partition_point(|&row| {
            columns.time(row as usize).partial_cmp(&since).is_none_or(Ordering::is_lt)
        })
    });
    let by_bytes = retention.max_bytes.map_or(0, |most| {
        let mut kept = 0;
        let fits = |row: &&u32| {
            let range = columns.range(**row as usize);
            kept += range.end - range.start + 1;
            kept <= most
        };
        count - rows.iter().rev().take_while(fits).count()
    });
    by_count.max(by_age).max(by_bytes)
}

fn whole(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
