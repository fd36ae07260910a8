//! Replacing the log: compaction, `writeAll`, `save`.
//!
//! ```text
//! a  close a torn tail; read whole lines up to S; write the new log's lines into a draft; fsync it          (folder free)
//! b  lock the folder; if the log is not the one of step a, start again
//! c  record S in the checkpoint, fsync; set malformed lines aside, fsync; link the log to .events.prev
//! d  copy whole lines that arrived since S into the draft; fsync it
//! e  rename the draft to events.ndjson; fsync the folder
//! f  copy the lines that JavaScript programs, which had the old file open, still wrote into it
//! g  remove .events.prev; sum up; write index.json; unlock
//! ```
//!
//! Appenders wait for b to g only, whose work does not grow with the log. A crash before e leaves the old
//! log, a crash after e the new one; `recovery` does what is missing of f and g.
//!
//! Invariant: a line that was in the log at S is in the new log if the plan chose it, and set aside if nobody
//! understands it; a line that came after S is in the new log.

use crate::disk::{File, FileId, Open, Stat};
use crate::error::{Error, Result};
use crate::hints::checkpoint;
use crate::lock::folder_lock::path_of;
use crate::log::log_columns::LogColumns;
use crate::paths::{CHECKPOINT, DRAIN_WAIT, FOLDER_WAIT, LOG, PREVIOUS};
use crate::rewrite::draft::Draft;
use crate::rewrite::late_lines::copy_into;
use crate::rewrite::recovery::Leftover;
use crate::store::{Slow, State, Store};

/// How often a rewrite whose log was replaced meanwhile starts again before it keeps this process's other
/// writers out.
const FREE_ATTEMPTS: usize = 3;
/// … and how often then, before it gives up.
const HELD_ATTEMPTS: usize = 100;

/// The log that a rewrite starts from.
pub(crate) struct Source {
    /// The open log; `None` if there is none yet.
    pub(crate) log: Option<Box<dyn File>>,
    /// Its columns; no row is an unterminated line.
    pub(crate) index: LogColumns,
    stat: Option<Stat>,
}

/// What the plan of a rewrite says.
#[derive(PartialEq, Eq)]
pub(crate) enum Plan {
    /// The draft holds the new log's lines.
    Replace,
    /// The log may stay as it is.
    Leave,
}

impl Store {
    /// Replaces the log by what `compose` writes into the draft. `compose` may be called several times, each
    /// time with a fresh draft. Returns whether the log was replaced.
    pub(crate) fn rewrite(
        &self,
        compose: &mut dyn FnMut(&Source, &mut Draft) -> Result<Plan>,
    ) -> Result<bool> {
        for _ in 0..FREE_ATTEMPTS {
            let source = self.source(&mut self.state())?;
            let Some(draft) = self.compose(&source, compose)? else { return Ok(false) };
            if self.try_replace(&mut self.state(), source, draft)? {
                return Ok(true);
            }
        }
        self.rewrite_held(&mut self.state(), compose)
    }

    /// The same while no other thread of this process writes: for those who hold the state already, or whose
    /// log is replaced again and again.
    pub(crate) fn rewrite_held(
        &self,
        state: &mut State,
        compose: &mut dyn FnMut(&Source, &mut Draft) -> Result<Plan>,
    ) -> Result<bool> {
        for _ in 0..HELD_ATTEMPTS {
            let source = self.source(state)?;
            let Some(draft) = self.compose(&source, compose)? else { return Ok(false) };
            if self.try_replace(state, source, draft)? {
                return Ok(true);
            }
        }
        Err(Error::Busy { path: self.folder.path().to_owned(), waited_ms: 0 })
    }

    /// Steps b to g; `false` if the log is not the one that the draft was made from. A draft that was not
    /// used is removed.
    fn try_replace(&self, state: &mut State, mut source: Source, mut draft: Draft) -> Result<bool> {
        let _slow = Slow::begin(&self.slow);
        let replaced = self.begin_afresh(state).and_then(|()| {
            let same = self.is_current(state, &source)?;
            if same { self.replace(state, &mut source, &mut draft).map(|()| true) } else { Ok(false) }
        });
        self.end(state);
        if !matches!(replaced, Ok(true)) {
            draft.discard(&self.folder);
        }
        replaced
    }

