//! `.events.moves`: where the lines of the last logs went when these were replaced, so that a reader that had seen a
//! part of one knows what of the next it has seen.
//!
//! ```text
//!  0  magic, version, length of the rest, CRC-32 of the rest      4 bytes each
//! 16  moves, the newest last; each: length (4 bytes), then
//!       old log (inode, born, generation), new log (the same), selected, kept, upto,
//!       boot, counts (source, moved, fresh, known, late), flag and anchor   8 bytes each
//!       runs of the kept part: length, origin                          varints
//! ```
//!
//! All numbers are little-endian. A new log has two parts: what the rewrite chose or made, `kept` bytes long, and the
//! lines of the old one from `selected` to `upto`, as they stood there. What comes behind these is new. An origin is 0
//! for a line that was in no log before, 1 for one that was in some earlier log, else 2 and the distance from the end
//! of the run before, zigzag.
//!
//! A log is known by its inode, its time of birth and a generation: a random number that its rewrite drew or, where
//! no rewrite of ours made the log, a hash of its first line. So a number that the file system uses again misleads no
//! reader.
//!
//! Invariant: the file is a hint, replaced whole by renaming. Whatever stands in it is bounded and checked, a move
//! whose new log is not recognised by the bytes before the end of its second part is ignored, and the file is written
//! before the new log gets its name. Only the holder of the folder lock writes it.

use std::io;
use std::sync::Arc;

use crate::disk::bytes::{read_range, write_all_at};
use crate::disk::{File, Open, Stat};
use crate::folder::Folder;
use crate::hints::fields::{Fields, put_varint};
use crate::hints::origins::{Counts, Origin, Origins, Run};
use crate::paths::{MOVES, new_id, temporary};

const MAGIC: u32 = u32::from_le_bytes(*b"GLMV");
const VERSION: u32 = 1;
const HEAD: usize = 16;
/// Most moves that are kept.
const MOST: usize = 16;
/// Most bytes of them; the newest counts even if it is larger, up to what its runs are bounded to.
const MOST_BYTES: usize = 1 << 20;
/// How many bytes before an offset are checked.
const ANCHOR: u64 = 256;

/// A log, as distinct from all others that had its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct LogName {
    /// Number of the file.
    pub(crate) inode: u64,
    /// When it was born, 0 where the file system does not say.
    pub(crate) born_ns: u64,
    /// See the head of this file; 0 while there is no line.
    pub(crate) generation: u64,
}

/// One rewrite. See the head of this file.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Move {
    pub(crate) old: LogName,
    pub(crate) new: LogName,
    /// End of what was selected from.
    pub(crate) selected: u64,
    /// Length of the new log's first part.
    pub(crate) kept: u64,
    /// Where the lines of the old log end that are in the second part.
    pub(crate) upto: u64,
    /// The boot of the machine, see [`Disk::boot`](crate::disk::Disk::boot).
    pub(crate) boot: u64,
    pub(crate) counts: Counts,
    /// CRC-32 of the [`ANCHOR`] bytes of the new log before the end of its second part.
    pub(crate) anchor: u32,
    /// The first part, run by run, each with its start; `None` if there were too many.
    pub(crate) runs: Option<Vec<(u64, Run)>>,
}

impl Move {
    /// Where the new log's two parts end.
    pub(crate) fn end(&self) -> u64 {
        self.kept.saturating_add(self.upto.saturating_sub(self.selected))
    }

    /// How many events of the old log are not in the new one.
    pub(crate) fn evicted(&self) -> u64 {
        self.counts.source.saturating_sub(self.counts.moved)
    }

    /// Where a line of the new log comes from.
    pub(crate) fn origin(&self, position: u64) -> Origin {
        if position >= self.end() {
            return Origin::Fresh;
        }
        if position >= self.kept {
            return Origin::Old(self.selected + (position - self.kept));
        }
        // Without runs it is asked for only where every line was seen.
        let Some(runs) = &self.runs else { return Origin::Known };
        let at = runs.partition_point(|(start, _)| *start <= position);
        match at.checked_sub(1).and_then(|at| runs.get(at)) {
            Some((start, Run { origin: Origin::Old(old), .. })) => {
                Origin::Old(old.saturating_add(position - start))
            }
            Some((_, run)) => run.origin,
            None => Origin::Fresh,
        }
    }

