//! The file of one eviction, in the store's folder.
//!
//! ```text
//!  0  "GLEV", version, length of the header, CRC of the header behind this
//! 16  the log that the events were in; the log that takes its place (device, inode, born)
//! 64  id (16 bytes); length of the file; number of events
//! 96  month ("2026-11", then a zero); length of the archive's path (4 bytes), path; empty: beside the log
//!     members
//! ```
//!
//! Invariant: it is whole and on the disk before the log is replaced, so one that cannot be read has not happened.
//! Its maker keeps it locked for as long as it is a draft.

use std::io;

use crate::archive::ArchivePlace;
use crate::archive::member::{BLOCK, Block};
use crate::disk::bytes::{read_range, write_all_at};
use crate::disk::{File, FileId, Open};
use crate::folder::Folder;
use crate::hints::fields::Fields;
use crate::log::line_run::LineRun;
use crate::paths::EvictionState::{Draft, Happened, Undecided};
use crate::paths::{eviction, new_id, temporary};
use columns::Columns;

const MAGIC: [u8; 8] = *b"GLEV\x01\0\0\0";
const FIXED: usize = 108;
const LONGEST_PATH: usize = 64 << 10;
/// Blocks that are deflated at once.
const AT_ONCE: usize = 8;

/// What an eviction says of itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    /// The log that the events were in.
    pub(crate) old: FileId,
    /// The log that takes its place.
    pub(crate) new: FileId,
    /// What its members are known by.
    pub(crate) id: u128,
    /// Length of the file.
    pub(crate) length: u64,
    /// Number of events.
    pub(crate) events: u64,
    /// When it was made.
    pub(crate) month: String,
    /// Which archive it is for.
    pub(crate) place: ArchivePlace,
}

impl Header {
    /// Where the members begin.
    pub(crate) fn size(&self) -> u64 {
        (FIXED + self.place.path().len()) as u64
    }

    fn encode(&self) -> Vec<u8> {
        let mut content = Vec::new();
        for file in [self.old, self.new] {
            for number in [file.device, file.inode, file.born_ns] {
                content.extend_from_slice(&number.to_le_bytes());
            }
        }
        content.extend_from_slice(&self.id.to_le_bytes());
        content.extend_from_slice(&self.length.to_le_bytes());
        content.extend_from_slice(&self.events.to_le_bytes());
        let mut month = self.month.clone().into_bytes();
        month.resize(8, 0);
        content.extend_from_slice(&month);
        let path = self.place.path().as_bytes();
        content.extend_from_slice(&u32::try_from(path.len()).unwrap_or(u32::MAX).to_le_bytes());
        content.extend_from_slice(path);
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&u32::try_from(16 + content.len()).unwrap_or(u32::MAX).to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&content).to_le_bytes());
        bytes.extend(content);
        bytes
    }

    /// The header of a whole file; `None` if it is none.
    pub(crate) fn read(file: &dyn File) -> io::Result<Option<Self>> {
        let bytes = read_range(file, 0, FIXED + LONGEST_PATH)?;
        let size = file.size()?;
        Ok(Self::decode(&bytes).filter(|header| header.length == size && header.size() <= size))
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes.strip_prefix(&MAGIC)?);
        let (length, crc) = (fields.u32()?, fields.u32()?);
        let content = fields.take((length as usize).checked_sub(16)?)?;
        if crc32fast::hash(content) != crc {
            return None;
        }
        let mut fields = Fields(content);
        let (old, new) = (fields.file_id()?, fields.file_id()?);
        let (id, length, events) = (fields.u128()?, fields.u64()?, fields.u64()?);
        let month = std::str::from_utf8(fields.take(8)?.strip_suffix(b"\0")?).ok()?;
        fields.u32()?;
        let place = ArchivePlace::of(std::str::from_utf8(fields.0).ok()?);
        let is_month = month.len() == 7 && month.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        is_month.then(|| Self { old, new, id, length, events, month: month.to_owned(), place })
    }
}

/// An eviction in the making, or made and not over.
pub(crate) struct Eviction {
    file: Box<dyn File>,
    name: String,
    uuid: String,
    header: Header,
    /// How many members it has.
    members: u32,
    /// The log may be the new one: this process can no longer say that nothing was evicted.
    may_have_happened: bool,
}

impl Eviction {
    /// An empty one.
    pub(crate) fn create(
        folder: &Folder,
        place: &ArchivePlace,
        old: FileId,
        new: FileId,
    ) -> io::Result<Self> {
        let name_of = |id| eviction(&new_id(id), Draft);
        let (name, id, file) = folder.create_locked(name_of, |_| Ok(()))?;
        let month = month_of(folder.now_ms());
        let header = Header { old, new, id, length: 0, events: 0, month, place: place.clone() };
        Ok(Self::empty(file, name, new_id(id), header))
    }

    /// An empty one in place of another, of which only a part has happened. It is a draft until it
    /// [has happened](Eviction::has_happened).
    pub(crate) fn part_of(folder: &Folder, uuid: &str, whole: &Header) -> io::Result<Self> {
        let name = temporary(&eviction(uuid, Happened), &new_id(folder.random()));
        let header = Header { events: 0, ..whole.clone() };
        let file = folder.open(&name, Open::New)?;
        file.try_lock()?;
        Ok(Self::empty(file, name, uuid.to_owned(), header))
    }

    fn empty(file: Box<dyn File>, name: String, uuid: String, mut header: Header) -> Self {
        header.length = header.size();
        Self { file, name, uuid, header, members: 0, may_have_happened: false }
    }

