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
use crate::hints::fields::Fields;
use crate::hints::move_entry::{LogName, Move, anchor, first_line};
use crate::hints::origins::{Counts, Origins};
use crate::paths::{MOVES, new_id, temporary};

const MAGIC: u32 = u32::from_le_bytes(*b"GLMV");
const VERSION: u32 = 1;
const HEAD: usize = 16;
/// Most moves that are kept.
const MOST: usize = 16;
/// Most bytes of them; the newest counts even if it is larger, up to what its runs are bounded to.
const MOST_BYTES: usize = 1 << 20;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hints::move_entry::tests::{a_move, name};

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
}