    /// Step a, up to the reading.
    fn source(&self, state: &mut State) -> Result<Source> {
        let Some(log) = self.open_log()? else {
            return Ok(Source { log: None, index: LogColumns::default(), stat: None });
        };
        self.begin_afresh(state)?;
        let healed = match &mut state.log {
            Some(log) => log.heal().map_err(|failed| self.at(failed.syscall, LOG, &failed.error)),
            None => Ok(()),
        };
        self.end_quickly(state);
        healed?;
        let index = self.index_of(&*log)?.without_tail();
        let stat = log.stat().map_err(|error| self.at("fstat", LOG, &error))?;
        Ok(Source { log: Some(log), index, stat: Some(stat) })
    }

    /// Takes the folder lock anew, so that the open log is the current one even under a lease.
    fn begin_afresh(&self, state: &mut State) -> Result<()> {
        if state.log.is_some() {
            self.end_quickly(state);
        }
        self.begin(state, FOLDER_WAIT)
    }

    /// Step a, the writing. `None` if the log may stay as it is.
    fn compose(
        &self,
        source: &Source,
        compose: &mut dyn FnMut(&Source, &mut Draft) -> Result<Plan>,
    ) -> Result<Option<Draft>> {
        self.folder.create_folder().map_err(|error| Error::io("mkdir", self.folder.path(), &error))?;
        let mut draft = Draft::create(&self.folder, source.stat.as_ref())
            .map_err(|error| self.at("open", LOG, &error))?;
        let result = compose(source, &mut draft).and_then(|plan| {
            if plan == Plan::Replace {
                self.store_draft(&mut draft)?;
            }
            Ok(plan)
        });
        if matches!(result, Ok(Plan::Replace)) {
            return Ok(Some(draft));
        }
        draft.discard(&self.folder);
        result.map(|_| None)
    }

    /// Puts the draft onto stable storage.
    fn store_draft(&self, draft: &mut Draft) -> Result<()> {
        draft.flush().map_err(|error| self.at("write", draft.name(), &error))?;
        draft.sync().map_err(|error| self.at("fsync", draft.name(), &error))
    }

    /// Whether the log is still the one that the draft was made from.
    fn is_current(&self, state: &State, source: &Source) -> Result<bool> {
        let Some(log) = &state.log else { return Ok(false) };
        match source.stat {
            Some(made_from) => {
                let stat = log.file.stat().map_err(|error| self.at("fstat", LOG, &error))?;
                let mark = source.index.mark;
                Ok(made_from.id == log.id
                    && mark.recognises(&*log.file, &stat).map_err(|error| self.at("read", LOG, &error))?)
            }
            // There was none; `begin` has just made one. Anything in it arrived since.
            None => Ok(true),
        }
    }

