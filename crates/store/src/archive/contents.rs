//! The lines of an archive, some of them at a time.
//!
//! A gap between members may be gzip of another program: `cat` and `gzip` make archives too. It is read as such; what
//! cannot be read is damage, which costs no more than itself.
//!
//! Invariant: what is handed out is whole lines. Memory is bounded by the lines of a member, or by the longest line.

use std::io::{self, BufRead, Read};
use std::ops::Range;
use std::sync::Arc;

use flate2::bufread::GzDecoder;

use crate::archive::ArchivePlace;
use crate::archive::member::{BLOCK, MAGIC};
use crate::archive::members::{Members, Stretch};
use crate::archive::snapshot::{Piece, Snapshot};
use crate::disk::File;
use crate::disk::bytes::{CHUNK, read_range, read_whole};
use crate::disk::lines::end_of_lines;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::limits::MAX_READ_LINE;
use crate::paths::LOG;

/// What is wrong with a file of an archive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Damage {
    /// Which file: its name in its folder.
    pub(crate) file: String,
    /// Which bytes cannot be read.
    pub(crate) place: Range<u64>,
}

/// See the head of this file.
pub(crate) struct Contents {
    snapshot: Snapshot,
    /// Which piece is read, and how far.
    piece: usize,
    members: Option<Members>,
    /// Gzip of another program, which is being read.
    other: Option<Other>,
    /// What was found to be damaged.
    pub(crate) damage: Vec<Damage>,
}

/// The lines of an archive and of the log behind it, as of one moment, some at a time.
pub struct BothLines {
    contents: Contents,
    log: Option<Box<dyn File>>,
    /// How far the log was read, and where it ends.
    log_position: (u64, u64),
    folder: Folder,
}

impl BothLines {
    pub(crate) fn open(folder: &Folder, place: &ArchivePlace) -> Result<Self> {
        let mut snapshot = Snapshot::open(folder, place)?;
        let log = snapshot.log.take();
        let end = match &log {
            Some(log) => log.size().map_err(|error| folder.failed("lseek", LOG, &error))?,
            None => 0,
        };
        let contents = Contents::new(snapshot);
        Ok(Self { contents, log, log_position: (0, end), folder: folder.clone() })
    }

    /// The next lines, each ending in a newline but perhaps the last of all; `None` at the end.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn next_lines(&mut self) -> Result<Option<Vec<u8>>> {
        if let Some(lines) = self.contents.next((f64::NEG_INFINITY, f64::INFINITY))? {
            return Ok(Some(lines));
        }
        let (position, end) = self.log_position;
        let Some(log) = self.log.as_ref().filter(|_| position < end) else { return Ok(None) };
        let failed = |error: io::Error| self.folder.failed("read", LOG, &error);
        let mut step = CHUNK as u64;
        let upto = loop {
            let upto = end.min(position + step);
            let whole = end_of_lines(&**log, position, upto).map_err(failed)?;
            if whole > position || upto == end {
                break if upto == end { end } else { whole };
            }
            // A line longer than the step.
            step *= 2;
        };
        let length = usize::try_from(upto - position).unwrap_or(usize::MAX);
        let lines = read_range(&**log, position, length).map_err(failed)?;
        self.log_position.0 = if lines.is_empty() { end } else { upto };
        Ok((!lines.is_empty()).then_some(lines))
    }
}

/// Whether the bytes are wrong, rather than that they cannot be had.
fn is_of_the_bytes(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, IsADirectory, UnexpectedEof};
    matches!(error.kind(), InvalidData | InvalidInput | IsADirectory | UnexpectedEof)
        && error.raw_os_error().is_none()
}

/// Gzip of another program, member after member.
struct Other {
    /// `None` for an instant while one member follows another.
    decoder: Option<GzDecoder<Bytes>>,
    /// Where the member begins.
    start: u64,
    end: u64,
    /// The beginning of a line whose end was not read yet.
    line: Vec<u8>,
}

impl Other {
    fn new(file: &Arc<dyn File>, place: Range<u64>) -> Self {
        let Range { start, end } = place;
        let bytes = Bytes { file: Arc::clone(file), position: start, end, buffer: Vec::new(), at: 0 };
        Self { decoder: Some(GzDecoder::new(bytes)), start, end, line: Vec::new() }
    }

    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        while let Some(decoder) = &mut self.decoder {
            let before = self.line.len();
            let read = decoder.by_ref().take(BLOCK as u64).read_to_end(&mut self.line)?;
            if read == 0 {
                // The next member, if there is one.
                let bytes = self.decoder.take().map(GzDecoder::into_inner);
                let Some(bytes) = bytes.filter(|bytes| bytes.place() < self.end) else { break };
                self.start = bytes.place();
                self.decoder = Some(GzDecoder::new(bytes));
                continue;
            }
            let new = self.line.get(before..).unwrap_or_default();
            if let Some(newline) = memchr::memrchr(b'\n', new) {
                let rest = self.line.split_off(before + newline + 1);
                return Ok(Some(std::mem::replace(&mut self.line, rest)));
            }
            if self.line.len() > MAX_READ_LINE {
                // No program reads such a line.
                self.line.clear();
                self.line.push(0);
            }
        }
        let mut line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return Ok(None);
        }
        line.push(b'\n');
        Ok(Some(line))
    }
}

