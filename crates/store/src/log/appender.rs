//! Appending: from a line in memory to a line in the log.
//!
//! Every line goes through the queue, and only the holder of the folder's baton takes lines out, so lines of one
//! process are written in the order of their acceptance, whichever thread does the writing. The caller's own
//! thread writes at once if no other holds the folder; otherwise the line waits for [`Appender::settle`] or
//! [`Appender::flush`], which may take their time on a thread of their own.
//!
//! Invariant: [`Appender::append`] takes no longer than a few milliseconds, whatever other threads, processes or
//! the disk's fsync do. While lines wait, it adds to them and tries nothing.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::disk::FileId;
use crate::error::{Error, Obstacle, Result};
use crate::folder::Folder;
use crate::limits::{FOLDER_WAIT, INLINE_WAIT, LOCK_STALE_MS, MAX_LINE};
use crate::log::batch::Batch;
use crate::log::group_commit::{Durability, GroupCommit};
use crate::log::missing_lines::WantedLines;
use crate::log::queue::{Entry, OnFault, Queue, Ticket};
use crate::log::tenure::Tenure;
use crate::paths::{LOCK, LOG};
use crate::wait::baton::{Baton, Held};
use crate::wait::patience::{Caller, Patience, Pauses};
use crate::wait::shared::Shared;

/// Pauses between two looks at a foreign `.lock`.
const PAUSES: Pauses = Pauses(Duration::from_millis(1), Duration::from_millis(5));
/// A foreign `.lock` is waited for until it must be stale, and a little longer.
const PROGRAM_WAIT: Duration = Duration::from_millis(LOCK_STALE_MS as u64 + 1000);

/// What became of appended lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Appended {
    /// Accepted; nothing more to wait for.
    Settled,
    /// In the operating system's hands, but something that belongs to it (an fsync, a JavaScript program's
    /// rewrite) is still to be waited for with [`Store::settle`](crate::Store::settle).
    Written(Ticket),
    /// A ledger's: in the operating system's hands, under a lease. That no JavaScript program's rewrite
    /// missed it is seen at the end of the lease, once for all that was written until then.
    Leased,
    /// Still in the queue.
    Queued(Ticket),
}

/// See the head of this file.
pub(crate) struct Appender {
    folder: Folder,
    tenure: Arc<Baton<Tenure>>,
    queue: Shared<Queue>,
    /// The fsyncs.
    pub(crate) commit: GroupCommit,
    /// Whether lines that shall be on stable storage are not known to be there, under the log's name.
    unconfirmed: AtomicBool,
    /// Why the last attempt to write failed, and since when; `None` after one that wrote all.
    fault: Shared<Option<(Error, Duration)>>,
    /// Whether a burst may keep the folder lock for a moment. The owner then sees to the end of each lease.
    leases: bool,
}

impl Appender {
    pub(crate) fn new(folder: &Folder, tenure: &Arc<Baton<Tenure>>, leases: bool) -> Self {
        Self {
            folder: folder.clone(),
            tenure: Arc::clone(tenure),
            queue: Shared::default(),
            commit: GroupCommit::new(&folder.background().time),
            unconfirmed: AtomicBool::new(false),
            fault: Shared::default(),
            leases,
        }
    }

    /// Appends whole lines (each ending in a newline) from the caller's own thread; without `inline` they are only
    /// queued.
    pub(crate) fn append(
        &self,
        lines: Vec<u8>,
        on_fault: OnFault,
        durability: Durability,
        inline: bool,
    ) -> Result<Appended> {
        let bytes = longest_line(&lines);
        if bytes > MAX_LINE {
            return Err(Error::TooLong { bytes, limit: MAX_LINE });
        }
        let disk = durability == Durability::Disk;
        let queued = self.queue.with(|queue| {
            if queue.is_full_for(lines.len()) {
                return Err(queue.waiting_lines());
            }
            let first = queue.is_empty();
            Ok((queue.push(lines, on_fault, disk), first))
        });
        let (ticket, first) =
            queued.map_err(|waiting| Error::Backlog { path: self.folder.path_of(LOG), waiting })?;
        // If others wait already, trying again at each call would stall the caller for long.
        if !(first && inline) {
            return Ok(Appended::Queued(ticket));
        }
        let Some(mut tenure) = self.tenure.take_soon() else { return Ok(Appended::Queued(ticket)) };
        let patience = self.folder.patience(INLINE_WAIT);
        let result = self.write_queue_in(&mut tenure, &patience, self.leases);
        let settled = !disk && !tenure.programs.may_have_missed();
        let leased = settled && on_fault == OnFault::Keep && tenure.programs.is_due();
        drop(tenure);
        let (refused, waits) =
            self.queue.with(|queue| (queue.take_error(ticket), queue.contains_any(&(ticket..=ticket))));
        match (result, refused) {
            (_, Some(error)) => Err(error),
            (Err(Error::Busy { .. }), None) => Ok(Appended::Queued(ticket)),
            (Err(error), None) if waits => match on_fault {
                OnFault::Keep => Ok(Appended::Queued(ticket)),
                OnFault::Refuse => {
                    self.queue.with(|queue| queue.withdraw(ticket));
                    Err(error)
                }
            },
            _ if leased => Ok(Appended::Leased),
            _ if settled => Ok(Appended::Settled),
            _ => Ok(Appended::Written(ticket)),
        }
    }

