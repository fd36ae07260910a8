//! `.events.ckpt`: how far the log was summed up, so that a process that appends one event to a log of any
//! size reads none of it.
//!
//! ```text
//!   0  slot A ┐ each: magic, version, sequence, mark (device, inode, born, offset, modified, anchor), events, flags,
//! 256  slot B ┘       oldest, newest, length and CRC of the task names, rewrite (device, inode, born, from, kept, rejected),
//!                blocks (count, CRC; start, oldest, newest, odd of the one that grows), CRC
//! 512  task names: length (4 bytes), bytes; by first appearance
//! 512 KiB  blocks of time: end, oldest, newest, odd (8 bytes each)
//! ```
//!
//! All numbers are little-endian. A new state goes into the slot that does not hold the current one; the
//! valid slot with the higher sequence counts. Names are only ever added behind those that a slot counts,
//! unless the log is another one. So are blocks; a program that does not know them leaves them out of its slots.
//!
//! Nothing orders these writes with those of the log on their way to the disk, so after a power cut the file
//! may know of lines that are gone. Therefore each slot names the boot of the machine in which it was
//! written, and the sums of another boot are ignored.
//!
//! Invariant: the file is a hint. Whatever stands in it is bounded and checked, and a checkpoint that does
//! not recognise the log is ignored. Only the holder of the folder lock writes it.

use std::io;
use std::ops::Range;

use crate::disk::bytes::{read_range, write_all_at};
use crate::disk::{File, FileId};
use crate::hints::blocks::{BLOCK_BYTES, Blocks, MOST_BLOCKS, Times};
use crate::hints::fields::Fields;
use crate::hints::summary::{Mark, Summary};
use crate::limits::{SMALL_TASK_BYTES, SMALL_TASKS};
use columns::Interner;

const MAGIC: u32 = u32::from_le_bytes(*b"GLCK");
const VERSION: u32 = 1;
const SLOT: usize = 256;
const NAMES: u64 = 2 * SLOT as u64;
const HAS_TIMES: u32 = 1;
const HAS_TASKS: u32 = 2;
const HAS_REWRITE: u32 = 4;
const HAS_BLOCKS: u32 = 8;
/// Behind the most that names take. A file system keeps no room for what lies between.
const BLOCKS: u64 = 512 << 10;

/// A rewrite that is under way, for the process that has to finish it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Rewrite {
    /// The log that is being replaced.
    pub(crate) previous: FileId,
    /// Lines of it from here on may be missing in the new log.
    pub(crate) from: u64,
    /// Lines of the new log from here on may be copies of those.
    pub(crate) kept: u64,
    /// How long `events.rejected.ndjson` was before lines of the previous log were set aside.
    pub(crate) rejected: u64,
}

/// What the file says, and the sums as they went on since.
#[derive(Clone, Default)]
pub(crate) struct Checkpoint {
    sequence: u64,
    /// The boot of the machine, see [`Disk::boot`](crate::disk::Disk::boot).
    boot: u64,
    /// The sums; [`Checkpoint::store`] writes them.
    pub(crate) summary: Summary,
    /// The rewrite under way, if any.
    pub(crate) rewrite: Option<Rewrite>,
    /// What the file's sums cover.
    stored: Mark,
    /// How many task names of `stored` are in the file, their bytes and CRC.
    named: usize,
    names: (u32, u32),
}

impl Checkpoint {
    /// Reads the file. Anything that is not a valid checkpoint counts as none.
    pub(crate) fn load(file: &dyn File, boot: u64) -> io::Result<Self> {
        let slots = read_range(file, 0, 2 * SLOT)?;
        let newest = slots.chunks_exact(SLOT).filter_map(Slot::decode).max_by_key(|slot| slot.sequence);
        let Some(slot) = newest else {
            return Ok(Self { summary: Summary::empty(), boot, ..Self::default() });
        };
        if slot.boot != boot {
            let summary = Summary::empty();
            return Ok(Self {
                sequence: slot.sequence,
                summary,
                rewrite: slot.rewrite,
                boot,
                ..Self::default()
            });
        }
        let mut summary = Summary::read(slot.mark, slot.events, slot.times, None);
        summary.blocks = slot.blocks.unwrap_or_default();
        let (mut names, mut names_count) = ((0, 0), 0);
        if let Some((length, crc)) = slot.tasks {
            match load_names(file, length, crc)? {
                Some(tasks) => {
                    names = (length, crc);
                    names_count = tasks.len();
                    summary.tasks = Some(tasks);
                }
                None => summary = Summary::empty(),
            }
        }
        Ok(Self {
            sequence: slot.sequence,
            boot,
            summary,
            rewrite: slot.rewrite,
            stored: slot.mark,
            named: names_count,
            names,
        })
    }