    /// Steps c to g. The folder lock is held.
    fn replace(&self, state: &mut State, source: &mut Source, draft: &mut Draft) -> Result<()> {
        // A program is still writing into the log that the last rewrite replaced. Its record must stay, or
        // what that rewrite evicted would come back.
        let second_name = self.folder.stat(PREVIOUS).map_err(|error| self.at("stat", PREVIOUS, &error))?;
        let from = source.index.mark.offset;
        let State { lock: Some(lock), checkpoint, log, .. } = &mut *state else { return Ok(()) };
        let Some(old) = log else { return Ok(()) };
        // It may also be the second name that a refused rewrite could not remove.
        if second_name.is_some_and(|previous| previous.id != old.id) {
            return Err(Error::Busy { path: path_of(&self.folder, PREVIOUS), waited_ms: 0 });
        }
        let file = &*lock.checkpoint;
        let previous = checkpoint::Rewrite { previous: old.id, from, kept: draft.length() };
        if !checkpoint.is_current(file).unwrap_or(false) {
            *checkpoint = checkpoint::Checkpoint::load(file, self.folder.boot())
                .map_err(|error| self.at("read", CHECKPOINT, &error))?;
        }
        let tried_before = checkpoint.rewrite.is_some_and(|rewrite| rewrite.previous == old.id);
        checkpoint.rewrite = Some(previous);
        checkpoint.store(file).map_err(|error| self.at("write", CHECKPOINT, &error))?;
        file.sync().map_err(|error| self.at("fsync", CHECKPOINT, &error))?;
        if let Some(log) = &source.log {
            self.set_aside(&**log, source.index.columns.malformed(), tried_before)?;
        }
        // Without hard links the old log lives on in our descriptor alone: a crash in the next instants could
        // then lose what JavaScript programs write into it meanwhile.
        let linked = match self.folder.link(LOG, PREVIOUS) {
            Ok(()) => true,
            Err(_) if second_name.is_some() => true,
            Err(error) if has_no_links(&error) => false,
            Err(error) => return Err(self.at("link", PREVIOUS, &error)),
        };
        let held = self.hold_old(old.id);
        let copied = copy_into(draft, &*old.file, from)
            .map_err(|error| self.at("write", draft.name(), &error))
            .and_then(|upto| self.store_draft(draft).map(|()| upto));
        // Not every system replaces a file that is open; and our own descriptor for writing would keep the old
        // log looking busy.
        source.log = None;
        *log = None;
        let renamed = copied.and_then(|upto| {
            self.folder.rename(draft.name(), LOG).map_err(|error| self.at("rename", LOG, &error))?;
            Ok(upto)
        });
        let upto = match renamed {
            Ok(upto) => upto,
            Err(error) => {
                if linked && self.folder.remove(PREVIOUS).is_err() {
                    // The name stays. Should a JavaScript program replace the log next, its log holds no copies
                    // of ours behind a certain place.
                    checkpoint.rewrite = Some(checkpoint::Rewrite { kept: 0, ..previous });
                    let _ = checkpoint.store(file);
                }
                return Err(error);
            }
        };
        let named = self.folder.sync_folder().map_err(|error| Error::io("fsync", self.folder.path(), &error));
        if named.is_ok() {
            self.commit.copied(previous.previous);
        }
        let finished = self.finish_replacing(state, held, previous, upto, linked);
        if finished.is_err() {
            // Whoever goes on must read the record and compare, as after a crash: what came since S is in the
            // new log.
            state.checkpoint = checkpoint::Checkpoint::default();
        }
        named.and(finished)
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

    /// Steps f and g.
    fn finish_replacing(
        &self,
        state: &mut State,
        held: Option<Box<dyn File>>,
        mut previous: checkpoint::Rewrite,
        upto: u64,
        linked: bool,
    ) -> Result<()> {
        let mut new = crate::log::open_log::Log::open(&self.folder)?;
        let old = match held {
            None if linked => Some(
                self.folder.open(PREVIOUS, Open::Read).map_err(|error| self.at("open", PREVIOUS, &error))?,
            ),
            held => held,
        };
        state.checkpoint.rewrite = None;
        if let Some(old) = old {
            previous.from = upto;
            let leftover = self.drain_old(&*old, &mut previous.from, &mut new, DRAIN_WAIT, None)?;
            drop(old);
            let over = leftover == Leftover::Nothing || !linked;
            if over && previous.from != upto {
                // What was moved must not be lost by a power cut together with its only other copy.
                new.file.sync().map_err(|error| self.at("fsync", LOG, &error))?;
            }
            if over && linked {
                self.remove_previous()?;
            }
            state.checkpoint.rewrite = (!over).then_some(previous);
        }
        state.log = Some(new);
        state.checkpoint.start_anew();
        self.sum_up(state, None)?;
        state.index_behind = true;
        if state.checkpoint.summary.tasks.is_none() {
            let _ = self.write_large_index(state);
        } else {
            let _ = self.write_small_index_from(state);
        }
        self.remove_drafts();
        Ok(())
    }
}

fn has_no_links(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{PermissionDenied, TooManyLinks, Unsupported};
    matches!(error.kind(), PermissionDenied | Unsupported | TooManyLinks)
}
