//! The rewrites that choose among the lines of the log, or replace all of them.
//!
//! Invariant: compaction evicts by time and nothing else; events stay the bytes that they are.

use crate::error::Result;
use crate::log::draft::Draft;
use crate::paths::LOG;
use crate::rewrite::archive::Archive;
use crate::rewrite::rewriter::{Plan, Rewriter, Source};

impl Rewriter<'_> {
    /// Evicts the oldest events by timestamp until `keep` are left. Returns how many were evicted; if none,
    /// nothing is written.
    pub(crate) fn compact(&self, keep: u64) -> Result<u64> {
        let excess_of = |events: usize| events.saturating_sub(usize::try_from(keep).unwrap_or(usize::MAX));
        self.evict_by(&excess_of, None)
    }

    /// Evicts the oldest events by timestamp, `count` of them, into an archive if there is one. Returns how many were
    /// evicted; if none, nothing is written.
    pub(crate) fn evict(&self, count: u64, archive: Option<&mut dyn Archive>) -> Result<u64> {
        self.evict_by(&|events| events.min(usize::try_from(count).unwrap_or(usize::MAX)), archive)
    }

    /// Evicts as many of the oldest events as `excess_of` says of their number.
    fn evict_by(
        &self,
        excess_of: &dyn Fn(usize) -> usize,
        mut archive: Option<&mut dyn Archive>,
    ) -> Result<u64> {
        let patience = self.patience();
        let logged = self.views.snapshot(&patience)?;
        if logged.is_none_or(|(_, logged)| excess_of(logged.columns.len()) == 0) {
            return Ok(0);
        }
        let mut evicted = 0;
        let mut from = None;
        let replaced = self.rewrite(&mut |source, draft| {
            from = source.stat.as_ref().map(|stat| stat.id);
            // An attempt before this one was in vain.
            if let Some(archive) = archive.as_deref_mut() {
                archive.forget();
            }
            let rows = source.logged.columns.rows_by_time();
            let excess = excess_of(rows.len());
            if excess == 0 {
                return Ok(Plan::Leave);
            }
            let (gone, kept) = rows.split_at_checked(excess).unwrap_or((&rows, &[]));
            evicted = gone.len() as u64;
            if let Some(archive) = archive.as_deref_mut() {
                self.archive(source, gone, archive)?;
            }
            self.copy_rows(source, draft, kept)?;
            Ok(Plan::Replace)
        });
        // Were the log another one, it might be ours: the events stay where they are then, perhaps twice.
        if replaced.is_err()
            && let Some(archive) = archive
            && self.folder.stat(LOG).is_ok_and(|stat| stat.map(|stat| stat.id) == from)
        {
            archive.forget();
        }
        Ok(if replaced? { evicted } else { 0 })
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
        self.rewrite(&mut |_, draft| {
            draft.lines(lines).map_err(|error| self.folder.failed("write", draft.name(), &error))?;
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
