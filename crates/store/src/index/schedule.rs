//! When `index.json` is written.
//!
//! ```text
//! the first append of a folder   creates it, in the call
//! later appends                  it follows in the background within 50 ms, once for all of them
//! flush, rewrites, close         bring it up to date, at any size, whichever process left it behind
//! getStats, the lock calls       bring a small one up to date if the folder is free at that instant
//! exit                           the same, if it has not been updated for a second
//! ```
//!
//! Invariant: it never goes back: it is written by the holder of the folder lock, and only if no other process
//! wrote it since its content was gathered. What grows with the log or with its tasks is done with the folder
//! free.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::disk::Stat;
use crate::error::{Obstacle, Result};
use crate::folder::Folder;
use crate::hints::summary::Summary;
use crate::index::index_file::{IndexDraft, empty, render};
use crate::limits::INLINE_WAIT;
use crate::log::tenure::Tenure;
use crate::log::views::Views;
use crate::paths::{INDEX, LOG};
use crate::wait::baton::Baton;
use crate::wait::patience::Patience;

/// How often it is tried again when another process wrote it meanwhile.
const ATTEMPTS: usize = 3;
/// At exit it is only written if it has not been updated for so long.
const DUE_AT_EXIT: Duration = Duration::from_secs(1);

/// See the head of this file.
pub(crate) struct IndexSchedule {
    folder: Folder,
    tenure: Arc<Baton<Tenure>>,
    views: Arc<Views>,
    /// Whether it lacks something that this process wrote.
    behind: AtomicBool,
    /// Whether it was looked for.
    exists: AtomicBool,
    /// The log for which it was last found to be behind.
    found_behind: Baton<Option<Stat>>,
    /// The sums with all tasks, for a store with many.
    all_tasks: Baton<Summary>,
}

impl IndexSchedule {
    pub(crate) fn new(folder: &Folder, tenure: &Arc<Baton<Tenure>>, views: &Arc<Views>) -> Self {
        Self {
            folder: folder.clone(),
            tenure: Arc::clone(tenure),
            views: Arc::clone(views),
            behind: AtomicBool::new(false),
            exists: AtomicBool::new(false),
            found_behind: Baton::new(&folder.background().time, None),
            all_tasks: Baton::new(&folder.background().time, Summary::of_all_tasks()),
        }
    }

    /// Something was written to the log, in the caller's own thread.
    pub(crate) fn log_grew(&self) {
        self.behind.store(true, Ordering::Release);
        if !self.exists.load(Ordering::Relaxed) {
            self.create_if_missing();
        }
    }

    /// It says something else than the log.
    pub(crate) fn mark_behind(&self) {
        self.behind.store(true, Ordering::Release);
    }

