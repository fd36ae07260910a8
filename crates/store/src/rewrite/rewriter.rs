//! Replacing the log: compaction, `writeAll`, `save`.
//!
//! ```text
//! a  close a torn tail; read whole lines up to S; write the new log's lines into a draft               (folder free)
//! b  copy whole lines that arrived since S into the draft; fsync it; sum it up; write index.json aside  (folder free)
//! c  lock the folder; if the log is not the one of step a, start again
//! d  record S in the checkpoint, fsync; set malformed lines aside, fsync; in a folder that ships, save what is not
//!    shipped in .events.outbox, fsync; link the log to .events.prev
//! e  copy whole lines that arrived since b into the draft; fsync it; note in .events.moves what went where
//! f  rename the draft to events.ndjson; fsync the folder
//! g  copy the lines that JavaScript programs, which had the old file open, still wrote into it
//! h  remove .events.prev; store the sums; rename index.json; unlock; close the old log, which gives its room back
//! ```
//!
//! A draft may have an eviction with it: at a, the events that it lacks are on the disk for an archive (`archive/`). At
//! d all other evictions are decided, and after f this one has happened. In a folder that ships, the cursor names the
//! new log after f (`ship/`).
//!
//! Appenders wait for c to h only, whose work does not grow with the log (but with what is not shipped, in a folder that
//! ships). A crash before f leaves the old
//! log, a crash after f the new one; `recovery` does what is missing of g and h.
//!
//! Invariant: a line that was in the log at S is in the new log if the plan chose it, and set aside if it is not
//! understood; a line that came after S is in the new log. What can fail is tried before f; after f, a failure is
//! reported as such, or left to the next holder of the folder.

use std::io::ErrorKind;

use columns::Interner;

use crate::archive::eviction::Eviction;
use crate::archive::undecided::decide;
use crate::disk::{File, FileId, Open, Stat};
use crate::error::{Error, Obstacle, Result};
use crate::folder::{Folder, is_out_of_room};
use crate::hints::checkpoint::{Checkpoint, Rewrite};
use crate::hints::moves::{Moves, Planned};
use crate::hints::summary::Summary;
use crate::index::index_file::{IndexDraft, render};
use crate::index::schedule::IndexSchedule;
use crate::limits::{DRAIN_WAIT, FOLDER_WAIT};
use crate::log::draft::Draft;
use crate::log::group_commit::GroupCommit;
use crate::log::late_lines::copy_into;
use crate::log::log_columns::LogColumns;
use crate::log::open_log::Log;
use crate::log::recovery::{Leftover, drain, keep_open, remove_drafts, remove_previous};
use crate::log::rejected::{self, set_aside};
use crate::log::tenure::Tenure;
use crate::log::views::Views;
use crate::paths::{CHECKPOINT, LOG, PREVIOUS};
use crate::ship::rescue::Rescue;
use crate::wait::baton::{Baton, Held};
use crate::wait::patience::{Caller, Patience};

/// How often a rewrite whose log was replaced meanwhile starts again.
const ATTEMPTS: usize = 100;
/// Step b is repeated until less than this is left for step e, but not more often than …
const LATE: u64 = 64 << 10;
/// … so many times: writers may be faster than the copying.
const ROUNDS: usize = 10;

/// The log that a rewrite starts from.
pub(crate) struct Source {
    /// The open log; `None` if there is none yet.
    pub(crate) log: Option<Box<dyn File>>,
    /// Its columns; no row is an unterminated line.
    pub(crate) logged: LogColumns,
    /// What it was when it was read.
    pub(crate) stat: Option<Stat>,
}

/// What the plan of a rewrite says.
pub(crate) enum Plan {
    /// The draft holds the new log's lines, each of them from the old one.
    Replace,
    /// The draft holds the new log's lines, of which some may never have been in a log.
    Edit,
    /// As [`Plan::Replace`]; the events that it lacks are on the disk for an archive.
    Evict(Box<Eviction>),
    /// The log may stay as it is.
    Leave,
}

/// Writes the lines of the new log into the draft. May be called several times, each time with a fresh draft.
pub(crate) type Compose<'a> = &'a mut dyn FnMut(&Source, &mut Draft) -> Result<Plan>;