    /// Waits until appended lines, those of all tickets in the range, have all that their acceptance promises.
    pub(crate) fn settle(
        &self,
        tickets: &RangeInclusive<Ticket>,
        durability: Durability,
        caller: &Caller,
    ) -> Result<()> {
        let waits = self.queue.with(|queue| queue.contains_any(tickets));
        let drained = if waits { self.write_out(&self.patience(FOLDER_WAIT, caller)) } else { Ok(()) };
        self.queue.with(|queue| queue.settle(tickets, drained))?;
        self.confirm(durability, caller)
    }

    /// Writes all that waits, as durable as `durability` says.
    pub(crate) fn flush(&self, durability: Durability, caller: &Caller) -> Result<()> {
        self.write_waiting(caller)?;
        self.confirm(durability, caller)
    }

    /// Writes all that waits.
    pub(crate) fn write_waiting(&self, caller: &Caller) -> Result<()> {
        if self.queue.with(|queue| queue.is_empty()) {
            Ok(())
        } else {
            self.write_out(&self.patience(FOLDER_WAIT, caller))
        }
    }

    /// Sees to it that what was written is in the log that the name leads to, and, with [`Durability::Disk`], on
    /// stable storage there.
    pub(crate) fn confirm(&self, durability: Durability, caller: &Caller) -> Result<()> {
        let for_programs = self.patience(PROGRAM_WAIT, caller);
        loop {
            self.reconcile_with_programs(&for_programs)?;
            if durability == Durability::Process {
                return Ok(());
            }
            self.unconfirmed.store(false, Ordering::Release);
            let for_fsync = self.patience(FOLDER_WAIT, caller);
            let synced = self.commit.wait(&self.folder, &for_fsync, &for_fsync);
            let synced = synced.inspect_err(|_| self.unconfirmed.store(true, Ordering::Release))?;
            let foreign = self.take(&for_programs)?.programs.foreign_lock(&self.folder);
            if !foreign && self.is_in_place(synced)? {
                return Ok(());
            }
            self.unconfirmed.store(true, Ordering::Release);
            // A JavaScript program replaces the log, or has just done so: its file is on no stable storage yet.
            self.wait_for_programs(&for_programs)?;
            if let Some(log) = self.folder.open_log()? {
                let id = log.stat().map_err(|error| self.folder.failed("fstat", LOG, &error))?.id;
                self.commit.wrote(id, &Arc::from(log));
            }
            if for_programs.left(&*self.folder.background().time).is_zero() {
                return Err(self.folder.busy(LOCK, &for_programs, Obstacle::Process(None)));
            }
        }
    }

    /// The fsync of an append in the caller's own thread. Returns whether all is confirmed.
    pub(crate) fn confirm_inline(&self) -> Result<bool> {
        // First: what another thread writes from here on is unconfirmed again.
        self.unconfirmed.store(false, Ordering::Release);
        let confirmed = self.sync_inline();
        if !matches!(confirmed, Ok(true)) {
            self.unconfirmed.store(true, Ordering::Release);
        }
        confirmed
    }

    fn sync_inline(&self) -> Result<bool> {
        let for_fsync = self.folder.patience(FOLDER_WAIT);
        let synced = self.commit.wait(&self.folder, &for_fsync, &self.folder.patience(INLINE_WAIT))?;
        let Some(mut tenure) = self.tenure.take_soon() else { return Ok(false) };
        let doubtful = tenure.programs.may_have_missed() || tenure.programs.foreign_lock(&self.folder);
        drop(tenure);
        Ok(!doubtful && self.is_in_place(synced)?)
    }

