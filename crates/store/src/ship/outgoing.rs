//! What waits in a folder for a shared store, as its one shipper takes it: the outbox first, then the log.
//!
//! Invariant: one shipper for each folder, by a lock that ends with its process. The cursor moves behind a line only
//! after [`Outgoing::shipped`] or [`Outgoing::set_aside`] was called for it, and only in the file that the line was read
//! from.

use std::io;
use std::sync::Arc;

use crate::disk::bytes::{append_all, read_range};
use crate::disk::{File, FileId, Open, Stat};
use crate::error::{Error, Obstacle, Result};
use crate::folder::Folder;
use crate::hints::summary::Mark;
use crate::limits::{FOLDER_WAIT, INLINE_WAIT};
use crate::log::tenure::Tenure;
use crate::paths::{LOG, OUTBOX, SHIP, SHIP_LOCK, UNSHIPPED};
use crate::ship::cursor::{Account, Cursor, from, mark, unshipped_part};
use crate::ship::outbox;
use crate::ship::waiting::{Most, Stretch, Waiting, first_since, stretch};
use crate::store::Store;
use crate::wait::patience::Caller;

/// A file of this length that begins at 0 was perhaps shipped before.
const MUCH: u64 = 256 << 10;

/// What a folder has noted of its shipping; 0 stands for none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Noted {
    /// Its name among the sources of a store.
    pub source: u128,
    /// The store that it has shipped to.
    pub store: u128,
    /// The token of the newest batch that was acknowledged.
    pub last: u128,
    /// The token of a batch that may have arrived.
    pub in_flight: u128,
    /// Events that no store takes, set aside so far.
    pub set_aside: u64,
    /// How it went so far.
    pub account: Account,
}

/// Lines that wait.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lines {
    /// In their order; at least one.
    pub lines: Vec<Waiting>,
    /// Whether they may have been shipped before.
    pub offered_before: bool,
}

/// The outbox is part 0; each log that is met has a number of its own.
const THE_OUTBOX: u64 = 0;

/// See the head of this file.
pub struct Outgoing {
    store: Arc<Store>,
    caller: Caller,
    _lock: Box<dyn File>,
    /// The log that lines were read from last, and its number.
    log: (FileId, u64),
}

impl Store {
    /// Has rewrites save what is not shipped, from now on and durably.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn begin_shipping(&self, caller: &Caller) -> Result<()> {
        self.under_lock(caller, |folder, _| Cursor::create(folder))
    }

    /// Whether the folder ships.
    ///
    /// # Errors
    /// Whatever `stat` says.
    pub fn ships(&self) -> Result<bool> {
        Ok(self.folder.stat(SHIP).map_err(|error| self.folder.failed("stat", SHIP, &error))?.is_some())
    }

    /// What is noted, and how many bytes wait; `None` in a folder that does not ship. Takes no lock.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn shipping(&self) -> Result<Option<(Noted, u64)>> {
        let folder = &self.folder;
        let Some(file) = folder.open_existing(SHIP)? else { return Ok(None) };
        let cursor = Cursor::load(folder, &*file)?.unwrap_or_default();
        Ok(Some((noted(&cursor), unshipped(folder, &cursor)?)))
    }

    /// Takes the place of the folder's one shipper; `None` if another process has it. The folder must ship.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn outgoing(self: &Arc<Self>, caller: Caller) -> Result<Option<Outgoing>> {
        let failed = |syscall| move |error: io::Error| self.folder.failed(syscall, SHIP_LOCK, &error);
        let lock = self.folder.open(SHIP_LOCK, Open::Side).map_err(failed("open"))?;
        if !lock.try_lock().map_err(failed("flock"))? {
            return Ok(None);
        }
        // A copied folder gets a name of its own.
        self.under_lock(&caller, |folder, _| Cursor::create(folder))?;
        Ok(Some(Outgoing {
            store: Arc::clone(self),
            caller,
            _lock: lock,
            log: (FileId::default(), THE_OUTBOX),
        }))
    }

    pub(super) fn under_lock<T>(
        &self,
        caller: &Caller,
        work: impl FnOnce(&Folder, &mut Tenure) -> Result<T>,
    ) -> Result<T> {
        let patience = self.folder.patience_of(caller, FOLDER_WAIT);
        self.folder.create_folder().map_err(|error| Error::io("mkdir", self.folder.path(), &error))?;
        let Some(mut tenure) = self.tenure.take(&patience) else {
            return Err(self.folder.busy(LOG, &patience, Obstacle::ThisProcess));
        };
        tenure.begin_afresh(&self.folder, &patience)?;
        let result = work(&self.folder, &mut tenure);
        tenure.end(&self.folder);
        result
    }
}

