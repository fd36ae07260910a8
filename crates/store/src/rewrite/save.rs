//! `save()` of a ledger: its events replace those it knows, and what others wrote stays.
//!
//! Invariant: every line of the log is in the new log, in the form that the ledger has of it, unless the
//! ledger held its event and dropped it. A line whose event the ledger never held is never touched.

use crate::error::Result;
use crate::log::draft::Draft;
use crate::rewrite::former::Former;
use crate::rewrite::rewriter::{Plan, Rewriter, Source};
use columns::{Holdings, Keys};

impl Rewriter<'_> {
    /// Rewrites the log as the ledger's events in order, followed by every line that the ledger never knew.
    pub(crate) fn save(&self, holdings: &Holdings<'_>) -> Result<()> {
        let known = holdings.known();
        self.rewrite(&mut |source, draft| {
            self.write_holdings(holdings, source, draft)?;
            self.write_unknown(source, &known, draft)?;
            Ok(Plan::Edit)
        })?;
        Ok(())
    }

    fn write_holdings(&self, holdings: &Holdings<'_>, source: &Source, draft: &mut Draft) -> Result<()> {
        let mut former = Former::of(&source.logged.columns, holdings.written());
        holdings.visit(&mut |line| {
            let (origin, old_length) = former.origin_of(line);
            draft
                .line(line, origin, old_length)
                .map_err(|error| self.folder.failed("write", draft.name(), &error))
        })
    }

    fn write_unknown(&self, source: &Source, known: &Keys, draft: &mut Draft) -> Result<()> {
        let columns = &source.logged.columns;
        let rows: Vec<u32> = (0..columns.len())
            .filter(|&row| !known.contains(&columns.key(row)))
            .filter_map(|row| u32::try_from(row).ok())
            .collect();
        self.copy_rows(source, draft, &rows)
    }
}