    /// Whether the name leads to the file that was synced. What was removed needs no place.
    fn is_in_place(&self, synced: Option<FileId>) -> Result<bool> {
        let stat = self.folder.stat(LOG).map_err(|error| self.folder.failed("stat", LOG, &error))?;
        Ok(stat.is_none_or(|stat| Some(stat.id) == synced))
    }

    /// Waits until no JavaScript program holds `.lock`, or the patience is over.
    fn wait_for_programs(&self, patience: &Patience) -> Result<()> {
        let time = &*self.folder.background().time;
        let free = || {
            let foreign = self.tenure.try_take().map(|mut tenure| tenure.programs.foreign_lock(&self.folder));
            Ok::<_, Error>((foreign == Some(false)).then_some(()))
        };
        patience.poll(time, PAUSES, free).map(drop)
    }

    /// Best effort before the process ends: what waits is written if the folder can be had within `patience`.
    pub(crate) fn flush_at_exit(&self, patience: &Patience) {
        if !self.queue.with(|queue| queue.is_empty()) {
            let _ = self.write_out(patience);
        }
        let _ = self.reconcile_with_programs(patience);
    }

    /// Whether nothing waits to be written, to be synced, or for a JavaScript program. Takes no time.
    pub(crate) fn is_settled(&self, durability: Durability) -> bool {
        let confirmed = durability == Durability::Process || !self.unconfirmed.load(Ordering::Acquire);
        confirmed
            && self.queue.with(|queue| queue.is_empty())
            && self.tenure.try_take().is_some_and(|mut tenure| {
                if let Tenure { log: Some(log), programs, .. } = &mut *tenure {
                    programs.check(&self.folder, log);
                }
                !tenure.programs.may_have_missed()
            })
    }

    /// How many lines are not in the log: those that wait, and those that were refused and whose callers do not know
    /// it yet.
    pub(crate) fn unwritten_lines(&self) -> u64 {
        self.queue.with(|queue| queue.waiting_lines() + queue.refused_tickets())
    }

