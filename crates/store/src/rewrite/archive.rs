//! The rewriter's part in archiving: it makes evictions, and sees to those that dead processes left.
//!
//! Invariant: an eviction is on the disk, under its name, before its log may be replaced.

use crate::archive::ArchivePlace;
use crate::archive::eviction::Eviction;
use crate::archive::month::{check_room, take_in_all};
use crate::archive::undecided::decide;
use crate::error::{Error, Result};
use crate::log::draft::Draft;
use crate::paths::{EvictionState, eviction, eviction_of};
use crate::rewrite::rewriter::{Plan, Rewriter, Source};

impl Rewriter<'_> {
    /// Brings the events that a draft lacks onto the disk, for an archive.
    pub(crate) fn evict_into(
        &self,
        source: &Source,
        draft: &Draft,
        rows: &[u32],
        place: &ArchivePlace,
    ) -> Result<Plan> {
        let (Some(log), Some(stat)) = (&source.log, &source.stat) else { return Ok(Plan::Replace) };
        let new = draft.file().stat().map_err(|error| self.folder.failed("fstat", draft.name(), &error))?.id;
        let name = eviction("*", EvictionState::Draft);
        let mut eviction = Eviction::create(self.folder, place, stat.id, new)
            .map_err(|error| self.folder.failed("open", &name, &error))?;
        let taken = eviction
            .take(self.folder, &**log, &source.logged.columns, rows)
            .map_err(|error| self.folder.failed("write", eviction.name(), &error))
            .and_then(|()| {
                let named = self.folder.make_names_durable(&self.patience());
                named.map_err(|error| Error::io("fsync", self.folder.path(), &error))
            })
            .and_then(|()| check_room(&place.folder(self.folder)?, eviction.length()));
        if taken.is_err() {
            eviction.discard(self.folder);
        }
        taken.map(|()| Plan::Evict(Box::new(eviction)))
    }

    /// Decides about the evictions of processes that died, and takes those that have happened into their archives.
    pub(crate) fn finish_evictions(&self) -> Result<()> {
        let names = match self.folder.list() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            names => names.map_err(|error| Error::io("scandir", self.folder.path(), &error))?,
        };
        let states: Vec<_> =
            names.iter().filter_map(|name| eviction_of(name)).map(|(_, state)| state).collect();
        if states.iter().any(|state| *state != EvictionState::Happened) {
            let patience = self.patience();
            let mut tenure = self.take(&patience)?;
            tenure.begin_afresh(self.folder, &patience)?;
            let decided = decide(self.folder);
            tenure.end(self.folder);
            decided?;
        }
        if states.is_empty() { Ok(()) } else { take_in_all(self.folder, self.caller) }
    }
}
