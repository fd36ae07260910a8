//! Strings numbered in the order of their first appearance.
//!
//! Tasks and rules repeat over many events; a column keeps a number of four bytes for each. Invariant:
//! numbers are dense, and a number never changes its string. The strings stand one behind the other in one
//! buffer, so that 300,000 distinct tasks cost their bytes and about 16 more each. Strings are WTF-8 (see
//! `text`).

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// A set of strings with numbers.
#[derive(Clone, Default)]
pub struct Interner {
    bytes: Vec<u8>,
    /// End of each string in `bytes`; it starts where the one before ends.
    ends: Vec<usize>,
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// The number of `string`, which is added if new. `None` once there are 2^32 of them.
    pub fn intern(&mut self, string: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(string);
        let Self { bytes, ends, numbers, hasher } = self;
        if let Some(&number) = numbers.find(hash, |&number| string_at(bytes, ends, number) == string) {
            return Some(number);
        }
        let number = u32::try_from(ends.len()).ok()?;
        bytes.extend_from_slice(string);
        ends.push(bytes.len());
        numbers.insert_unique(hash, number, |&number| hasher.hash_one(string_at(bytes, ends, number)));
        Some(number)
    }

    /// The number of `string`, if it was ever added.
    #[must_use]
    pub fn find(&self, string: &[u8]) -> Option<u32> {
        let hash = self.hasher.hash_one(string);
        self.numbers.find(hash, |&number| self.get(number) == string).copied()
    }

    /// The string of a number; empty if there is none.
    #[must_use]
    pub fn get(&self, number: u32) -> &[u8] {
        string_at(&self.bytes, &self.ends, number)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all strings together.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len()
    }

    /// All strings, by number.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..).take(self.ends.len()).map(|number| self.get(number))
    }
}

fn string_at<'a>(bytes: &'a [u8], ends: &[usize], number: u32) -> &'a [u8] {
    let number = number as usize;
    let start = number.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
    ends.get(number).and_then(|&end| bytes.get(start..end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Interner;

    #[test]
    fn numbers_are_dense_and_stable() {
        let mut interner = Interner::default();
        for round in 0..2 {
            for n in 0..10_000_u32 {
                assert_eq!(interner.intern(format!("task-{n}").as_bytes()), Some(n), "round {round}");
            }
        }
        assert_eq!(interner.len(), 10_000);
        assert_eq!(interner.get(7), b"task-7");
        assert_eq!(interner.find(b"task-9999"), Some(9999));
        assert_eq!(interner.find(b"task-10000"), None);
        assert_eq!(interner.iter().nth(123), Some(&b"task-123"[..]));
        assert_eq!(interner.get(10_000), b"", "an unknown number has no string");
    }
}
