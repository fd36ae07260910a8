//! `.events.ship`: how far the log and the outbox are shipped, and to which store.
//!
//! ```text
//!   0  slot A ┐ each: magic, version, sequence, this file (device, inode, born), source, store, last token, token in
//! 512  slot B ┘       flight, mark in the log and in the outbox (device, inode, born, offset, anchor), set aside; the
//!                     account: shipped, repeated, when last, failures in a row, their name, when next; CRC
//! ```
//!
//! All numbers are little-endian. A new state goes into the slot that does not hold the current one; the valid slot with
//! the higher sequence counts.
//!
//! Invariant: a hint. A slot that does not name this very file is that of a copied folder and counts for nothing; a mark
//! that does not recognise its file means that nothing of the file is shipped. Losing it costs offering events again,
//! never an event. That the file is there at all is what has rewrites save what is not shipped; so its creation is
//! durable. Only the holder of the folder lock writes it.

use std::io::{self, ErrorKind};
use std::ops::Range;

use crate::disk::bytes::{read_range, write_all_at};
use crate::disk::{File, FileId, Open};
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::hints::fields::Fields;
use crate::hints::summary::Mark;
use crate::limits::INLINE_WAIT;
use crate::paths::{SHIP, new_id};

const MAGIC: u32 = u32::from_le_bytes(*b"GLSP");
const VERSION: u32 = 1;
const SLOT: usize = 512;

/// How far all is shipped. See the head of this file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Cursor {
    sequence: u64,
    /// The file that it stands in.
    own: FileId,
    /// The folder's name among the sources of a store.
    pub(crate) source: u128,
    /// The store; 0 for none yet.
    pub(crate) store: u128,
    /// The token of the newest batch that was acknowledged; 0 for none.
    pub(crate) last: u128,
    /// The token of a batch that may have arrived; 0 for none.
    pub(crate) in_flight: u128,
    /// Where the shipped part of the log ends.
    pub(crate) log: Mark,
    /// Where the shipped part of the outbox ends.
    pub(crate) outbox: Mark,
    /// Events that were set aside since the folder ships.
    pub(crate) set_aside: u64,
    /// What people ask for.
    pub(crate) account: Account,
}

/// How shipping went so far, and how it goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Account {
    /// New events in the store.
    pub shipped: u64,
    /// Events that it had before.
    pub repeated: u64,
    /// When a batch was acknowledged last, in milliseconds since 1970; 0 for never.
    pub last_ms: u64,
    /// Attempts that failed since.
    pub failures: u64,
    /// When the next attempt is due; 0 if none is.
    pub next_ms: u64,
    /// The name of the last failure, filled up with zeros.
    name: [u8; NAME],
}

/// Room for the name of a failure.
const NAME: usize = 24;

impl Account {
    /// The name of the last failure, if the last attempt failed.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        let name = self.name.split(|&byte| byte == 0).next().unwrap_or_default();
        std::str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    /// Notes that so many events have arrived.
    pub(crate) fn arrived(&mut self, shipped: u64, repeated: u64, now_ms: u64) {
        *self = Self {
            shipped: self.shipped.saturating_add(shipped),
            repeated: self.repeated.saturating_add(repeated),
            last_ms: now_ms,
            ..Self::default()
        };
    }

    /// Notes that an attempt failed, by which name, and when the next one is due.
    pub(crate) fn failed(&mut self, name: &str, next_ms: u64) {
        self.failures = self.failures.saturating_add(1);
        self.next_ms = next_ms;
        self.name = [0; NAME];
        let plain = name.bytes().filter(u8::is_ascii_graphic);
        self.name.iter_mut().zip(plain).for_each(|(place, byte)| *place = byte);
    }

    fn numbers(&self) -> [u64; 5] {
        [self.shipped, self.repeated, self.last_ms, self.failures, self.next_ms]
    }
}

