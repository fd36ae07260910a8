//! A watch on a real folder: inotify.
//!
//! Invariant: it decides nothing but whether a change is one of the file in question. What it misses is found by the
//! next look.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::time::Duration;

use super::sys::{change_queue, is_readable_within, unwatch, watch_folder};
use super::{Sign, Watch};

/// Bytes of changes read at once: a change of a file with the longest name takes 272.
const ROOM: usize = 4096;
/// Bytes of a change before the name: watch, mask, cookie, length of the name.
const HEAD: usize = 16;
/// The folder is gone, or another one has its name; or so much changed that the queue ran over.
const GONE: u32 = libc::IN_IGNORED | libc::IN_DELETE_SELF | libc::IN_MOVE_SELF | libc::IN_UNMOUNT;

/// See the head of this file.
pub(crate) struct FolderWatch {
    queue: File,
    watch: i32,
}

impl FolderWatch {
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        let queue = change_queue()?;
        let watch = watch_folder(&queue, folder)?;
        Ok(Self { queue, watch })
    }
}

impl Watch for FolderWatch {
    fn wait(&self, name: &str, time: Duration) -> io::Result<Sign> {
        let milliseconds = i32::try_from(time.as_millis()).unwrap_or(i32::MAX).max(1);
        match is_readable_within(&self.queue, milliseconds) {
            Ok(true) => {}
            Ok(false) => return Ok(Sign::Nothing),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Sign::Other),
            Err(error) => return Err(error),
        }
        let mut sign = Sign::Other;
        let mut bytes = [0; ROOM];
        loop {
            let length = match (&self.queue).read(&mut bytes) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(sign),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            let changes = bytes.get(..length).unwrap_or_default();
            sign = match meaning(changes, name) {
                Sign::Other => sign,
                Sign::Gone => return Ok(Sign::Gone),
                Sign::Changed | Sign::Nothing => Sign::Changed,
            };
        }
    }

    fn wake(&self) {
        unwatch(&self.queue, self.watch);
    }
}

/// What a run of changes means for a file.
fn meaning(mut changes: &[u8], name: &str) -> Sign {
    let mut sign = Sign::Other;
    while let Some((head, rest)) = changes.split_first_chunk::<HEAD>() {
        let number = |at: usize| {
            let bytes = head.get(at..).and_then(<[u8]>::first_chunk).copied();
            u32::from_ne_bytes(bytes.unwrap_or_default())
        };
        let (mask, length) = (number(4), number(12) as usize);
        let Some((named, after)) = rest.split_at_checked(length) else { break };
        if mask & GONE != 0 {
            return Sign::Gone;
        }
        let named = named.split(|&byte| byte == 0).next().unwrap_or_default();
        if mask & libc::IN_Q_OVERFLOW != 0 || named == name.as_bytes() {
            sign = Sign::Changed;
        }
        changes = after;
    }
    sign
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(mask: u32, name: &str) -> Vec<u8> {
        let mut bytes = [1_u32, mask, 0, 32].map(u32::to_ne_bytes).concat();
        bytes.extend_from_slice(name.as_bytes());
        bytes.resize(HEAD + 32, 0);
        bytes
    }

    #[test]
    fn only_changes_of_the_file_count() {
        let (modify, log) = (libc::IN_MODIFY, "events.ndjson");
        let other = change(modify, "index.json");
        assert_eq!(meaning(&other, log), Sign::Other);
        assert_eq!(meaning(&[other.clone(), change(modify, log)].concat(), log), Sign::Changed);
        assert_eq!(meaning(&[change(modify, log), other].concat(), log), Sign::Changed);
        assert_eq!(meaning(&change(libc::IN_IGNORED, ""), log), Sign::Gone);
        assert_eq!(meaning(&change(libc::IN_Q_OVERFLOW, ""), log), Sign::Changed);
        assert_eq!(meaning(&change(modify, log)[..20], log), Sign::Other);
    }
}