/// One rewrite; see the head of this file.
pub(crate) struct Rewriter<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) tenure: &'a Baton<Tenure>,
    pub(crate) views: &'a Views,
    pub(crate) index: &'a IndexSchedule,
    pub(crate) commit: &'a GroupCommit,
    pub(crate) caller: &'a Caller,
}

/// What a plan has made.
struct Composed {
    draft: Draft,
    eviction: Option<Eviction>,
    /// The draft may hold lines that never were in a log.
    edited: bool,
}

/// What is made beside the draft before the folder is locked.
struct Prepared<'a> {
    /// Lines of the draft from here on are copies of late lines.
    kept: u64,
    /// The part before that may hold lines that never were in a log.
    edited: bool,
    /// How much of the source is in the draft, or was not chosen.
    upto: u64,
    sums: Summary,
    index: Option<IndexDraft<'a>>,
}

impl<'a> Rewriter<'a> {
    /// Replaces the log by what `compose` writes into the draft. Returns whether it was replaced.
    pub(crate) fn rewrite(&self, compose: Compose<'_>) -> Result<bool> {
        for _ in 0..ATTEMPTS {
            let source = self.source()?;
            let Some(Composed { mut draft, mut eviction, edited }) = self.compose(&source, compose)? else {
                return Ok(false);
            };
            let replaced = self
                .prepare(&source, &mut draft, edited)
                .and_then(|prepared| self.try_replace(source, &mut draft, &mut eviction, prepared));
            if !matches!(replaced, Ok(true)) {
                // In this order: the identity of a draft means something for as long as its eviction is there.
                discard(eviction, self.folder);
                draft.discard(self.folder);
            }
            if replaced? {
                return Ok(true);
            }
        }
        Err(Error::Busy { path: self.folder.path().to_owned(), waited_ms: 0, by: Obstacle::Changes })
    }

    pub(crate) fn patience(&self) -> Patience {
        self.folder.patience_of(self.caller, FOLDER_WAIT)
    }

