//! Numbers taken off the front of bytes that any program may have written.
//!
//! Invariant: what is not there is `None`; nothing here panics or allocates.

use crate::disk::FileId;

/// What is left.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    /// What stands in a slot behind its magic number and its version, if both are these and the CRC-32 at its end is
    /// that of all before.
    pub(crate) fn of_slot(slot: &'a [u8], magic: u32, version: u32) -> Option<Self> {
        let (content, crc) = slot.split_last_chunk::<4>()?;
        let mut fields = Self(content);
        let known = crc32fast::hash(content) == u32::from_le_bytes(*crc)
            && fields.u32()? == magic
            && fields.u32()? == version;
        known.then_some(fields)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_le_bytes(*number))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    pub(crate) fn u128(&mut self) -> Option<u128> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u128::from_le_bytes(*number))
    }

    pub(crate) fn f64(&mut self) -> Option<f64> {
        self.u64().map(f64::from_bits)
    }

    pub(crate) fn file_id(&mut self) -> Option<FileId> {
        Some(FileId { device: self.u64()?, inode: self.u64()?, born_ns: self.u64()? })
    }

    /// A number of seven bits a byte, the lowest first.
    pub(crate) fn varint(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.0.split_first()?;
            self.0 = rest;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

/// Adds a number as [`Fields::varint`] reads it.
pub(crate) fn put_varint(bytes: &mut Vec<u8>, mut number: u64) {
    let low = |number: u64| u8::try_from(number & 0x7F).unwrap_or(0);
    while number >= 0x80 {
        bytes.push(low(number) | 0x80);
        number >>= 7;
    }
    bytes.push(low(number));
}