    /// Takes the lines at `rows` of a log, and brings all to stable storage.
    pub(crate) fn take(
        &mut self,
        folder: &Folder,
        log: &dyn File,
        columns: &Columns,
        rows: &[u32],
    ) -> io::Result<()> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut block = Block::default();
        let mut run = LineRun::default();
        let mut size = 0;
        for &row in rows {
            let range = columns.range(row as usize);
            if let Some(done) = run.add(&range) {
                copy(done, log, &mut block)?;
            }
            block.count(columns.time(row as usize));
            size += range.end - range.start + 1;
            if size >= BLOCK as u64 {
                copy(std::mem::take(&mut run), log, &mut block)?;
                blocks.push(std::mem::take(&mut block));
                size = 0;
                if blocks.len() >= AT_ONCE {
                    self.write(folder, &mut blocks)?;
                }
            }
        }
        copy(run, log, &mut block)?;
        self.finish(folder, blocks, block)
    }

    /// Takes whole lines, and brings all to stable storage.
    pub(crate) fn take_lines(&mut self, folder: &Folder, lines: &[u8]) -> io::Result<()> {
        let (mut blocks, mut block) = (Vec::new(), Block::default());
        for line in lines.split_inclusive(|&byte| byte == b'\n') {
            block.text.extend_from_slice(line);
            // Of any time: these are few, and are not looked for by their time.
            block.count(f64::NAN);
            if block.text.len() >= BLOCK {
                blocks.push(std::mem::take(&mut block));
            }
        }
        self.finish(folder, blocks, block)
    }

    fn finish(&mut self, folder: &Folder, mut blocks: Vec<Block>, last: Block) -> io::Result<()> {
        blocks.extend((last.events > 0).then_some(last));
        self.write(folder, &mut blocks)?;
        write_all_at(&*self.file, &self.header.encode(), 0)?;
        self.file.sync()
    }

    /// Deflates blocks, on several threads if there are any, and writes them.
    fn write(&mut self, folder: &Folder, blocks: &mut Vec<Block>) -> io::Result<()> {
        let time = &folder.background().time;
        let id = self.header.id;
        let mut members: Vec<(u32, &Block, io::Result<Vec<u8>>)> =
            (self.members..).zip(&*blocks).map(|(number, block)| (number, block, Ok(Vec::new()))).collect();
        let share = members.len().div_ceil(time.processors().max(1)).max(1);
        time.together(
            members
                .chunks_mut(share)
                .map(|some| {
                    Box::new(move || {
                        for (number, block, member) in some {
                            *member = block.member(id, *number);
                        }
                    }) as Box<dyn FnOnce() + Send>
                })
                .collect(),
        );
        for (_, block, member) in members {
            let member = member?;
            write_all_at(&*self.file, &member, self.header.length)?;
            self.header.length += member.len() as u64;
            self.header.events += u64::from(block.events);
            self.members += 1;
        }
        blocks.clear();
        Ok(())
    }

    /// The name of the file as long as it need not have happened.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Length of the file.
    pub(crate) fn length(&self) -> u64 {
        self.header.length
    }

    /// The log is about to be replaced. From now on the log shows whether this has happened.
    pub(crate) fn may_happen(&mut self, folder: &Folder) -> io::Result<()> {
        let name = eviction(&self.uuid, Undecided);
        folder.rename(&self.name, &name)?;
        self.name = name;
        self.may_have_happened = true;
        // The lock shows that the maker of a draft lives. From here on it would only keep readers out, where locks are
        // mandatory.
        let _ = self.file.unlock();
        Ok(())
    }

    /// Says that it has happened: the log was replaced, durably. Should this fail, the log shows it.
    pub(crate) fn has_happened(&self, folder: &Folder) -> io::Result<()> {
        folder.rename(&self.name, &eviction(&self.uuid, Happened))
    }

    /// Nothing was evicted, unless the log says otherwise.
    pub(crate) fn discard(&self, folder: &Folder) {
        if !self.may_have_happened {
            let _ = folder.remove(&self.name);
        }
    }
}

/// Copies a run of lines to the end of a block.
fn copy(run: LineRun, log: &dyn File, block: &mut Block) -> io::Result<()> {
    run.copy(log, &mut |bytes| {
        block.text.extend_from_slice(bytes);
        Ok(())
    })
}

/// The month of a time, of UTC: "2026-11".
fn month_of(ms: u64) -> String {
    // Howard Hinnant's civil_from_days: years begin in March, eras last 400 years.
    let days = ms / 86_400_000 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}", (year + era * 400 + next).min(9999))
}

#[cfg(test)]
mod tests {
    use super::{Header, month_of};
    use crate::archive::ArchivePlace;
    use crate::disk::FileId;

    #[test]
    fn months_are_those_of_the_calendar() {
        for (ms, month) in [
            (0, "1970-01"),
            (951_782_399_999, "2000-02"),
            (951_868_800_000, "2000-03"),
            (1_795_737_599_999, "2026-11"),
            (1_796_083_200_000, "2026-12"),
            (1_798_761_600_000, "2027-01"),
            (u64::MAX, "9999-"),
        ] {
            assert!(month_of(ms).starts_with(month), "{ms}: {}", month_of(ms));
        }
    }

    #[test]
    fn a_header_survives_the_trip_and_no_flipped_bit() {
        let id = |n| FileId { device: n, inode: n + 1, born_ns: n + 2 };
        for place in [ArchivePlace::Beside, ArchivePlace::At("/mnt/archive ä".to_owned())] {
            let header = Header {
                old: id(1),
                new: id(5),
                id: 9,
                length: 77,
                events: 3,
                month: "2026-11".to_owned(),
                place,
            };
            let bytes = header.encode();
            assert_eq!(bytes.len() as u64, header.size());
            assert_eq!(Header::decode(&bytes), Some(header.clone()));
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1;
                assert_ne!(Header::decode(&damaged), Some(header.clone()), "byte {at}");
            }
        }
    }
}
