//! One folder: what all the store objects, ledgers and worker threads of a process share.
//!
//! This file puts the parts together and offers the calls. Those that may wait say so; they are for the threads
//! of a strand ([`Store::writing`], [`Store::rewriting`], [`Store::scanning`]), never for a thread that others
//! share.
//!
//! Invariant: each part owns its state; the baton of the folder is taken before any other lock, and none but a
//! baton is held over a call of the disk.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use columns::Holdings;

use crate::archive::{ArchivePlace, Retention};
use crate::chores::Chores;
use crate::disk::Disk;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::index::schedule::IndexSchedule;
use crate::limits::{FOLDER_WAIT, INLINE_WAIT};
use crate::lock::look;
use crate::log::appender::{Appended, Appender};
use crate::log::group_commit::Durability;
use crate::log::queue::{OnFault, Ticket};
use crate::log::tenure::Tenure;
use crate::log::views::Views;
use crate::paths::LOG;
use crate::rewrite::compaction::excess;
use crate::rewrite::rewriter::Rewriter;
use crate::wait::background::Background;
use crate::wait::baton::Baton;
use crate::wait::patience::{Caller, Ending};
use crate::wait::strand::Strand;
use crate::wait::system::SystemTimeAndThreads;

/// One folder. See the head of this file.
pub struct Store {
    pub(crate) folder: Folder,
    pub(crate) tenure: Arc<Baton<Tenure>>,
    pub(crate) appender: Appender,
    pub(crate) views: Arc<Views>,
    pub(crate) index: IndexSchedule,
    pub(crate) chores: Chores,
    /// An fsync failed and the store was opened anew since: the log is copied into a new file before anything
    /// is acknowledged.
    renewal: AtomicBool,
    /// How many lost events were reported at an exit.
    reported: AtomicU64,
    writing: Arc<Strand>,
    rewriting: Arc<Strand>,
    scanning: Arc<Strand>,
}

impl Store {
    /// A folder that need not exist. Touches no disk.
    ///
    /// With `leases`, the folder lock is kept over a burst of appends for about a millisecond, and the owner
    /// must see to it that [`Store::look_after`] is called after each append.
    #[must_use]
    pub fn new(folder: Folder, leases: bool) -> Arc<Self> {
        let background = Arc::clone(folder.background());
        let tenure = Arc::new(Baton::new(&background.time, Tenure::default()));
        let views = Arc::new(Views::new(&folder));
        Arc::new(Self {
            appender: Appender::new(&folder, &tenure, leases),
            index: IndexSchedule::new(&folder, &tenure, &views),
            chores: Chores::default(),
            renewal: AtomicBool::new(false),
            reported: AtomicU64::new(0),
            writing: Strand::new(&background.patient),
            rewriting: Strand::new(&background.patient),
            scanning: Strand::new(&background.long),
            folder,
            tenure,
            views,
        })
    }

    /// The store of a folder that no other store of this process is for, without leases, with threads of its own.
    #[must_use]
    pub fn alone(disk: Arc<dyn Disk>) -> Arc<Self> {
        let background = Background::new(SystemTimeAndThreads::new());
        Self::new(Folder::new(disk, &background), false)
    }

