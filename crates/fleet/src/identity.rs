//! What makes two events the same one in a shared store, for ever.
//!
//! Invariant: none of these mappings may ever change. A resent event is known by its key and its time; a client that
//! computed either in another way would store it a second time. All of them are of the bytes from `{` to `}`, since
//! rewrites of a log drop the white space around an event.

use event::line::{Event, Task};
use sha2::{Digest, Sha256};

/// Microseconds from 1970 to 2000, from where `PostgreSQL` counts.
const EPOCH: i64 = 946_684_800_000_000;
/// The first time that `timestamptz` has, 4713 BC, in microseconds since 1970.
const FIRST: f64 = -210_866_803_200_000_000.0;
/// The first time behind those it has, AD 294277.
const END: f64 = 9_224_318_016_000_000_000.0;

/// When an event was, as `timestamptz`: microseconds since 2000.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct At(pub i64);

impl At {
    /// Before all times: the event has none.
    pub const NONE: Self = Self(i64::MIN);
    /// After all times.
    pub const BEYOND: Self = Self(i64::MAX);

    /// Milliseconds since 1970; `None` for no time, and for one beyond all times.
    #[must_use]
    pub fn unix_ms(self) -> Option<i64> {
        if self == Self::NONE || self == Self::BEYOND {
            return None;
        }
        Some(self.0.saturating_add(EPOCH).div_euclid(1000))
    }

    /// The time of an event: `floor(timestamp × 1000)` microseconds since 1970, the product as an `f64`. No number: `-infinity`; a number
    /// that `timestamptz` does not have: the infinity on its side.
    #[must_use]
    pub fn of(timestamp: Option<f64>) -> Self {
        let Some(milliseconds) = timestamp else { return Self::NONE };
        let micros = (milliseconds * 1000.0).floor();
        if micros < FIRST {
            Self::NONE
        } else if micros < END {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number within the range of i128")]
            let micros = micros as i128 - i128::from(EPOCH);
            Self(i64::try_from(micros).unwrap_or(i64::MAX))
        } else {
            Self::BEYOND
        }
    }
}

/// The first 16 bytes of SHA-256 of an event's bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(pub [u8; 16]);

impl Key {
    /// The key of an event's bytes.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        Self(first_bytes(text))
    }
}

/// The number by which a task is found: the first 8 bytes, little-endian, of SHA-256 of the parsed `taskId` as WTF-8.
/// `None` if that is no string. Different tasks may share a number; readers compare the real ones.
#[must_use]
pub fn task_number(task: &Task<'_>) -> Option<i64> {
    match task {
        Task::Str(id) => Some(number_of_task(&id.decode())),
        Task::Missing | Task::Other(_) => None,
    }
}

/// The same of a task's WTF-8.
#[must_use]
pub fn number_of_task(task: &[u8]) -> i64 {
    i64::from_le_bytes(first_bytes(task))
}

fn first_bytes<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let digest = Sha256::digest(bytes);
    digest.first_chunk().copied().unwrap_or([0; N])
}

/// What a shared store keeps of an event beside its bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// When it was.
    pub at: At,
    /// Which one it is.
    pub key: Key,
    /// Its task's number.
    pub task: Option<i64>,
}

impl Identity {
    /// The identity of an event.
    #[must_use]
    pub fn of(event: &Event<'_>) -> Self {
        Self { at: At::of(event.timestamp), key: Key::of(event.text), task: task_number(&event.task) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use event::line::{Line, Scanner};

    fn identity(line: &[u8]) -> Identity {
        match Scanner::new().scan(line) {
            Line::Event(event) => Identity::of(&event),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn golden_values_stay_what_they_are() {
        let it = identity(br#"{"eventId":"e1","taskId":"task-1","timestamp":1700000000000}"#);
        assert_eq!(it.at, At(1_700_000_000_000_000 - EPOCH));
        // sha256sum of the line, and of "task-1", by another program.
        assert_eq!(hex(&it.key.0), GOLDEN_KEY);
        assert_eq!(it.task.map(|task| hex(&task.to_le_bytes())).as_deref(), Some(GOLDEN_TASK));
    }

    const GOLDEN_KEY: &str = "8c5b5d396f26f2660d2d18f8f27c5925";
    const GOLDEN_TASK: &str = "7afaa346b4bf92bf";

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").unwrap();
            text
        })
    }

    #[test]
    fn white_space_around_an_event_is_not_part_of_it() {
        let plain = identity(br#"{"timestamp":1}"#);
        for line in [&b" {\"timestamp\":1}\r"[..], "\u{feff}{\"timestamp\":1}\u{a0}".as_bytes()] {
            assert_eq!(identity(line), plain);
        }
        assert_ne!(identity(br#"{"timestamp": 1}"#).key, plain.key);
    }

    #[test]
    fn times() {
        assert_eq!(At::of(None), At::NONE);
        assert_eq!(At::of(Some(946_684_800_000.0)), At(0));
        assert_eq!(At::of(Some(946_684_800_000.001_5)), At(1));
        assert_eq!(At::of(Some(-0.000_1)), At(-1 - EPOCH));
        assert_eq!(At::of(Some(1e300)), At::BEYOND);
        assert_eq!(At::of(Some(f64::INFINITY)), At::BEYOND);
        assert_eq!(At::of(Some(-1e300)), At::NONE);
        assert_eq!(At::of(Some(FIRST / 1000.0)).0, -211_813_488_000_000_000);
        assert!(At::of(Some(END / 1000.0 - 1024.0)) < At::BEYOND);
        assert_eq!(At::of(Some(END / 1000.0)), At::BEYOND);
        assert_eq!(identity(br#"{"timestamp":"1"}"#).at, At::NONE);
        assert_eq!(identity(br#"{"timestamp":1e999}"#).at, At::BEYOND);
    }

    #[test]
    fn tasks() {
        assert_eq!(identity(br#"{"taskId":5}"#).task, None);
        assert_eq!(identity(b"{}").task, None);
        assert_eq!(identity(br#"{"taskId":"\u0061"}"#).task, identity(br#"{"taskId":"a"}"#).task);
        assert_ne!(identity(br#"{"taskId":"\ud800"}"#).task, identity(br#"{"taskId":"\ufffd"}"#).task);
    }
}