impl Cursor {
    /// A cursor of a new source that has shipped nothing.
    pub(crate) fn fresh(folder: &Folder) -> Self {
        let source = uuid::Uuid::try_parse(&new_id(folder.random())).unwrap_or_default().as_u128();
        Self { source, ..Self::default() }
    }

    /// The same folder, which has shipped nothing to this store yet; under another name, unless that is 0.
    pub(crate) fn anew(&self, store: u128, source: u128) -> Self {
        let source = if source == 0 { self.source } else { source };
        Self { source, store, set_aside: self.set_aside, account: self.account, ..Self::default() }
    }

    /// The same, with nothing of log and outbox known to be shipped.
    pub(crate) fn with_nothing_shipped(&self) -> Self {
        Self { log: Mark::default(), outbox: Mark::default(), ..*self }
    }

    /// Opens the file; `None` if there is none.
    pub(crate) fn open(folder: &Folder) -> Result<Option<Box<dyn File>>> {
        if folder.stat(SHIP).map_err(|error| folder.failed("stat", SHIP, &error))?.is_none() {
            return Ok(None);
        }
        match folder.open(SHIP, Open::Side) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(folder.failed("open", SHIP, &error)),
        }
    }

    /// Changes what the file says; `None` if there is none. The folder lock is held.
    pub(crate) fn change<T>(
        folder: &Folder,
        change: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<Option<T>> {
        let Some(file) = Self::open(folder)? else { return Ok(None) };
        let mut cursor = Self::load(folder, &*file)?.unwrap_or_else(|| Self::fresh(folder));
        let before = cursor;
        let result = change(&mut cursor)?;
        if cursor != before {
            cursor.store(folder, &*file)?;
        }
        Ok(Some(result))
    }

    /// Makes the file, durably, unless it is there. The folder lock is held.
    pub(crate) fn create(folder: &Folder) -> Result<()> {
        let failed = |syscall| move |error: io::Error| folder.failed(syscall, SHIP, &error);
        let file = folder.open(SHIP, Open::Side).map_err(failed("open"))?;
        if Self::load(folder, &*file)?.is_none() {
            Self::fresh(folder).store(folder, &*file)?;
        }
        file.sync().map_err(failed("fsync"))?;
        folder
            .make_names_durable(&folder.patience(INLINE_WAIT))
            .map_err(|error| Error::io("fsync", folder.path(), &error))
    }

    /// What the file says; `None` if that is nothing, or of another file.
    pub(crate) fn load(folder: &Folder, file: &dyn File) -> Result<Option<Self>> {
        let failed = |error: io::Error| folder.failed("read", SHIP, &error);
        let slots = read_range(file, 0, 2 * SLOT).map_err(failed)?;
        let own = file.stat().map_err(failed)?.id;
        let newest = slots.chunks_exact(SLOT).filter_map(Self::decode).max_by_key(|slot| slot.sequence);
        Ok(newest.filter(|slot| slot.own == own))
    }

    /// Writes it. The folder lock is held.
    pub(crate) fn store(&mut self, folder: &Folder, file: &dyn File) -> Result<()> {
        let failed = |error: io::Error| folder.failed("write", SHIP, &error);
        let slots = read_range(file, 0, 2 * SLOT).map_err(failed)?;
        let there = slots.chunks_exact(SLOT).filter_map(Self::decode).map(|slot| slot.sequence).max();
        self.sequence = there.unwrap_or(0) + 1;
        self.own = file.stat().map_err(failed)?.id;
        write_all_at(file, &self.encode(), (self.sequence % 2) * SLOT as u64).map_err(failed)
    }

    fn encode(&self) -> [u8; SLOT] {
        let mut bytes = Vec::with_capacity(SLOT);
        bytes.extend_from_slice(&MAGIC.to_le_bytes());
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        let id = |id: FileId| [id.device, id.inode, id.born_ns];
        let mark = |mark: Mark| {
            let [device, inode, born] = id(mark.log);
            [device, inode, born, mark.offset, u64::from(mark.anchor)]
        };
        let numbers =
            [self.sequence].into_iter().chain(id(self.own)).chain(mark(self.log)).chain(mark(self.outbox));
        for number in numbers.chain([self.set_aside]) {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.source, self.store, self.last, self.in_flight] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in self.account.numbers() {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.extend_from_slice(&self.account.name);
        bytes.resize(SLOT - 4, 0);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.try_into().unwrap_or([0; SLOT])
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::of_slot(bytes.get(..SLOT)?, MAGIC, VERSION)?;
        let sequence = fields.u64()?;
        // Nothing counts that far, and there would be no next one.
        (sequence < u64::MAX).then_some(())?;
        let own = fields.file_id()?;
        let (log, outbox) = (mark_of(&mut fields)?, mark_of(&mut fields)?);
        let set_aside = fields.u64()?;
        let (source, store, last, in_flight) =
            (fields.u128()?, fields.u128()?, fields.u128()?, fields.u128()?);
        let account = Account {
            shipped: fields.u64()?,
            repeated: fields.u64()?,
            last_ms: fields.u64()?,
            failures: fields.u64()?,
            next_ms: fields.u64()?,
            name: fields.take(NAME)?.try_into().ok()?,
        };
        Some(Self { sequence, own, source, store, last, in_flight, log, outbox, set_aside, account })
    }
}

/// A mark as it stands in a slot.
fn mark_of(fields: &mut Fields<'_>) -> Option<Mark> {
    let (log, offset) = (fields.file_id()?, fields.u64()?);
    Some(Mark { log, offset, modified_ns: 0, anchor: u32::try_from(fields.u64()?).ok()? })
}

/// A mark that is told by its place alone: the file may grow and change behind it.
pub(crate) fn mark(file: &dyn File, offset: u64) -> io::Result<Mark> {
    Ok(Mark { modified_ns: 0, ..Mark::new(file, &file.stat()?, offset)? })
}

/// Where the unshipped part of a file begins: at the mark if it recognises the file, else at 0.
pub(crate) fn from(file: &dyn File, mark: &Mark) -> io::Result<u64> {
    let stat = file.stat()?;
    Ok(if mark.recognises(file, &stat)? { mark.offset } else { 0 })
}

/// A file, and the part of it that is not shipped.
pub(crate) type Unshipped = (Box<dyn File>, Range<u64>);

/// What of a file is not shipped; `None` if there is no such file.
pub(crate) fn unshipped_part(folder: &Folder, name: &str, mark: &Mark) -> Result<Option<Unshipped>> {
    let failed = |error: io::Error| folder.failed("read", name, &error);
    let Some(file) = folder.open_existing(name)? else { return Ok(None) };
    let size = file.size().map_err(failed)?;
    let start = from(&*file, mark).map_err(failed)?.min(size);
    Ok(Some((file, start..size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_survives_the_trip_and_no_flipped_bit() {
        let id = |n| FileId { device: n, inode: n + 1, born_ns: n + 2 };
        let cursor = Cursor {
            sequence: 9,
            own: id(1),
            source: 1 << 100,
            store: 2,
            last: 3,
            in_flight: 4,
            log: Mark { log: id(5), offset: 1 << 40, modified_ns: 0, anchor: u32::MAX },
            outbox: Mark { log: id(6), offset: 7, modified_ns: 0, anchor: 8 },
            set_aside: 10,
            account: {
                let mut account = Account::default();
                account.arrived(11, 12, 13);
                account.failed("EFLEETDOWN", 14);
                account
            },
        };
        assert_eq!(cursor.account.failure(), Some("EFLEETDOWN"));
        let bytes = cursor.encode();
        assert_eq!(Cursor::decode(&bytes), Some(cursor));
        for at in 0..SLOT {
            let mut torn = bytes;
            torn[at] ^= 1;
            assert_eq!(Cursor::decode(&torn), None, "byte {at}");
        }
        assert_eq!(Cursor::decode(&bytes[..100]), None);
        assert_eq!(Cursor::decode(&Cursor { sequence: u64::MAX, ..cursor }.encode()), None);
    }
}