impl Outgoing {
    /// Changes what is noted.
    fn note<T>(&self, change: impl FnOnce(&Folder, &mut Tenure, &mut Cursor) -> Result<T>) -> Result<T> {
        self.store.under_lock(&self.caller, |folder, tenure| {
            let missing = || Error::io("open", folder.path_of(SHIP), &io::ErrorKind::NotFound.into());
            Cursor::change(folder, |cursor| change(folder, tenure, cursor))?.ok_or_else(missing)
        })
    }

    /// What is noted.
    ///
    /// # Errors
    /// Whatever the disk says; so with all others.
    pub fn noted(&self) -> Result<Noted> {
        self.note(|_, _, cursor| Ok(noted(cursor)))
    }

    /// Notes that nothing is shipped to this store yet; under another name, unless that is 0.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn begin_anew(&self, store: u128, source: u128) -> Result<()> {
        self.note(|_, _, cursor| {
            *cursor = cursor.anew(store, source);
            Ok(())
        })
    }

    /// Has all that the folder holds offered again, to the same store under the same name.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn offer_again(&self) -> Result<()> {
        self.note(|_, _, cursor| {
            *cursor = cursor.with_nothing_shipped();
            Ok(())
        })
    }

    /// Has the log offered again from its first event on that has this time or a later one, in milliseconds since 1970.
    /// Older events that stand behind it are offered with it. What waits goes on waiting.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn offer_again_since(&self, since: f64) -> Result<()> {
        loop {
            let (log, noted) = self.note(|folder, _, cursor| Ok((folder.open_log()?, cursor.log)))?;
            let Some(log) = log else { return Ok(()) };
            let failed = |error: io::Error| self.store.folder.failed("read", LOG, &error);
            let id = log.stat().map_err(failed)?.id;
            let shipped = from(&*log, &noted).map_err(failed)?;
            let first = first_since(&*log, shipped, since).map_err(failed)?;
            // A log that was replaced meanwhile is looked at anew.
            let same = self.note(|_, tenure, cursor| {
                let same = tenure.log.as_ref().is_some_and(|log| log.id == id);
                if same {
                    cursor.log = mark(&*log, first).map_err(failed)?;
                }
                Ok(same)
            })?;
            if same {
                return Ok(());
            }
        }
    }

    /// Counts events that have arrived, new ones and others: the attempts before are forgotten.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn arrived(&self, shipped: u64, repeated: u64) -> Result<()> {
        self.note(|folder, _, cursor| {
            cursor.account.arrived(shipped, repeated, folder.now_ms());
            Ok(())
        })
    }

    /// Notes that an attempt failed, by which name, and in how many milliseconds the next one is due.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn failed(&self, name: &str, next_in_ms: u64) -> Result<()> {
        self.note(|folder, _, cursor| {
            cursor.account.failed(name, folder.now_ms().saturating_add(next_in_ms));
            Ok(())
        })
    }

    /// Notes a token before its batch is sent.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn sending(&self, token: u128) -> Result<()> {
        self.note(|_, _, cursor| {
            cursor.in_flight = token;
            Ok(())
        })
    }

    /// What waits behind the cursor; `None` if nothing does.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn next(&mut self, most: &Most) -> Result<Option<Lines>> {
        loop {
            // What is open is from one moment, in which no rewrite is under way.
            let (outbox, log, cursor) =
                self.note(|folder, _, cursor| Ok((outbox::open(folder)?, folder.open_log()?, *cursor)))?;
            let folder = &self.store.folder;
            if let Some(outbox) = outbox {
                let failed = |error: io::Error| folder.failed("read", OUTBOX, &error);
                let start = from(&*outbox, &cursor.outbox).map_err(failed)?;
                let size = outbox.size().map_err(failed)?;
                if start < size {
                    // Only rewrites add to it, and they end what they add with a newline; but for one that died.
                    let stretch = stretch(&*outbox, start, THE_OUTBOX, most, true).map_err(failed)?;
                    match self.take(stretch, start == 0 && size > MUCH)? {
                        Some(lines) => return Ok(Some(lines)),
                        None => continue,
                    }
                }
            }
            let Some(log) = log else { return Ok(None) };
            let failed = |error: io::Error| folder.failed("read", LOG, &error);
            let Stat { id, size, .. } = log.stat().map_err(failed)?;
            if self.log.0 != id {
                self.log = (id, self.log.1 + 1);
            }
            let start = from(&*log, &cursor.log).map_err(failed)?;
            let stretch = stretch(&*log, start, self.log.1, most, false).map_err(failed)?;
            if stretch.end == start && stretch.too_long.is_none() {
                return Ok(None);
            }
            let anew = start == 0 && size > MUCH;
            if let Some(lines) = self.take(stretch, anew)? {
                return Ok(Some(lines));
            }
        }
    }

    /// The lines of a stretch; what holds none is passed over, and a line that is too long is set aside.
    fn take(&self, stretch: Stretch, offered_before: bool) -> Result<Option<Lines>> {
        let Stretch { lines, end, too_long } = stretch;
        if let Some(last) = lines.last() {
            let part = last.part;
            let mut lines = lines;
            // With the last event go the lines behind it that are none.
            if let Some(last) = lines.last_mut().filter(|_| too_long.is_none()) {
                *last = Waiting { line: std::mem::take(&mut last.line), part, end };
            }
            return Ok(Some(Lines { lines, offered_before }));
        }
        if let Some(Waiting { line, part, end }) = too_long {
            self.set_aside(&line, part, end)?;
        } else {
            let part = if self.is_outbox_pending()? { THE_OUTBOX } else { self.log.1 };
            self.shipped(Some((part, end)), 0)?;
        }
        Ok(None)
    }

    fn is_outbox_pending(&self) -> Result<bool> {
        self.note(|folder, _, cursor| Ok(rest_of(folder, OUTBOX, &cursor.outbox)? > 0))
    }

    /// Notes how far all is shipped, and the token that was acknowledged with it, unless that is 0.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn shipped(&self, upto: Option<(u64, u64)>, token: u128) -> Result<()> {
        self.note(|folder, tenure, cursor| {
            if token != 0 {
                (cursor.last, cursor.in_flight) = (token, 0);
            }
            match upto {
                Some((THE_OUTBOX, end)) => advance_in_outbox(folder, cursor, end),
                Some((part, end)) => self.advance_in_log(folder, tenure, cursor, part, end),
                None => Ok(()),
            }
        })
    }

    fn advance_in_log(
        &self,
        folder: &Folder,
        tenure: &Tenure,
        cursor: &mut Cursor,
        part: u64,
        end: u64,
    ) -> Result<()> {
        // Else it was replaced meanwhile: what is in the new one, or in the outbox, is offered from there.
        if let Some(log) = tenure.log.as_ref().filter(|log| (log.id, part) == self.log) {
            cursor.log = mark(&*log.file, end).map_err(|error| folder.failed("read", LOG, &error))?;
        }
        Ok(())
    }

    /// Sets a line aside, durably, and notes the place behind it.
    ///
    /// # Errors
    /// Whatever the disk says; the place is then not noted.
    pub fn set_aside(&self, line: &[u8], part: u64, end: u64) -> Result<()> {
        let folder = &self.store.folder;
        let failed = |syscall| move |error: io::Error| folder.failed(syscall, UNSHIPPED, &error);
        self.note(|folder, _, cursor| {
            let file = folder.open(UNSHIPPED, Open::Append).map_err(failed("open"))?;
            let size = file.stat().map_err(failed("fstat"))?.size;
            let torn = size > 0 && read_range(&*file, size - 1, 1).map_err(failed("read"))? != b"\n";
            let whole = [if torn { b"\n" } else { &b""[..] }, line, b"\n"].concat();
            append_all(&*file, &whole).map_err(|(_, error)| folder.failed("write", UNSHIPPED, &error))?;
            file.sync().map_err(failed("fsync"))?;
            folder
                .make_names_durable(&folder.patience(INLINE_WAIT))
                .map_err(|error| Error::io("fsync", folder.path(), &error))?;
            cursor.set_aside = cursor.set_aside.saturating_add(1);
            Ok(())
        })?;
        self.shipped(Some((part, end)), 0)
    }

    /// How many bytes wait, by a look that takes no lock: a rewrite may be under way.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn glance(&self) -> Result<u64> {
        Ok(self.store.shipping()?.map_or(0, |(_, bytes)| bytes))
    }

    /// How many bytes wait.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn pending(&self) -> Result<u64> {
        self.note(|folder, _, cursor| unshipped(folder, cursor))
    }
}

