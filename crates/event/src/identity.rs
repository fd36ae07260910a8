//! What makes two events, or two tasks, the same one.
//!
//! Invariant: keys of tasks are distinct wherever JavaScript sees distinct values, and the key of a string is
//! the string itself.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use crate::line::{Event, Task};

/// First byte of the key of a task id that is JSON other than a string. Never the first byte of WTF-8.
pub const TASK_OTHER: u8 = 0xFF;
/// The key of a missing task id.
pub const TASK_MISSING: &[u8] = &[0xFE];

/// Identity of an event, within this process: a hash of its id, or of its whole text if it has none.
#[must_use]
pub fn event_key(event: &Event<'_>) -> u64 {
    static HASHER: OnceLock<RandomState> = OnceLock::new();
    let hasher = HASHER.get_or_init(RandomState::new);
    match &event.id {
        Some(id) => hasher.hash_one((true, &*id.decode())),
        None => hasher.hash_one((false, event.text)),
    }
}

/// Calls `use_key` with the bytes that stand for a task id: its WTF-8 if it is a string, else a marked form.
pub fn with_task_key<T>(task: &Task<'_>, use_key: impl FnOnce(&[u8]) -> T) -> T {
    match task {
        Task::Str(id) => use_key(&id.decode()),
        Task::Missing => use_key(TASK_MISSING),
        Task::Other(json) => {
            let mut key = Vec::with_capacity(json.len() + 1);
            key.push(TASK_OTHER);
            key.extend_from_slice(json);
            use_key(&key)
        }
    }
}

/// Whether a task key is that of a string.
#[must_use]
pub fn is_string_task(key: &[u8]) -> bool {
    !matches!(key.first(), Some(&TASK_OTHER | &0xFE))
}
