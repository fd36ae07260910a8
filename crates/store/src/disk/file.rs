//! A real file.
//!
//! Invariant: what a signal interrupted is called again, and nothing else is.

#![expect(clippy::disallowed_methods, reason = "the seam to the disk")]

use std::fs;
use std::io;

use super::facts::stat_of_file;
use super::{File, Stat};

pub(super) struct RealFile(pub(super) fs::File);

impl File for RealFile {
    fn stat(&self) -> io::Result<Stat> {
        stat_of_file(&self.0)
    }

    fn size(&self) -> io::Result<u64> {
        // Nothing here depends on the position.
        io::Seek::seek(&mut &self.0, io::SeekFrom::End(0))
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return retry(|| std::os::unix::fs::FileExt::read_at(&self.0, buffer, offset));
        #[cfg(windows)]
        return match std::os::windows::fs::FileExt::seek_read(&self.0, buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            other => other,
        };
    }

    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        retry(|| io::Write::write(&mut &self.0, bytes))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        #[cfg(unix)]
        return retry(|| std::os::unix::fs::FileExt::write_at(&self.0, bytes, offset));
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_write(&self.0, bytes, offset);
    }

    fn set_len(&self, size: u64) -> io::Result<()> {
        self.0.set_len(size)
    }

    fn sync(&self) -> io::Result<()> {
        // F_FULLFSYNC on macOS: the standard library does that.
        self.0.sync_data()
    }

    fn set_access(&self, like: &Stat) -> io::Result<()> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::{PermissionsExt, fchown};
            if stat_of_file(&self.0)?.owner != like.owner {
                // Only root may; the file of any other user is already that user's.
                let _ = fchown(&self.0, Some(like.owner.0), Some(like.owner.1));
            }
            self.0.set_permissions(fs::Permissions::from_mode(like.mode))
        }
        #[cfg(not(unix))]
        {
            let _ = like;
            Ok(())
        }
    }

    fn try_lock(&self) -> io::Result<bool> {
        loop {
            match self.0.try_lock() {
                Ok(()) => return Ok(true),
                Err(fs::TryLockError::WouldBlock) => return Ok(false),
                Err(fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(fs::TryLockError::Error(error)) => return Err(error),
            }
        }
    }

    #[cfg(target_os = "linux")]
    fn lock_holder(&self) -> Option<u32> {
        use std::os::unix::fs::MetadataExt;
        let stat = self.0.metadata().ok()?;
        let (major, minor) = (libc::major(stat.dev()), libc::minor(stat.dev()));
        let file = format!("{major:02x}:{minor:02x}:{}", stat.ino());
        let locks = fs::read_to_string("/proc/locks").ok()?;
        locks.lines().find_map(|line| {
            // "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; a process that waits has an arrow behind the number.
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let [_, "FLOCK", _, _, pid, locked, ..] = fields.as_slice() else { return None };
            (*locked == file).then(|| pid.parse().ok().filter(|&pid| pid > 0)).flatten()
        })
    }

    fn unlock(&self) -> io::Result<()> {
        self.0.unlock()
    }

    fn has_no_writer(&self) -> io::Result<Option<bool>> {
        #[cfg(target_os = "linux")]
        return super::sys::has_no_writer(&self.0);
        #[cfg(not(target_os = "linux"))]
        return Ok(None);
    }
}

/// Calls again for as long as a signal interrupted the call.
pub(super) fn retry<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
