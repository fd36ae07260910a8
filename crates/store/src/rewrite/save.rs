//! `save()` of a ledger: its events replace those it knows, and what others wrote stays.
//!
//! Invariant: every line of the log is in the new log, in the form that the ledger has of it, unless the
//! ledger held its event and dropped it. A line whose event the ledger never held is never touched.

use std::collections::HashSet;

use crate::error::Result;
use crate::log::draft::Draft;
use crate::rewrite::rewriter::{Plan, Rewriter, Source};
use columns::{Sealed, add_keys};

/// What a ledger holds.
pub struct Holdings<'a> {
    /// The loaded events, of which some may be live.
    pub sealed: Option<&'a Sealed>,
    /// Lines of the live events in ledger order, each ending in a newline.
    pub live: &'a [u8],
    /// Index in the ledger of each live event.
    pub positions: &'a [u32],
    /// Identities of events that the ledger held and dropped.
    pub dropped: &'a HashSet<u64>,
}

impl Rewriter<'_> {
    /// Rewrites the log as the ledger's events in order, followed by every line that the ledger never knew.
    pub(crate) fn save(&self, holdings: &Holdings<'_>) -> Result<()> {
        let mut known = holdings.dropped.clone();
        if let Some(sealed) = holdings.sealed {
            sealed.add_keys_to(&mut known);
        }
        add_keys(holdings.live, &mut known);
        self.rewrite(&mut |source, draft| {
            self.write_holdings(holdings, draft)?;
            self.write_unknown(source, &known, draft)?;
            Ok(Plan::Replace)
        })?;
        Ok(())
    }

    fn write_holdings(&self, holdings: &Holdings<'_>, draft: &mut Draft) -> Result<()> {
        let mut next = 0;
        let lines = holdings.live.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        for (line, &position) in lines.zip(holdings.positions) {
            self.write_loaded(holdings, next, position as usize, draft)?;
            draft.line(line).map_err(|error| self.folder.failed("write", draft.name(), &error))?;
            next = position as usize + 1;
        }
        self.write_loaded(holdings, next, usize::MAX, draft)
    }

    fn write_loaded(
        &self,
        holdings: &Holdings<'_>,
        start: usize,
        end: usize,
        draft: &mut Draft,
    ) -> Result<()> {
        let Some(sealed) = holdings.sealed.filter(|_| start < end) else { return Ok(()) };
        sealed.visit_loaded(start, end, &mut |text| {
            draft.line(text).map_err(|error| self.folder.failed("write", draft.name(), &error))
        })
    }

    fn write_unknown(&self, source: &Source, known: &HashSet<u64>, draft: &mut Draft) -> Result<()> {
        let columns = &source.logged.columns;
        let rows: Vec<u32> = (0..columns.len())
            .filter(|&row| !known.contains(&columns.key(row)))
            .filter_map(|row| u32::try_from(row).ok())
            .collect();
        self.copy_rows(source, draft, &rows)
    }
}