    /// Whether the file still holds this state.
    pub(crate) fn is_current(&self, file: &dyn File) -> io::Result<bool> {
        let slots = read_range(file, 0, 2 * SLOT)?;
        let newest = slots.chunks_exact(SLOT).filter_map(Slot::decode).map(|slot| slot.sequence).max();
        Ok(newest == Some(self.sequence))
    }

    /// Whether the file has these sums.
    pub(crate) fn is_stored(&self) -> bool {
        self.stored == self.summary.mark
    }

    /// Forgets the sums: the log is not the one they are of, or no longer what it was.
    pub(crate) fn start_anew(&mut self) {
        self.summary = Summary::empty();
        self.named = 0;
    }

    /// Writes the sums and the rewrite under way.
    pub(crate) fn store(&mut self, file: &dyn File) -> io::Result<()> {
        let mark = self.summary.mark;
        if self.stored.log != mark.log || self.stored.offset > mark.offset {
            self.named = 0;
        }
        if self.named == 0 {
            self.names = (0, 0);
        }
        if let Some(tasks) = &self.summary.tasks {
            self.names = self.add_names(file, tasks, self.named)?;
            self.named = tasks.len();
        }
        let blocks = &mut self.summary.blocks;
        if !blocks.unwritten().is_empty() {
            let at = BLOCKS + u64::from(blocks.stored.0) * BLOCK_BYTES as u64;
            write_all_at(file, blocks.unwritten(), at)?;
            blocks.written();
        }
        let slot = Slot {
            sequence: self.sequence + 1,
            boot: self.boot,
            mark,
            events: self.summary.events,
            times: self.summary.times,
            tasks: self.summary.tasks.is_some().then_some(self.names),
            rewrite: self.rewrite,
            blocks: self.summary.blocks.known.then(|| self.summary.blocks.clone()),
        };
        write_all_at(file, &slot.encode(), (slot.sequence % 2) * SLOT as u64)?;
        self.sequence = slot.sequence;
        self.stored = mark;
        Ok(())
    }

    /// What has to be read of a log of this size for the events in `[from, to]`; `None` if the file does not say.
    pub(crate) fn stretches(
        &self,
        file: &dyn File,
        size: u64,
        range: (f64, f64),
    ) -> io::Result<Option<Vec<Range<u64>>>> {
        let blocks = &self.summary.blocks;
        if !blocks.known || blocks.stored.0 > MOST_BLOCKS {
            return Ok(None);
        }
        let bytes = read_range(file, BLOCKS, blocks.stored.0 as usize * BLOCK_BYTES)?;
        Ok(blocks.stretches(&bytes, size, range))
    }

    /// Writes the names from number `known` on behind those that are there.
    fn add_names(&self, file: &dyn File, tasks: &Interner, known: usize) -> io::Result<(u32, u32)> {
        if tasks.len() == known {
            return Ok(self.names);
        }
        let (length, crc) = self.names;
        let mut bytes = Vec::new();
        for name in tasks.iter().skip(known) {
            bytes.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(name);
        }
        write_all_at(file, &bytes, NAMES + u64::from(length))?;
        let mut hasher = crc32fast::Hasher::new_with_initial_len(crc, u64::from(length));
        hasher.update(&bytes);
        Ok((length + u32::try_from(bytes.len()).unwrap_or(u32::MAX), hasher.finalize()))
    }
}

/// Whether a file looks like a checkpoint of any log.
pub(crate) fn is_one(file: &dyn File) -> io::Result<bool> {
    let slots = read_range(file, 0, 2 * SLOT)?;
    Ok(slots.chunks(SLOT).any(|slot| slot.starts_with(&MAGIC.to_le_bytes())))
}

fn load_names(file: &dyn File, length: u32, crc: u32) -> io::Result<Option<Interner>> {
    let length = length as usize;
    if length > SMALL_TASK_BYTES + 4 * (SMALL_TASKS + 1) {
        return Ok(None);
    }
    let bytes = read_range(file, NAMES, length)?;
    if bytes.len() != length || crc32fast::hash(&bytes) != crc {
        return Ok(None);
    }
    let mut tasks = Interner::default();
    let mut rest = bytes.as_slice();
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let Some((name, after)) = after.split_at_checked(u32::from_le_bytes(*size) as usize) else {
            return Ok(None);
        };
        tasks.intern(name);
        rest = after;
    }
    Ok(rest.is_empty().then_some(tasks))
}

/// The fixed part of a state, as it stands in a slot.
#[derive(Clone, PartialEq, Debug)]
struct Slot {
    sequence: u64,
    boot: u64,
    mark: Mark,
    events: u64,
    times: Option<(f64, f64)>,
    /// Length and CRC of the task names.
    tasks: Option<(u32, u32)>,
    rewrite: Option<Rewrite>,
    blocks: Option<Blocks>,
}