/// The bytes of a stretch of a file.
struct Bytes {
    file: Arc<dyn File>,
    position: u64,
    end: u64,
    buffer: Vec<u8>,
    at: usize,
}

impl Bytes {
    fn place(&self) -> u64 {
        self.position - (self.buffer.len() - self.at) as u64
    }
}

impl Read for Bytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Bytes {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.buffer.len() {
            let length = BLOCK.min(usize::try_from(self.end - self.position).unwrap_or(BLOCK));
            self.buffer = read_range(&*self.file, self.position, length)?;
            self.position += self.buffer.len() as u64;
            self.at = 0;
        }
        Ok(self.buffer.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, read: usize) {
        self.at += read;
    }
}

impl Contents {
    pub(crate) fn new(snapshot: Snapshot) -> Self {
        Self { snapshot, piece: 0, members: None, other: None, damage: Vec::new() }
    }

    /// The next lines, and the name of the file that they are in.
    pub(crate) fn next_named(&mut self) -> Result<Option<(Option<String>, Vec<u8>)>> {
        let Some(lines) = self.next((f64::NEG_INFINITY, f64::INFINITY))? else { return Ok(None) };
        let name = match self.snapshot.pieces.get(self.piece) {
            Some(Piece::File { name, .. }) => Some(name.clone()),
            _ => None,
        };
        Ok(Some((name, lines)))
    }

    /// The next lines; `None` at the end. Members that have no event of these times are passed over.
    pub(crate) fn next(&mut self, times: (f64, f64)) -> Result<Option<Vec<u8>>> {
        loop {
            match self.snapshot.pieces.get_mut(self.piece) {
                None => return Ok(None),
                Some(Piece::Lines(lines)) => {
                    let lines = std::mem::take(lines);
                    self.piece += 1;
                    return Ok(Some(lines));
                }
                Some(Piece::File { path, .. }) => {
                    let path = path.clone();
                    let next = self.next_of_file(times);
                    if let Some(lines) = next.map_err(|error| Error::io("read", path, &error))? {
                        return Ok(Some(lines));
                    }
                    self.piece += 1;
                    self.members = None;
                }
            }
        }
    }

    fn next_of_file(&mut self, (from, to): (f64, f64)) -> io::Result<Option<Vec<u8>>> {
        let Some(Piece::File { name, file, from: start, end, is_eviction, .. }) =
            self.snapshot.pieces.get(self.piece)
        else {
            return Ok(None);
        };
        let members = self.members.get_or_insert_with(|| Members::new(*start, *end));
        let mut damaged = |place: Range<u64>| self.damage.push(Damage { file: name.clone(), place });
        loop {
            if let Some(other) = &mut self.other {
                match other.next() {
                    Ok(Some(lines)) => return Ok(Some(lines)),
                    Ok(None) => {}
                    Err(error) if is_of_the_bytes(&error) => damaged(other.start..other.end),
                    Err(error) => return Err(error),
                }
                self.other = None;
            }
            match members.next(&**file)? {
                None => return Ok(None),
                Some(Stretch::Gap(place)) => {
                    let head = read_range(&**file, place.start, MAGIC.len())?;
                    let ours = MAGIC.starts_with(&head);
                    // What a process is about to write is still in its eviction.
                    let being_written = ours && place.end == *end && !self.snapshot.elsewhere.is_empty();
                    if ours && !being_written {
                        damaged(place);
                    } else if !ours {
                        self.other = Some(Other::new(file, place));
                    }
                }
                Some(Stretch::Member(at, head)) => {
                    if !is_eviction && self.snapshot.elsewhere.contains(&head.id)
                        || head.times.1 < from
                        || head.times.0 > to
                    {
                        continue;
                    }
                    match head.lines(&read_whole(&**file, at, head.length as usize)?) {
                        Some(lines) => return Ok(Some(lines)),
                        None => damaged(at..at + u64::from(head.length)),
                    }
                }
            }
        }
    }
}