    /// A call that begins now, and whose waits nothing ends before their time.
    #[must_use]
    pub fn caller(&self) -> Caller {
        Caller::new(&*self.folder.background().time, &Ending::default())
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Whether another process keeps all others from writing. Makes and writes nothing.
    ///
    /// # Errors
    /// [`Error::Busy`] if one does for as long as `wait`; whatever the disk says.
    pub fn look_at_folder_lock(&self, wait: Duration) -> Result<()> {
        look::folder_lock(&self.folder, &self.folder.patience(wait))
    }

    /// Whether a program holds `.lock`. Makes and writes nothing, and waits only while it is just being written.
    ///
    /// # Errors
    /// [`Error::Locked`](crate::Error::Locked) if one does; whatever the disk says.
    pub fn look_at_user_lock(&self, wait: Duration) -> Result<()> {
        look::user_lock(&self.folder, &self.folder.patience(wait))
    }

    /// For calls that write, and may have to wait for it.
    #[must_use]
    pub fn writing(&self) -> &Arc<Strand> {
        &self.writing
    }

    /// For calls that replace the log, and may have to wait for it.
    #[must_use]
    pub fn rewriting(&self) -> &Arc<Strand> {
        &self.rewriting
    }

    /// For calls that scan the log.
    #[must_use]
    pub fn scanning(&self) -> &Arc<Strand> {
        &self.scanning
    }

    /// Appends whole lines (each ending in a newline) from the caller's own thread. Takes a few milliseconds at
    /// most.
    ///
    /// # Errors
    /// [`Error::TooLong`](crate::Error::TooLong), [`Error::Backlog`](crate::Error::Backlog); with
    /// [`OnFault::Refuse`] whatever the disk says, and then nothing of it is in the log or will be.
    pub fn append(&self, lines: Vec<u8>, on_fault: OnFault, durability: Durability) -> Result<Appended> {
        let disk = durability == Durability::Disk;
        let renew = self.renewal.load(Ordering::Acquire);
        if disk && on_fault == OnFault::Refuse && !renew {
            self.appender.commit.check_usable(&self.folder)?;
        }
        // Copying the log takes long: it is for the strand.
        let appended = self.appender.append(lines, on_fault, durability, !(disk && renew))?;
        if !matches!(appended, Appended::Queued(_)) {
            self.index.log_grew();
        }
        Ok(appended)
    }

    /// Makes what was appended durable in the caller's own thread, for as long as the fsync takes. Returns
    /// whether that is all that [`Store::settle`] would see to.
    ///
    /// # Errors
    /// The failure of an fsync, this one or an earlier one.
    pub fn sync_inline(&self) -> Result<bool> {
        self.appender.confirm_inline()
    }

    /// Waits until appended lines, those of all tickets in the range, have all that their acceptance promises.
    ///
    /// # Errors
    /// What refused lines of one of the tickets; asked for a single ticket, its lines are then neither in the
    /// log nor in the queue. [`Error::Unsafe`](crate::Error::Unsafe) or the failure of an fsync: they are in the
    /// log, but may not survive a power cut.
    pub fn settle(
        &self,
        tickets: &RangeInclusive<Ticket>,
        durability: Durability,
        caller: &Caller,
    ) -> Result<()> {
        self.renew_if_asked(caller)?;
        let settled = self.appender.settle(tickets, durability, caller);
        self.index.mark_behind();
        settled
    }

    /// Writes all that waits, as durable as asked for, and brings `index.json` up to date.
    ///
    /// # Errors
    /// Whatever the disk says; lines that are to be kept are then still in the queue.
    pub fn flush(&self, durability: Durability, caller: &Caller) -> Result<()> {
        self.renew_if_asked(caller)?;
        let waited = self.waiting_lines() > 0;
        self.appender.flush(durability, caller)?;
        if waited {
            self.index.mark_behind();
        }
        self.index.notice_if_behind();
        // A courtesy to others; the log is what counts.
        let _ = self.index.bring_up_to_date(&self.folder.patience_of(caller, FOLDER_WAIT));
        Ok(())
    }

    /// Whether [`Store::flush`] would find nothing to do. Takes a few milliseconds at most, in which a small
    /// `index.json` is brought up to date.
    #[must_use]
    pub fn is_settled(&self, durability: Durability) -> bool {
        if self.renewal.load(Ordering::Acquire) || !self.appender.is_settled(durability) {
            return false;
        }
        self.index.notice_if_behind();
        self.index.try_at_once();
        !self.index.is_behind()
    }

    /// Best effort before the process ends: what waits is written if the folder can be had within `wait`, a
    /// small `index.json` is brought up to date if it is due.
    pub fn flush_at_exit(&self, wait: Duration) {
        self.appender.flush_at_exit(&self.folder.patience(wait));
        self.index.at_exit();
        if let Some(mut tenure) = self.tenure.try_take()
            && tenure.holds_folder()
        {
            tenure.end(&self.folder);
        }
    }

    /// How many lines are not in the log: those that wait, and those that were refused and whose callers do not know
    /// it yet.
    #[must_use]
    pub fn unwritten_lines(&self) -> u64 {
        self.appender.unwritten_lines()
    }

    /// Why the last attempt to write failed, unless all has been written since.
    #[must_use]
    pub fn fault(&self) -> Option<Error> {
        self.appender.fault()
    }

    /// Whether more events are lost than were reported at the end of this process, or of one of its threads.
    pub fn is_news(&self, lost: u64) -> bool {
        self.reported.fetch_max(lost, Ordering::AcqRel) < lost
    }

    /// How many lines wait to be written.
    #[must_use]
    pub fn waiting_lines(&self) -> u64 {
        self.appender.waiting_lines()
    }

    /// Takes note that the store was opened anew: after a failed fsync, the log is copied into a new file before
    /// anything more is acknowledged.
    pub fn reopen(&self) {
        if self.appender.commit.has_failed() {
            self.renewal.store(true, Ordering::Release);
        }
    }

    fn renew_if_asked(&self, caller: &Caller) -> Result<()> {
        if self.renewal.load(Ordering::Acquire) {
            self.rewriter(caller).renew()?;
            self.appender.commit.renew();
            self.renewal.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// Rewrites after what waits is written, as soon as there are descriptors for it.
    fn rewrite<T>(&self, caller: &Caller, work: impl Fn(Rewriter<'_>) -> Result<T>) -> Result<T> {
        let patience = self.folder.patience_of(caller, FOLDER_WAIT);
        let attempt = || work(self.rewriter_after_appends(caller)?);
        self.folder.with_descriptors(&patience, Error::is_out_of_descriptors, attempt)
    }

    pub(crate) fn rewriter<'a>(&'a self, caller: &'a Caller) -> Rewriter<'a> {
        Rewriter {
            folder: &self.folder,
            tenure: &self.tenure,
            views: &self.views,
            index: &self.index,
            commit: &self.appender.commit,
            caller,
        }
    }

    /// A rewriter, after what waits is written, so that the rewrite does not overtake it.
    fn rewriter_after_appends<'a>(&'a self, caller: &'a Caller) -> Result<Rewriter<'a>> {
        self.renew_if_asked(caller)?;
        self.appender.write_waiting(caller)?;
        self.appender.confirm(Durability::Process, caller)?;
        Ok(self.rewriter(caller))
    }

    /// Evicts the oldest events by timestamp, as many as exceed a limit. Returns how many were evicted; if none,
    /// nothing is written.
    ///
    /// With an archive, they are in it, durably, at the instant at which they leave the log. The folder is free while
    /// they are brought there.
    ///
    /// # Errors
    /// Whatever the disk says; the log is then as it was, and nothing is in the archive.
    /// [`Error::Unconfirmed`](crate::Error::Unconfirmed): it was replaced.
    pub fn retain(
        &self,
        retention: &Retention,
        archive: Option<&ArchivePlace>,
        caller: &Caller,
    ) -> Result<u64> {
        self.rewrite(caller, |rewriter| rewriter.retain(retention, archive))
    }

    /// The same: the newest `keep` events stay.
    ///
    /// # Errors
    /// As [`Store::retain`].
    pub fn compact(&self, keep: u64, caller: &Caller) -> Result<u64> {
        self.retain(&Retention::of_events(keep), None, caller)
    }

    /// Evicts the oldest events by timestamp, `count` of them, however many others append meanwhile. Returns how
    /// many were evicted; if none, nothing is written.
    ///
    /// # Errors
    /// As [`Store::retain`].
    pub fn evict(&self, count: u64, archive: Option<&ArchivePlace>, caller: &Caller) -> Result<u64> {
        self.rewrite(caller, |rewriter| rewriter.evict(count, archive))
    }

    /// How many events [`Store::retain`] would evict. Changes nothing.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn excess(&self, retention: &Retention, caller: &Caller) -> Result<u64> {
        if let Retention { max_events: Some(keep), max_age_ms: None, max_bytes: None } = retention {
            return Ok(self.stats(caller)?.events.saturating_sub(*keep));
        }
        let logged = self.views.snapshot(&self.folder.patience_of(caller, FOLDER_WAIT))?;
        let now = self.folder.now_ms();
        Ok(logged.map_or(0, |(_, logged)| excess(retention, &logged.columns, now) as u64))
    }

    /// Closes a torn tail, sets malformed lines aside, and makes the sums and `index.json` anew; events stay as
    /// they are. Returns how many lines were set aside. What processes that died left on its way to an archive is there
    /// afterwards.
    ///
    /// # Errors
    /// As [`Store::compact`].
    pub fn repair(&self, caller: &Caller) -> Result<u64> {
        self.start_anew(caller)?;
        let rejected = self.rewrite(caller, |rewriter| {
            rewriter.finish_evictions()?;
            rewriter.repair()
        })?;
        self.index.mark_behind();
        self.index.bring_up_to_date(&self.folder.patience_of(caller, FOLDER_WAIT))?;
        Ok(rejected)
    }

    /// Replaces all events that are in the log now by `lines`, each ending in a newline. Events that others
    /// append meanwhile stay.
    ///
    /// # Errors
    /// As [`Store::compact`].
    pub fn replace_all(&self, lines: &[u8], caller: &Caller) -> Result<()> {
        self.rewrite(caller, |rewriter| rewriter.replace_all(lines))
    }

    /// Rewrites the log as the ledger's events in order, followed by every line that the ledger never knew.
    ///
    /// # Errors
    /// As [`Store::compact`].
    pub fn save(&self, holdings: &Holdings<'_>, caller: &Caller) -> Result<()> {
        self.rewrite(caller, |rewriter| rewriter.save(holdings))
    }

    /// Another program changed the log in place, in a way that its length and end do not show: sums and columns
    /// are made anew.
    pub(crate) fn start_anew(&self, caller: &Caller) -> Result<()> {
        let patience = self.folder.patience_of(caller, FOLDER_WAIT);
        self.views.start_anew(&patience);
        self.index.forget();
        let Some(log) = self.folder.open_log()? else { return Ok(()) };
        // For the sake of the other processes; a user without the right to write has done what can be done.
        if let Some(mut tenure) = self.tenure.take(&patience)
            && tenure.begin(&self.folder, &self.folder.patience(INLINE_WAIT)).is_ok()
        {
            let forgotten = tenure.forget_sums(&self.folder);
            tenure.end_quickly(&self.folder);
            drop(tenure);
            if forgotten.is_ok()
                && let Ok((sums, _)) = self.views.sums(&*log, &patience)
                && let Some(mut tenure) = self.tenure.take(&patience)
                && tenure.begin(&self.folder, &self.folder.patience(INLINE_WAIT)).is_ok()
            {
                let _ = tenure.replace_sums(&self.folder, sums);
                tenure.end(&self.folder);
            }
        }
        Ok(())
    }

    /// Gives back what is kept to be fast: descriptors and memory.
    pub fn give_back(&self) {
        if let Some(mut tenure) = self.tenure.try_take() {
            if tenure.holds_folder() {
                tenure.end(&self.folder);
            }
            tenure.give_back();
        }
        self.views.forget();
        self.index.forget();
    }

    /// Gives the descriptors back, unless something is under way.
    pub fn give_descriptors_back(&self) {
        if let Some(mut tenure) = self.tenure.try_take() {
            tenure.give_back();
        }
    }

    /// The path of the log, for messages.
    pub(crate) fn log_path(&self) -> String {
        self.folder.path_of(LOG)
    }
}