    /// Where a byte of the old log is in the new one, if its line has gone there.
    pub(crate) fn place(&self, old: u64) -> Option<u64> {
        if (self.selected..self.upto).contains(&old) {
            return Some(self.kept + (old - self.selected));
        }
        self.runs.as_ref()?.iter().find_map(|(start, run)| match run.origin {
            Origin::Old(from) if (from..from.saturating_add(run.length)).contains(&old) => {
                Some(start + (old - from))
            }
            _ => None,
        })
    }

    /// Whether it says what became of the lines for a reader that has seen the old log up to `offset`.
    pub(crate) fn tells(&self, offset: u64) -> bool {
        self.runs.is_some() || (offset >= self.selected && self.counts.fresh == 0)
    }

    fn recognises(&self, log: &dyn File, stat: &Stat) -> io::Result<bool> {
        let same = self.new.inode == stat.id.inode && self.new.born_ns == stat.id.born_ns;
        Ok(same && stat.size >= self.end() && anchor(log, self.end())? == self.anchor)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for LogName { inode, born_ns, generation } in [self.old, self.new] {
            for number in [inode, born_ns, generation] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        let Counts { source, moved, fresh, known, late } = self.counts;
        let flag = u64::from(self.runs.is_some()) << 32 | u64::from(self.anchor);
        for number in
            [self.selected, self.kept, self.upto, self.boot, source, moved, fresh, known, late, flag]
        {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let mut end = 0_u64;
        for (_, Run { length, origin }) in self.runs.iter().flatten() {
            put_varint(&mut bytes, *length);
            match *origin {
                Origin::Fresh => put_varint(&mut bytes, 0),
                Origin::Known => put_varint(&mut bytes, 1),
                Origin::Old(old) => {
                    put_varint(&mut bytes, zigzag(old, end).saturating_add(2));
                    end = old.saturating_add(*length);
                }
            }
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let mut name =
            || Some(LogName { inode: fields.u64()?, born_ns: fields.u64()?, generation: fields.u64()? });
        let (old, new) = (name()?, name()?);
        let (selected, kept, upto, boot) = (fields.u64()?, fields.u64()?, fields.u64()?, fields.u64()?);
        let counts = Counts {
            source: fields.u64()?,
            moved: fields.u64()?,
            fresh: fields.u64()?,
            known: fields.u64()?,
            late: fields.u64()?,
        };
        let flag = fields.u64()?;
        let anchor = u32::try_from(flag & u64::from(u32::MAX)).ok()?;
        let mut runs = (flag >> 32 == 1).then(Vec::new);
        let (mut start, mut end) = (0_u64, 0_u64);
        if let Some(runs) = &mut runs {
            while !fields.0.is_empty() {
                let length = fields.varint()?;
                let origin = match fields.varint()? {
                    0 => Origin::Fresh,
                    1 => Origin::Known,
                    distance => {
                        let old = unzigzag(distance - 2, end)?;
                        end = old.checked_add(length)?;
                        Origin::Old(old)
                    }
                };
                runs.push((start, Run { length, origin }));
                start = start.checked_add(length)?;
            }
            if start != kept {
                return None;
            }
        }
        (selected <= upto && kept.checked_add(upto - selected).is_some()).then_some(Self {
            old,
            new,
            selected,
            kept,
            upto,
            boot,
            counts,
            anchor,
            runs,
        })
    }
}

/// How far `to` is from `from`, as a number that is small for both signs.
fn zigzag(to: u64, from: u64) -> u64 {
    let distance = to.wrapping_sub(from).cast_signed();
    ((distance << 1) ^ (distance >> 63)).cast_unsigned()
}

fn unzigzag(number: u64, from: u64) -> Option<u64> {
    let half = i64::try_from(number >> 1).ok()?;
    from.checked_add_signed(if number & 1 == 1 { -half - 1 } else { half })
}

fn anchor(log: &dyn File, offset: u64) -> io::Result<u32> {
    let length = offset.min(ANCHOR);
    let bytes = read_range(log, offset - length, usize::try_from(length).unwrap_or(0))?;
    Ok(crc32fast::hash(&bytes))
}

/// What a rewrite is about to do.
pub(crate) struct Planned<'a> {
    /// The log that is replaced.
    pub(crate) old: (&'a dyn File, Stat),
    /// The one that takes its place.
    pub(crate) new: &'a dyn File,
    pub(crate) selected: u64,
    pub(crate) kept: u64,
    pub(crate) upto: u64,
    /// Events of the old log up to `selected`, and of the second part of the new one.
    pub(crate) source: u64,
    pub(crate) late: u64,
    pub(crate) origins: &'a Origins,
}

/// The last moves of a folder's log, the newest last.
#[derive(Default)]
pub(crate) struct Moves(Vec<Arc<Move>>);

impl Moves {
    /// Reads the file. Anything that is not valid counts as none.
    pub(crate) fn load(folder: &Folder) -> Self {
        folder.open(MOVES, Open::Read).and_then(|file| Self::read(&*file)).unwrap_or_default()
    }

    fn read(file: &dyn File) -> io::Result<Self> {
        let most = HEAD + 2 * MOST_BYTES;
        let bytes = read_range(file, 0, most.min(usize::try_from(file.size()?).unwrap_or(most)))?;
        Ok(Self::decode(&bytes).unwrap_or_default())
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        if fields.u32()? != MAGIC || fields.u32()? != VERSION {
            return None;
        }
        let (length, crc) = (fields.u32()?, fields.u32()?);
        let body = fields.0.get(..length as usize)?;
        if crc32fast::hash(body) != crc {
            return None;
        }
        let (mut fields, mut moves) = (Fields(body), Vec::new());
        while !fields.0.is_empty() && moves.len() < MOST {
            let length = fields.u32()? as usize;
            moves.push(Arc::new(Move::decode(fields.take(length)?)?));
        }
        Some(Self(moves))
    }

    fn encode(&self) -> Vec<u8> {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        let mut length = 0;
        for bytes in self.0.iter().rev().map(|each| each.encode()).take(MOST) {
            length += bytes.len() + 4;
            if !kept.is_empty() && length > MOST_BYTES {
                break;
            }
            kept.push(bytes);
        }
        let mut body = Vec::new();
        for bytes in kept.iter().rev() {
            body.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(0).to_le_bytes());
            body.extend_from_slice(bytes);
        }
        let mut text = Vec::with_capacity(HEAD + body.len());
        for number in [MAGIC, VERSION, u32::try_from(body.len()).unwrap_or(0), crc32fast::hash(&body)] {
            text.extend_from_slice(&number.to_le_bytes());
        }
        text.extend_from_slice(&body);
        text
    }

    /// What an open log is known by.
    pub(crate) fn name_of(&self, log: &dyn File, stat: &Stat) -> io::Result<LogName> {
        for known in self.0.iter().rev() {
            if known.recognises(log, stat)? {
                return Ok(known.new);
            }
        }
        let generation = first_line(log)?;
        Ok(LogName { inode: stat.id.inode, born_ns: stat.id.born_ns, generation })
    }

    /// The moves that lead from one log to another, of which a reader has seen the first up to `offset`; `None` if they
    /// are not known.
    pub(crate) fn chain(&self, from: LogName, to: LogName, offset: u64) -> Option<Vec<Arc<Move>>> {
        let (mut chain, mut at, mut seen) = (Vec::new(), from, offset);
        while at != to {
            let next = self.0.iter().rev().find(|each| each.old == at && each.tells(seen))?;
            chain.push(Arc::clone(next));
            if chain.len() > self.0.len() {
                return None;
            }
            (at, seen) = (next.new, 0);
        }
        Some(chain)
    }

    /// The move that made a log.
    pub(crate) fn that_made(&self, log: LogName) -> Option<&Move> {
        self.0.iter().rev().find(|each| each.new == log).map(|each| &**each)
    }

    /// Adds the move that a rewrite is about to make, durably. The folder lock is held.
    pub(crate) fn record(folder: &Folder, planned: &Planned<'_>) -> io::Result<()> {
        let mut moves = Self::load(folder);
        let (old, old_stat) = &planned.old;
        let new = planned.new.stat()?.id;
        let generation = u64::try_from(folder.random() >> 64).unwrap_or(1).max(1);
        let mut made = Move {
            old: moves.name_of(*old, old_stat)?,
            new: LogName { inode: new.inode, born_ns: new.born_ns, generation },
            selected: planned.selected,
            kept: planned.kept,
            upto: planned.upto,
            boot: folder.boot(),
            counts: Counts { source: planned.source, late: planned.late, ..planned.origins.counts() },
            anchor: 0,
            runs: planned.origins.runs(),
        };
        made.anchor = anchor(planned.new, made.end())?;
        // A rewrite of the same log that failed before has moved nothing.
        moves.0.retain(|other| other.old != made.old);
        moves.0.push(Arc::new(made));
        moves.install(folder)
    }

    fn install(&self, folder: &Folder) -> io::Result<()> {
        let name = temporary(MOVES, &new_id(folder.random()));
        let file = folder.open(&name, Open::New)?;
        let written =
            file.try_lock().and_then(|_| write_all_at(&*file, &self.encode(), 0)).and_then(|()| file.sync());
        // Closed before: Windows renames nothing that is open.
        drop(file);
        let installed = written.and_then(|()| folder.rename(&name, MOVES));
        if installed.is_err() {
            let _ = folder.remove(&name);
        }
        installed
    }
}

/// A hash of the first line, as far as it is within the first 256 bytes; 0 if there is no line yet.
fn first_line(log: &dyn File) -> io::Result<u64> {
    let bytes = read_range(log, 0, 256)?;
    let line = match memchr::memchr(b'\n', &bytes) {
        Some(end) => bytes.get(..end).unwrap_or_default(),
        None if bytes.len() < 256 => return Ok(0),
        None => &bytes,
    };
    Ok(fnv(line).max(1))
}

/// FNV-1a: a hash that is the same in every process and every version.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(inode: u64) -> LogName {
        LogName { inode, born_ns: 7, generation: inode * 3 }
    }