impl Slot {
    fn encode(&self) -> [u8; SLOT] {
        let flag = |present: bool, bit: u32| if present { bit } else { 0 };
        let flags = flag(self.times.is_some(), HAS_TIMES)
            | flag(self.tasks.is_some(), HAS_TASKS)
            | flag(self.rewrite.is_some(), HAS_REWRITE)
            | flag(self.blocks.is_some(), HAS_BLOCKS);
        let (oldest, newest) = self.times.unwrap_or_default();
        let (names, names_crc) = self.tasks.unwrap_or_default();
        let rewrite =
            self.rewrite.unwrap_or(Rewrite { previous: FileId::default(), from: 0, kept: 0, rejected: 0 });
        let mut bytes = Vec::with_capacity(SLOT);
        bytes.extend_from_slice(&MAGIC.to_le_bytes());
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        for number in
            [self.sequence, self.boot, self.mark.log.device, self.mark.log.inode, self.mark.log.born_ns]
        {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in
            [self.mark.offset, self.mark.modified_ns, self.events, oldest.to_bits(), newest.to_bits()]
        {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in [self.mark.anchor, flags, names, names_crc] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let FileId { device, inode, born_ns } = rewrite.previous;
        for number in [device, inode, born_ns, rewrite.from, rewrite.kept, rewrite.rejected] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let Blocks { stored: (count, crc), start, times, .. } = self.blocks.clone().unwrap_or_default();
        for number in [count, crc] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for number in [start, times.oldest.to_bits(), times.newest.to_bits(), u64::from(times.odd)] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        bytes.resize(SLOT - 4, 0);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.try_into().unwrap_or([0; SLOT])
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields::of_slot(bytes.get(..SLOT)?, MAGIC, VERSION)?;
        let (sequence, boot) = (fields.u64()?, fields.u64()?);
        if sequence == u64::MAX {
            // No process counts that far, and there would be no next one.
            return None;
        }
        let log = fields.file_id()?;
        let (offset, modified_ns, events) = (fields.u64()?, fields.u64()?, fields.u64()?);
        let times = (fields.f64()?, fields.f64()?);
        let (anchor, flags) = (fields.u32()?, fields.u32()?);
        let tasks = (fields.u32()?, fields.u32()?);
        let rewrite = Rewrite {
            previous: fields.file_id()?,
            from: fields.u64()?,
            kept: fields.u64()?,
            rejected: fields.u64()?,
        };
        let (stored, start) = ((fields.u32()?, fields.u32()?), fields.u64()?);
        let (oldest, newest) = (fields.f64()?, fields.f64()?);
        let growing = Times { oldest, newest, odd: fields.u64()? != 0 };
        let blocks = Blocks::read(stored, start, growing);
        Some(Self {
            sequence,
            boot,
            mark: Mark { log, offset, modified_ns, anchor },
            events,
            times: (flags & HAS_TIMES != 0).then_some(times),
            tasks: (flags & HAS_TASKS != 0).then_some(tasks),
            rewrite: (flags & HAS_REWRITE != 0).then_some(rewrite),
            blocks: (flags & HAS_BLOCKS != 0 && stored.0 <= MOST_BLOCKS).then_some(blocks),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot() -> Slot {
        Slot {
            sequence: 7,
            boot: 8,
            mark: Mark {
                log: FileId { device: 1, inode: 2, born_ns: 3 },
                offset: 1 << 40,
                modified_ns: 5,
                anchor: 6,
            },
            events: 99,
            times: Some((-1.5, 1e300)),
            tasks: Some((12, 13)),
            rewrite: Some(Rewrite {
                previous: FileId { device: 4, inode: 5, born_ns: 6 },
                from: 7,
                kept: 8,
                rejected: 9,
            }),
            blocks: Some(Blocks::read((14, 15), 1 << 39, Times { oldest: -2.5, newest: 1e200, odd: true })),
        }
    }

    #[test]
    fn a_slot_survives_the_trip_and_no_flipped_bit() {
        let bytes = slot().encode();
        assert_eq!(Slot::decode(&bytes), Some(slot()));
        for at in 0..SLOT {
            let mut torn = bytes;
            torn[at] ^= 1;
            assert_eq!(Slot::decode(&torn), None, "byte {at}");
        }
        assert_eq!(Slot::decode(&bytes[..100]), None);
        assert_eq!(Slot::decode(&Slot { sequence: u64::MAX, ..slot() }.encode()), None, "no next one");
        let none = Slot { times: None, tasks: None, rewrite: None, blocks: None, ..slot() };
        assert_eq!(Slot::decode(&none.encode()), Some(none));
    }
}