    /// Whether it lacks something that this process wrote.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind.load(Ordering::Acquire)
    }

    /// Looks whether another process wrote to the log and ended before it followed: it is then older than the log. One
    /// that is missing is left to the next append.
    ///
    /// A log that has not changed since is not found twice: where the log's time lies in the future, as after the
    /// clock went back, the file stays the older one however often it is written.
    pub(crate) fn notice_if_behind(&self) {
        let stat = |name| self.folder.stat(name).ok().flatten();
        if !self.is_behind()
            && let (Some(index), Some(log)) = (stat(INDEX), stat(LOG))
            // Of the same tick of the clock: it is not known which came last.
            && index.modified_ns <= log.modified_ns
            && let Some(mut found) = self.found_behind.try_take()
            && *found != Some(log)
        {
            *found = Some(log);
            self.mark_behind();
        }
    }

    /// It was brought up to date with the log, as it is now.
    pub(crate) fn mark_current(&self) {
        self.behind.store(false, Ordering::Release);
        self.exists.store(true, Ordering::Relaxed);
    }

    /// Other programs look for it as soon as there is a log.
    fn create_if_missing(&self) {
        self.exists.store(true, Ordering::Relaxed);
        if self.folder.stat(INDEX).is_ok_and(|stat| stat.is_some()) {
            return;
        }
        if let Some(mut tenure) = self.tenure.take_soon() {
            let _ = self.write_small(&mut tenure, &self.folder.patience(INLINE_WAIT));
        }
    }

    /// Brings a small one up to date if it is behind and the folder is free at this instant.
    pub(crate) fn try_at_once(&self) {
        if self.is_behind()
            && let Some(mut tenure) = self.tenure.try_take()
        {
            let _ = self.write_small(&mut tenure, &self.folder.patience(Duration::ZERO));
        }
    }

    /// The same before the process ends, if the file is old enough. With many tasks it is left to others: a hook need
    /// not take the folder to learn it a second time.
    pub(crate) fn at_exit(&self) {
        let many = self.tenure.try_take().is_some_and(|tenure| tenure.checkpoint.summary.has_many_tasks());
        if many {
            return;
        }
        let now_ns = self.folder.now_ms().saturating_mul(1_000_000);
        let is_fresh = |modified_ns: u64| now_ns.abs_diff(modified_ns) < nanoseconds(DUE_AT_EXIT);
        if self.folder.stat(INDEX).is_ok_and(|stat| stat.is_none_or(|stat| !is_fresh(stat.modified_ns))) {
            self.try_at_once();
        }
    }

    /// Writes it from the checkpoint's sums, if these hold all tasks and are there in passing.
    fn write_small(&self, tenure: &mut Tenure, patience: &Patience) -> Result<()> {
        if self.is_gone() {
            self.behind.store(false, Ordering::Release);
            return Ok(());
        }
        tenure.begin(&self.folder, patience)?;
        let result = match tenure.sum_up(&self.folder) {
            Ok(true) => self.write_from(&tenure.checkpoint.summary),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        tenure.end(&self.folder);
        result
    }

    fn write_from(&self, summary: &Summary) -> Result<()> {
        let Some(tasks) = &summary.tasks else { return Ok(()) };
        IndexDraft::create(&self.folder, render(summary, tasks))?.install()?;
        self.mark_current();
        Ok(())
    }

    /// Brings it up to date, at any size.
    pub(crate) fn bring_up_to_date(&self, patience: &Patience) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if !self.is_behind() || self.attempt(patience)? {
                break;
            }
        }
        Ok(())
    }

    /// Returns whether to leave it at that; if not, another process has just written it.
    fn attempt(&self, patience: &Patience) -> Result<bool> {
        if self.is_gone() {
            self.behind.store(false, Ordering::Release);
            return Ok(true);
        }
        let stat = || self.folder.stat(INDEX).map_err(|error| self.folder.failed("stat", INDEX, &error));
        let before = stat()?;
        let Some(gathered) = self.gather(patience)? else { return Ok(true) };
        let no_tasks = columns::Interner::default();
        let text = render(&gathered, gathered.tasks.as_ref().unwrap_or(&no_tasks));
        let mut draft = IndexDraft::create(&self.folder, text)?;
        let Some(mut tenure) = self.tenure.take(patience) else {
            return Err(self.folder.busy(LOG, patience, Obstacle::ThisProcess));
        };
        tenure.begin(&self.folder, patience)?;
        let result = (|| {
            if stat()? != before {
                return Ok(false);
            }
            let offset = gathered.mark.offset;
            tenure.adopt(&self.folder, gathered.clone().without_many_tasks())?;
            let sums = &tenure.checkpoint.summary;
            if let Some(tasks) = sums.tasks.as_ref().filter(|_| sums.mark.offset >= offset) {
                draft.say(render(sums, tasks))?;
            }
            let complete = sums.tasks.is_some() || sums.mark.offset == offset;
            draft.install()?;
            self.exists.store(true, Ordering::Relaxed);
            self.behind.store(!complete, Ordering::Release);
            Ok(true)
        })();
        tenure.end(&self.folder);
        result
    }

    /// The sums with the tasks, however many these are; `None` if there is no log.
    fn gather(&self, patience: &Patience) -> Result<Option<Summary>> {
        let Some(log) = self.folder.open_log()? else { return Ok(None) };
        let (sums, _) = self.views.sums(&*log, patience)?;
        if sums.tasks.is_some() {
            return Ok(Some(sums));
        }
        self.sums_with_tasks(&*log, patience).map(Some)
    }

    fn sums_with_tasks(&self, log: &dyn crate::disk::File, patience: &Patience) -> Result<Summary> {
        let Some(mut sums) = self.all_tasks.take(patience) else {
            return Err(self.folder.busy(LOG, patience, Obstacle::ThisProcess));
        };
        sums.catch_up(log).map_err(|error| self.folder.failed("read", LOG, &error))?;
        Ok(sums.clone())
    }

    /// What it should say of this log; `None`: of an empty one.
    pub(crate) fn expected(
        &self,
        log: Option<&dyn crate::disk::File>,
        patience: &Patience,
    ) -> Result<Vec<u8>> {
        let Some(log) = log else { return Ok(empty()) };
        let sums = self.sums_with_tasks(log, patience)?;
        Ok(sums.tasks.as_ref().map_or_else(empty, |tasks| render(&sums, tasks)))
    }

    /// Gives the memory back.
    pub(crate) fn forget(&self) {
        if let Some(mut sums) = self.all_tasks.try_take() {
            *sums = Summary::of_all_tasks();
        }
    }

    /// Whether the log and `index.json`, or the whole folder, were removed: a courtesy must not bring it back.
    fn is_gone(&self) -> bool {
        [LOG, INDEX].iter().all(|name| self.folder.stat(name).is_ok_and(|stat| stat.is_none()))
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