    fn a_move() -> Move {
        let mut origins = Origins::default();
        origins.add(30, Origin::Old(100), 30);
        origins.add(10, Origin::Fresh, 0);
        origins.add(20, Origin::Old(40), 20);
        origins.add(20, Origin::Old(60), 20);
        origins.add(5, Origin::Known, 0);
        Move {
            old: name(1),
            new: name(2),
            selected: 130,
            kept: 85,
            upto: 150,
            boot: 5,
            counts: Counts { source: 9, ..origins.counts() },
            anchor: 77,
            runs: origins.runs(),
        }
    }

    #[test]
    fn a_line_is_traced_to_its_old_place() {
        let made = a_move();
        assert_eq!(made.runs.as_ref().map(Vec::len), Some(4), "neighbours are one run");
        let places = [0, 29, 30, 40, 79, 80, 85, 104, 105].map(|position| made.origin(position));
        let old = Origin::Old;
        let expected =
            [old(100), old(129), Origin::Fresh, old(40), old(79), Origin::Known, old(130), old(149)];
        assert_eq!(places[..8], expected);
        assert_eq!(places[8], Origin::Fresh, "what came behind is new");
        assert_eq!(made.evicted(), 6);
        assert_eq!([0, 105, 130, 45].map(|old| made.place(old)), [None, Some(5), Some(85), Some(45)]);
    }