fn noted(cursor: &Cursor) -> Noted {
    let Cursor { source, store, last, in_flight, set_aside, account, .. } = *cursor;
    Noted { source, store, last, in_flight, set_aside, account }
}

/// How many bytes of a file are not shipped.
fn rest_of(folder: &Folder, name: &str, mark: &Mark) -> Result<u64> {
    Ok(unshipped_part(folder, name, mark)?.map_or(0, |(_, part)| part.end - part.start))
}

/// How many bytes of the outbox and of the log are not shipped.
pub(crate) fn unshipped(folder: &Folder, cursor: &Cursor) -> Result<u64> {
    Ok(rest_of(folder, OUTBOX, &cursor.outbox)? + rest_of(folder, LOG, &cursor.log)?)
}

/// Once all of it is shipped it is cut to nothing.
fn advance_in_outbox(folder: &Folder, cursor: &mut Cursor, end: u64) -> Result<()> {
    let failed = |syscall| move |error: io::Error| folder.failed(syscall, OUTBOX, &error);
    let Some(file) = outbox::open(folder)? else { return Ok(()) };
    if file.size().map_err(failed("lseek"))? > end {
        cursor.outbox = mark(&*file, end).map_err(failed("read"))?;
        return Ok(());
    }
    cursor.outbox = mark(&*file, 0).map_err(failed("read"))?;
    file.set_len(0).map_err(failed("ftruncate"))
}