    pub(crate) fn take(&self, patience: &Patience) -> Result<Held<'a, Tenure>> {
        self.tenure.take(patience).ok_or_else(|| self.folder.busy(LOG, patience, Obstacle::ThisProcess))
    }

    /// Step a, up to the reading.
    fn source(&self) -> Result<Source> {
        let Some(log) = self.folder.open_log()? else {
            return Ok(Source { log: None, logged: LogColumns::default(), stat: None });
        };
        self.close_torn_tail()?;
        let patience = self.patience();
        let logged = self.views.columns_of(&*log, &patience)?.without_tail();
        let stat = log.stat().map_err(|error| self.folder.failed("fstat", LOG, &error))?;
        Ok(Source { log: Some(log), logged, stat: Some(stat) })
    }

    fn close_torn_tail(&self) -> Result<()> {
        let patience = self.patience();
        let mut tenure = self.take(&patience)?;
        tenure.begin_afresh(self.folder, &patience)?;
        let healed = tenure.log.as_mut().map_or(Ok(()), Log::heal);
        tenure.end_quickly(self.folder);
        match healed {
            // What cannot grow any more can still be rewritten: the tail is a late line then.
            Err(failed) if !is_out_of_room(&failed.error) => {
                Err(self.folder.failed(failed.syscall, LOG, &failed.error))
            }
            _ => Ok(()),
        }
    }

    /// Step a, the writing. `None` if the log may stay as it is.
    fn compose(&self, source: &Source, compose: Compose<'_>) -> Result<Option<Composed>> {
        self.folder.create_folder().map_err(|error| Error::io("mkdir", self.folder.path(), &error))?;
        let mut draft = Draft::create(self.folder, source.stat.as_ref())
            .map_err(|error| self.folder.failed("open", LOG, &error))?;
        let plan = compose(source, &mut draft);
        let flushed = draft.flush().map_err(|error| self.folder.failed("write", draft.name(), &error));
        let (eviction, edited) = match (plan, flushed) {
            (Ok(Plan::Replace), Ok(())) => (None, false),
            (Ok(Plan::Edit), Ok(())) => (None, true),
            (Ok(Plan::Evict(eviction)), Ok(())) => (Some(*eviction), false),
            (plan, flushed) => {
                let (plan, eviction) = match plan {
                    Ok(Plan::Evict(eviction)) => (Ok(()), Some(*eviction)),
                    plan => (plan.map(drop), None),
                };
                discard(eviction, self.folder);
                draft.discard(self.folder);
                return plan.and(flushed).map(|()| None);
            }
        };
        Ok(Some(Composed { draft, eviction, edited }))
    }

    /// Step b.
    fn prepare(&self, source: &Source, draft: &mut Draft, edited: bool) -> Result<Prepared<'a>> {
        let mut sums = Summary::of_all_tasks();
        let (kept, mut upto) = (draft.length(), source.logged.mark.offset);
        for _ in 0..ROUNDS {
            let Some(log) = &source.log else { break };
            let size = log.stat().map_err(|error| self.folder.failed("fstat", LOG, &error))?.size;
            if size.saturating_sub(upto) < LATE {
                break;
            }
            upto = self.copy_late(&**log, upto, draft)?;
        }
        self.store(draft)?;
        sums.catch_up(draft.file()).map_err(|error| self.folder.failed("read", draft.name(), &error))?;
        let no_tasks = Interner::default();
        let text = render(&sums, sums.tasks.as_ref().unwrap_or(&no_tasks));
        // A courtesy: a rewrite goes on without it.
        let index = IndexDraft::create(self.folder, text).ok();
        Ok(Prepared { kept, edited, upto, sums: sums.without_many_tasks(), index })
    }

    /// Copies whole lines of the old log from `from` on into the draft. Returns where they ended.
    fn copy_late(&self, old: &dyn File, from: u64, draft: &mut Draft) -> Result<u64> {
        copy_into(draft, old, from)
            .and_then(|end| draft.flush().map(|()| end))
            .map_err(|error: std::io::Error| self.folder.failed("write", draft.name(), &error))
    }

    /// Puts the draft onto stable storage.
    fn store(&self, draft: &mut Draft) -> Result<()> {
        draft.flush().map_err(|error| self.folder.failed("write", draft.name(), &error))?;
        draft.sync().map_err(|error| self.folder.failed("fsync", draft.name(), &error))
    }

    /// Steps c to h; `false` if the log is not the one that the draft was made from.
    fn try_replace(
        &self,
        mut source: Source,
        draft: &mut Draft,
        eviction: &mut Option<Eviction>,
        prepared: Prepared<'a>,
    ) -> Result<bool> {
        let _slow = self.tenure.slow();
        let patience = self.patience();
        let mut tenure = self.take(&patience)?;
        let replaced = tenure.begin_afresh(self.folder, &patience).and_then(|()| {
            let same = self.is_current(&tenure, &source)?;
            if same {
                self.replace(&mut tenure, &mut source, draft, eviction, prepared).map(|()| true)
            } else {
                Ok(false)
            }
        });
        tenure.end(self.folder);
        replaced
    }

    /// Whether the log is still the one that the draft was made from.
    fn is_current(&self, tenure: &Tenure, source: &Source) -> Result<bool> {
        let Some(log) = &tenure.log else { return Ok(false) };
        match source.stat {
            Some(made_from) => {
                let stat = log.file.stat().map_err(|error| self.folder.failed("fstat", LOG, &error))?;
                let mark = source.logged.mark;
                Ok(made_from.id == log.id
                    && mark
                        .recognises(&*log.file, &stat)
                        .map_err(|error| self.folder.failed("read", LOG, &error))?)
            }
            // There was none; `begin` has just made one. Anything in it arrived since.
            None => Ok(true),
        }
    }

    /// Steps d to h. The folder lock is held.
    fn replace(
        &self,
        tenure: &mut Tenure,
        source: &mut Source,
        draft: &mut Draft,
        eviction: &mut Option<Eviction>,
        prepared: Prepared<'a>,
    ) -> Result<()> {
        let folder = self.folder;
        let Prepared { kept, edited, upto, mut sums, index } = prepared;
        let Some(previous) = tenure.log.as_ref().map(|log| log.id) else { return Ok(()) };
        // A program is still writing into the log that the last rewrite replaced. Its record must stay, or
        // what that rewrite evicted would come back. It may also be the second name that a refused rewrite could
        // not remove.
        let second_name = folder.stat(PREVIOUS).map_err(|error| folder.failed("stat", PREVIOUS, &error))?;
        if second_name.is_some_and(|stat| stat.id != previous) {
            return Err(Error::Busy { path: folder.path_of(PREVIOUS), waited_ms: 0, by: Obstacle::Writer });
        }
        decide(folder)?;
        let rewrite = Rewrite { previous, from: source.logged.mark.offset, kept, rejected: 0 };
        let rewrite = self.record(tenure, rewrite)?;
        if let Some(log) = &source.log {
            set_aside(folder, &**log, source.logged.columns.malformed(), Some(rewrite.rejected))?;
        }
        let rescue = Rescue::begin(folder, source)?;
        // Without hard links the old log lives on in our descriptor alone: a crash in the next instants could
        // then lose what JavaScript programs write into it meanwhile.
        let linked = match folder.link(LOG, PREVIOUS) {
            Ok(()) => true,
            Err(_) if second_name.is_some() => true,
            Err(error) if has_no_links(&error) => false,
            Err(error) => return Err(folder.failed("link", PREVIOUS, &error)),
        };
        let held = self.hold_old(previous);
        let copied = match &tenure.log {
            Some(log) => self.copy_late(&*log.file, upto, draft),
            None => Ok(upto),
        };
        let copied = copied.and_then(|upto| self.store(draft).map(|()| upto));
        if let (Ok(upto), Some(log)) = (&copied, &tenure.log) {
            // A hint to those who follow the log; a rewrite goes on without it.
            let _ = self.note_moves(&*log.file, source, draft, (kept, *upto), &mut sums);
        }
        // Not every system replaces a file that is open; and our own descriptor for writing would keep the old log
        // looking busy.
        source.log = None;
        tenure.log = None;
        let renamed = copied.and_then(|upto| {
            if let Some(eviction) = eviction {
                let named = eviction.may_happen(folder);
                named.map_err(|error| folder.failed("rename", eviction.name(), &error))?;
            }
            let renamed = folder.rename(draft.name(), LOG);
            renamed.map(|()| upto).map_err(|error| folder.failed("rename", LOG, &error))
        });
        let upto = match renamed {
            Ok(upto) => upto,
            Err(error) => {
                if linked && folder.remove(PREVIOUS).is_err() {
                    Self::distrust_copies(tenure, rewrite);
                }
                return Err(error);
            }
        };
        let named = folder.make_names_durable(&self.patience());
        if named.is_ok() {
            self.commit.copied(previous);
            if let Some(eviction) = eviction {
                // Should it fail, the log tells.
                let _ = eviction.has_happened(folder);
            }
        }
        if let Some(rescue) = rescue
            && named.is_ok()
            && let Ok(log) = folder.open(LOG, Open::Read)
        {
            rescue.end(folder, &*log, if edited { 0 } else { kept });
        }
        let finished = self.finish(tenure, held, Rewrite { from: upto, ..rewrite }, linked, sums, index);
        if finished.is_err() {
            // The next holder of the folder reads the record and compares, as after a crash: what came since S
            // is in the new log.
            tenure.rewrite = None;
            tenure.checkpoint = Checkpoint::default();
        }
        named.map_err(|error| Error::Unconfirmed { path: folder.path_of(LOG), reason: error.to_string() })
    }

    /// Step e, the note. The second part of the new log begins at `kept`, and ends with what stood before `upto` in the
    /// old one.
    fn note_moves(
        &self,
        log: &dyn File,
        source: &Source,
        draft: &Draft,
        (kept, upto): (u64, u64),
        sums: &mut Summary,
    ) -> std::io::Result<()> {
        sums.catch_up(draft.file())?;
        let planned = Planned {
            old: (log, log.stat()?),
            new: draft.file(),
            selected: source.logged.mark.offset,
            kept,
            upto,
            source: source.logged.columns.len() as u64,
            late: sums.events.saturating_sub(draft.origins.events()),
            origins: &draft.origins,
        };
        Moves::record(self.folder, &planned)
    }

    /// The second name of the log stays though the rewrite failed. Should a JavaScript program replace the log next,
    /// its log holds no copies of ours behind a certain place.
    fn distrust_copies(tenure: &mut Tenure, rewrite: Rewrite) {
        tenure.checkpoint.rewrite = Some(Rewrite { kept: 0, ..rewrite });
        if let Some((checkpoint, file)) = tenure.checkpoint_and_file() {
            // A hint to the next holder of the folder: it compares in any case.
            let _ = checkpoint.store(file);
        }
    }

    /// The old log, opened by its own name before that leads elsewhere, to ask who still writes to it: on some file
    /// systems the second name is another file to the kernel, and others know no second name. `None` where an open
    /// file could not be replaced.
    fn hold_old(&self, id: FileId) -> Option<Box<dyn File>> {
        if cfg!(windows) {
            return None;
        }
        let file = self.folder.open(LOG, Open::Read).ok()?;
        file.stat().is_ok_and(|stat| stat.id == id).then_some(file)
    }

    /// Step d, the record, durably. Returns it as it stands.
    fn record(&self, tenure: &mut Tenure, mut rewrite: Rewrite) -> Result<Rewrite> {
        let folder = self.folder;
        let failed = |syscall| move |error: std::io::Error| folder.failed(syscall, CHECKPOINT, &error);
        tenure.load_checkpoint(folder)?;
        let before = tenure.checkpoint.rewrite.filter(|before| before.previous == rewrite.previous);
        rewrite.rejected = match before {
            // A rewrite of this log was tried before and failed: its lines may have been set aside already.
            Some(before) => before.rejected,
            None => rejected::length(folder)?,
        };
        tenure.checkpoint.rewrite = Some(rewrite);
        let Some((checkpoint, file)) = tenure.checkpoint_and_file() else { return Ok(rewrite) };
        checkpoint.store(file).map_err(failed("write"))?;
        file.sync().map_err(failed("fsync"))?;
        Ok(rewrite)
    }

    /// Steps g and h.
    fn finish(
        &self,
        tenure: &mut Tenure,
        held: Option<Box<dyn File>>,
        mut previous: Rewrite,
        linked: bool,
        sums: Summary,
        index: Option<IndexDraft<'a>>,
    ) -> Result<()> {
        let folder = self.folder;
        let upto = previous.from;
        let mut new = Log::open(folder)?;
        let old = match held {
            None if linked => Some(
                folder.open(PREVIOUS, Open::Read).map_err(|error| folder.failed("open", PREVIOUS, &error))?,
            ),
            held => held,
        };
        tenure.rewrite = None;
        if let Some(old) = old {
            let wait = folder.patience(DRAIN_WAIT);
            let leftover = drain(folder, &*old, &mut previous.from, &mut new, &wait, None)?;
            let over = leftover == Leftover::Nothing || !linked;
            keep_open(old, &mut tenure.nameless);
            if over && previous.from != upto {
                // What was moved must not be lost by a power cut together with its only other copy.
                new.file.sync().map_err(|error| folder.failed("fsync", LOG, &error))?;
            }
            if over && linked {
                remove_previous(folder)?;
            }
            tenure.rewrite = (!over).then_some(previous);
        }
        tenure.checkpoint.rewrite = tenure.rewrite;
        tenure.log = Some(new);
        let offset = sums.mark.offset;
        tenure.replace_sums(folder, sums)?;
        self.index.mark_behind();
        if let Some(mut index) = index {
            let sums = &tenure.checkpoint.summary;
            let current = match &sums.tasks {
                Some(tasks) => index.say(render(sums, tasks)).is_ok(),
                None => sums.mark.offset == offset,
            };
            if index.install().is_ok() && current {
                self.index.mark_current();
            }
        }
        tenure.nameless.extend(remove_drafts(folder));
        Ok(())
    }
}

fn discard(eviction: Option<Eviction>, folder: &Folder) {
    if let Some(eviction) = eviction {
        eviction.discard(folder);
    }
}

fn has_no_links(error: &std::io::Error) -> bool {
    use ErrorKind::{PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), PermissionDenied | Unsupported | TooManyLinks)
}