    #[test]
    fn the_file_survives_the_trip_and_no_flipped_bit() {
        let moves = Moves(vec![Arc::new(a_move()), Arc::new(Move { runs: None, ..a_move() })]);
        let bytes = moves.encode();
        let again = Moves::decode(&bytes).unwrap();
        assert_eq!(*again.0[0], a_move());
        assert_eq!(again.0[1].runs, None);
        for at in 0..bytes.len() {
            let mut torn = bytes.clone();
            torn[at] ^= 1;
            assert!(Moves::decode(&torn).is_none(), "byte {at}");
        }
        assert!(Moves::decode(&bytes[..40]).is_none());
    }

    #[test]
    fn moves_are_bounded_and_chained() {
        let each = |at: u64| Arc::new(Move { old: name(at), new: name(at + 1), ..a_move() });
        let moves = Moves((0..40).map(each).collect());
        let moves = Moves::decode(&moves.encode()).unwrap();
        assert_eq!(moves.0.len(), MOST);
        assert!(moves.chain(name(23), name(40), 0).is_none());
        assert_eq!(moves.chain(name(24), name(40), 0).map(|chain| chain.len()), Some(16));
        assert_eq!(moves.chain(name(40), name(40), 0).map(|chain| chain.len()), Some(0));
        let circle = Moves(vec![each(1), Arc::new(Move { old: name(2), new: name(1), ..a_move() })]);
        assert!(circle.chain(name(1), name(3), 0).is_none());
    }

    #[test]
    fn zigzag_is_exact_at_the_ends() {
        for (to, from) in [(0, 0), (5, 9), (9, 5), (1 << 62, 0), (0, 1 << 62)] {
            assert_eq!(unzigzag(zigzag(to, from), from), Some(to));
        }
    }
}
