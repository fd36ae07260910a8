//! Some whole lines as one gzip member.
//!
//! ```text
//!  0  1f 8b 08 04, time 0, 0, ff     a gzip header with an extra field
//! 10  length of the extra field      little-endian, as all numbers
//! 12  "GL", length of what follows
//! 16  id of the eviction (16 bytes)
//! 32  number of the member in its eviction, length of the member, length of the lines, number of events
//! 48  first and last timestamp       two doubles; -∞ and +∞ if an event has none
//! 64  CRC of the 64 bytes before
//! 68  the lines, deflated; their CRC; their length
//! ```
//!
//! Any gzip reads members behind each other as one file. The head says where the next one begins without inflating
//! this one, and is found again behind damage.
//!
//! Invariant: whatever stands in a head is bounded and checked before anything is allocated by it.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use crate::hints::fields::Fields;
use crate::limits::MAX_READ_LINE;

/// Length of a head.
pub(crate) const HEAD: usize = 68;
/// About how long the lines of a member are: what damage costs at most, and what is held at once.
pub(crate) const BLOCK: usize = 256 << 10;
/// What each head begins with.
pub(crate) const MAGIC: [u8; 16] = *b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x38\0GL\x34\0";
const _: () = assert!(HEAD == 16 + 0x34, "the lengths in it");
const CHECKED: usize = HEAD - 4;
const TRAILER: usize = 8;
/// Fast, and nearly as small as the best: the lines resemble each other.
const LEVEL: Compression = Compression::new(2);

/// What a member says of itself.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Head {
    /// The eviction that it belongs to.
    pub(crate) id: u128,
    /// Which of its members it is.
    pub(crate) number: u32,
    /// Length of the member, this head included.
    pub(crate) length: u32,
    /// Length of the lines.
    pub(crate) text: u32,
    /// How many lines.
    pub(crate) events: u32,
    /// The first and the last timestamp.
    pub(crate) times: (f64, f64),
}

/// Lines that become a member.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) text: Vec<u8>,
    pub(crate) events: u32,
    pub(crate) times: (f64, f64),
}

impl Default for Block {
    fn default() -> Self {
        Self { text: Vec::new(), events: 0, times: (f64::INFINITY, f64::NEG_INFINITY) }
    }
}

impl Block {
    /// Counts an event, whose line is added by the caller.
    pub(crate) fn count(&mut self, time: f64) {
        self.events += 1;
        self.times = if time.is_nan() {
            (f64::NEG_INFINITY, f64::INFINITY)
        } else {
            (self.times.0.min(time), self.times.1.max(time))
        };
    }

    /// The member.
    pub(crate) fn member(&self, id: u128, number: u32) -> io::Result<Vec<u8>> {
        let mut deflated = DeflateEncoder::new(vec![0; HEAD], LEVEL);
        deflated.write_all(&self.text)?;
        let mut member = deflated.finish()?;
        let text = u32::try_from(self.text.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        member.extend_from_slice(&crc32fast::hash(&self.text).to_le_bytes());
        member.extend_from_slice(&text.to_le_bytes());
        let length = u32::try_from(member.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let head = Head { id, number, length, text, events: self.events, times: self.times };
        if let Some(place) = member.get_mut(..HEAD) {
            place.copy_from_slice(&head.encode());
        }
        Ok(member)
    }
}

impl Head {
    fn encode(&self) -> [u8; HEAD] {
        let mut bytes = Vec::with_capacity(HEAD);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.id.to_le_bytes());
        for number in [self.number, self.length, self.text, self.events] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for time in [self.times.0, self.times.1] {
            bytes.extend_from_slice(&time.to_le_bytes());
        }
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.try_into().unwrap_or([0; HEAD])
    }

    /// The head that the bytes begin with, if they do.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (checked, rest) = bytes.split_at_checked(CHECKED)?;
        if crc32fast::hash(checked) != Fields(rest).u32()? {
            return None;
        }
        let mut fields = Fields(checked.strip_prefix(&MAGIC)?);
        let id = fields.u128()?;
        let (number, length, text, events) = (fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?);
        let times = (fields.f64()?, fields.f64()?);
        let sane = length as usize >= HEAD + TRAILER && text as usize <= MAX_READ_LINE + BLOCK + 1;
        sane.then_some(Self { id, number, length, text, events, times })
    }

    /// The lines of a whole member; `None` if they are damaged.
    pub(crate) fn lines(&self, member: &[u8]) -> Option<Vec<u8>> {
        let (deflated, trailer) = member
            .get(HEAD..)?
            .split_last_chunk::<TRAILER>()
            .map(|(deflated, trailer)| (deflated, *trailer))?;
        let (crc, text) = trailer.split_first_chunk::<4>()?;
        let mut lines = Vec::new();
        lines.try_reserve_exact(self.text as usize).ok()?;
        DeflateDecoder::new(deflated).take(u64::from(self.text) + 1).read_to_end(&mut lines).ok()?;
        let whole = lines.len() == self.text as usize
            && text == self.text.to_le_bytes()
            && crc32fast::hash(&lines).to_le_bytes() == *crc;
        whole.then_some(lines)
    }
}

#[cfg(test)]
mod tests {
    use super::{Block, HEAD, Head};
    use std::io::Read;

    fn block() -> Block {
        let mut block = Block::default();
        for time in [3.0, 1.0, 2.0] {
            block.text.extend_from_slice(format!("{{\"timestamp\":{time}}}\n").as_bytes());
            block.count(time);
        }
        block
    }

    #[test]
    fn a_member_survives_the_trip_and_no_flipped_bit() {
        let block = block();
        let member = block.member(7, 2).unwrap();
        let head = Head::decode(&member).unwrap();
        assert_eq!((head.id, head.number, head.events, head.times), (7, 2, 3, (1.0, 3.0)));
        assert_eq!(head.length as usize, member.len());
        assert_eq!(head.lines(&member).as_deref(), Some(&*block.text));
        for at in 0..member.len() {
            let mut damaged = member.clone();
            damaged[at] ^= 1;
            let read = Head::decode(&damaged).and_then(|head| head.lines(&damaged));
            // A bit of padding behind the deflated lines may say nothing.
            assert!(read.is_none() || read.as_deref() == Some(&*block.text), "byte {at}");
            assert!(at >= HEAD || read.is_none(), "byte {at}");
        }
        assert_eq!(Head::decode(&member[..HEAD - 1]), None);
    }

    #[test]
    fn any_gzip_reads_members_as_one_file() {
        let both = [block().member(1, 0).unwrap(), block().member(1, 1).unwrap()].concat();
        let mut text = Vec::new();
        flate2::read::MultiGzDecoder::new(&*both).read_to_end(&mut text).unwrap();
        assert_eq!(text, [block().text, block().text].concat());
    }

    #[test]
    fn an_event_without_a_time_is_of_any_time() {
        let mut block = block();
        block.count(f64::NAN);
        block.count(5.0);
        assert_eq!(block.times, (f64::NEG_INFINITY, f64::INFINITY));
    }
}
