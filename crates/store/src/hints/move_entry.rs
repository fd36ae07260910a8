//! One rewrite, as `.events.moves` describes it: which log was replaced by which, and where the lines of the new one
//! stood in the old.
//!
//! Invariant: what does not decode is none; a log is recognised by its name and by the bytes before an offset.

use std::io;

use crate::disk::bytes::read_range;
use crate::disk::{File, Stat};
use crate::hints::fields::{Fields, put_varint};
use crate::hints::origins::{Counts, Origin, Run};

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

    pub(crate) fn recognises(&self, log: &dyn File, stat: &Stat) -> io::Result<bool> {
        let same = self.new.inode == stat.id.inode && self.new.born_ns == stat.id.born_ns;
        Ok(same && stat.size >= self.end() && anchor(log, self.end())? == self.anchor)
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
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

    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
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

pub(crate) fn anchor(log: &dyn File, offset: u64) -> io::Result<u32> {
    let length = offset.min(ANCHOR);
    let bytes = read_range(log, offset - length, usize::try_from(length).unwrap_or(0))?;
    Ok(crc32fast::hash(&bytes))
}

/// A hash of the first line, as far as it is within the first 256 bytes; 0 if there is no line yet.
pub(crate) fn first_line(log: &dyn File) -> io::Result<u64> {
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
pub(crate) mod tests {
    use super::*;
    use crate::hints::origins::Origins;

    pub(crate) fn name(inode: u64) -> LogName {
        LogName { inode, born_ns: 7, generation: inode * 3 }
    }

    pub(crate) fn a_move() -> Move {
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
    fn zigzag_is_exact_at_the_ends() {
        for (to, from) in [(0, 0), (5, 9), (9, 5), (1 << 62, 0), (0, 1 << 62)] {
            assert_eq!(unzigzag(zigzag(to, from), from), Some(to));
        }
    }
}