    /// Why the last attempt to write failed, unless all has been written since.
    pub(crate) fn fault(&self) -> Option<Error> {
        let (fault, since) = self.fault.with(|fault| fault.clone())?;
        let Error::Busy { path, waited_ms: 1.., by } = fault else { return Some(fault) };
        let waited = self.folder.monotonic().saturating_sub(since);
        Some(Error::Busy {
            path,
            waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX).max(1),
            by,
        })
    }

    /// Remembers what became of an attempt, and since when. That the folder is held explains less than what else
    /// went wrong, and of several such attempts the first counts.
    fn note(&self, result: &Result<()>) {
        let waited_ms = match result {
            Ok(()) => return self.fault.with(|fault| *fault = None),
            Err(Error::Closed { .. }) => return,
            Err(Error::Busy { waited_ms, .. }) => *waited_ms,
            Err(_) => 0,
        };
        let since = self.folder.monotonic().saturating_sub(Duration::from_millis(waited_ms));
        self.fault.with(|fault| match result {
            Err(Error::Busy { .. }) if fault.is_some() => {}
            _ => *fault = result.as_ref().err().map(|error| (error.clone(), since)),
        });
    }

    /// How many lines wait.
    pub(crate) fn waiting_lines(&self) -> u64 {
        self.queue.with(|queue| queue.waiting_lines())
    }

    fn patience(&self, wait: Duration, caller: &Caller) -> Patience {
        self.folder.patience_of(caller, wait)
    }

    fn take(&self, patience: &Patience) -> Result<Held<'_, Tenure>> {
        self.tenure.take(patience).ok_or_else(|| self.folder.busy(LOG, patience, Obstacle::ThisProcess))
    }

    /// Writes what is in the queue, in order.
    pub(crate) fn write_out(&self, patience: &Patience) -> Result<()> {
        let _slow = self.tenure.slow();
        let mut tenure = self.take(patience)?;
        self.write_queue_in(&mut tenure, patience, false)
    }

    /// The same with the baton in hand.
    fn write_queue_in(&self, tenure: &mut Tenure, patience: &Patience, may_lease: bool) -> Result<()> {
        let result = self.write_queue(tenure, patience, may_lease);
        self.note(&result);
        result
    }

    fn write_queue(&self, tenure: &mut Tenure, patience: &Patience, may_lease: bool) -> Result<()> {
        if self.queue.with(|queue| queue.asks_for_disk()) {
            self.commit.check_usable(&self.folder)?;
        }
        tenure.begin(&self.folder, patience)?;
        let mut result = Ok(());
        while result.is_ok() {
            let entries = self.queue.with(Queue::take);
            if entries.is_empty() {
                break;
            }
            result = self.write_entries(tenure, entries);
        }
        tenure.end_or_keep(&self.folder, may_lease && result.is_ok());
        result
    }

    fn write_entries(&self, tenure: &mut Tenure, mut entries: VecDeque<Entry>) -> Result<()> {
        while let Some(mut batch) = Batch::take(&mut entries) {
            if let Some(error) = self.write_batch(tenure, &mut batch) {
                self.queue.with(|queue| queue.put_back(batch.into_entries().chain(entries), &error));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes one batch. On failure, what is not in the log stays in `batch`.
    fn write_batch(&self, tenure: &mut Tenure, batch: &mut Batch) -> Option<Error> {
        let folder = &self.folder;
        let Tenure { log: Some(log), programs, .. } = tenure else {
            return Some(Error::Busy { path: folder.path().to_owned(), waited_ms: 0, by: Obstacle::Changes });
        };
        let (written, failed) = batch.write(folder, log);
        if !written.is_empty() {
            programs.wrote(folder, log, &written);
            if batch.disk() {
                self.commit.wrote(log.id, &log.file);
                self.unconfirmed.store(true, Ordering::Release);
            }
            // An awaited append is acknowledged only after the look; for a ledger the end of the lease is
            // early enough.
            if batch.disk() || batch.is_awaited() {
                programs.check(folder, log);
            }
        }
        let Some(failed) = failed else {
            self.queue.with(|queue| queue.written(&written));
            return None;
        };
        let stored = written.len();
        drop(written);
        batch.drop_written(stored, |lines| self.queue.with(|queue| queue.written(lines)));
        Some(folder.failed(failed.syscall, LOG, &failed.error))
    }

    /// Waits until no JavaScript program rewrites the log, and sees to it that the log holds what was written
    /// meanwhile.
    fn reconcile_with_programs(&self, patience: &Patience) -> Result<()> {
        loop {
            let mut tenure = self.take(patience)?;
            if let Tenure { log: Some(log), programs, .. } = &mut *tenure {
                programs.check(&self.folder, log);
            }
            if !tenure.programs.may_have_missed() {
                return Ok(());
            }
            let missed = tenure.programs.missed().to_vec();
            drop(tenure);
            // When the patience is over, the lines are appended all the same: better a line too many than none.
            self.wait_for_programs(patience)?;
            self.append_missing(&missed, patience)?;
        }
    }

    /// Appends those of the missed lines that the log lacks. The log is searched with the folder free; only what
    /// came meanwhile is searched with the folder held.
    fn append_missing(&self, missed: &[u8], patience: &Patience) -> Result<()> {
        let failed = |error: std::io::Error| self.folder.failed("read", LOG, &error);
        let mut wanted = WantedLines::new(missed);
        let searched = match self.folder.open_log()? {
            Some(log) => {
                let stat = log.stat().map_err(failed)?;
                let upto = wanted.search(&*log, 0, stat.size).map_err(failed)?;
                Some((log, stat.id, upto))
            }
            None => None,
        };
        let wait = self
            .folder
            .patience(FOLDER_WAIT.min(patience.left(&*self.folder.background().time).max(INLINE_WAIT)));
        let mut tenure = self.take(&wait)?;
        // The log may have been replaced under a running lease.
        tenure.begin_afresh(&self.folder, &wait)?;
        let result = (|| {
            let Tenure { log: Some(log), programs, .. } = &mut *tenure else { return Ok(()) };
            // The searched log is still open: its identity cannot have been given to another.
            let from = match &searched {
                Some((_, id, upto)) if *id == log.id => *upto,
                None => 0,
                // Replaced again: the next round searches the new one.
                Some(_) => return Ok(()),
            };
            if programs.missed() != missed {
                return Ok(());
            }
            wanted.search_to_end(&*log.file, from).map_err(failed)?;
            let missing = wanted.missing();
            if !missing.is_empty() {
                // What fails here is remembered still.
                log.append(&missing)
                    .map_err(|failed| self.folder.failed(failed.syscall, LOG, &failed.error))?;
            }
            programs.found();
            if !missing.is_empty() {
                programs.wrote(&self.folder, log, &missing);
                programs.check(&self.folder, log);
            }
            Ok(())
        })();
        tenure.end(&self.folder);
        result
    }
}

/// Length of the longest line, without its newline.
fn longest_line(lines: &[u8]) -> usize {
    if lines.len() <= MAX_LINE {
        return lines.len();
    }
    lines.split(|&byte| byte == b'\n').map(<[u8]>::len).max().unwrap_or(0)
}
