//! What systems say about a file, in the terms of [`Stat`].
//!
//! Invariant: an identity stays the same for the life of a file, whatever is written to it or to its metadata. Nothing
//! here opens a file for reading or writing.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{FileId, Stat};

#[cfg(unix)]
pub(super) fn stat_of_file(file: &fs::File) -> io::Result<Stat> {
    Ok(stat_of(&file.metadata()?))
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "it can fail on Windows")]
pub(super) fn stat_of_path(_path: &Path, metadata: &fs::Metadata) -> io::Result<Stat> {
    Ok(stat_of(metadata))
}

#[cfg(unix)]
fn stat_of(metadata: &fs::Metadata) -> Stat {
    use std::os::unix::fs::MetadataExt;
    Stat {
        id: FileId {
            device: metadata.dev(),
            inode: metadata.ino(),
            born_ns: nanoseconds(metadata.created()),
        },
        size: metadata.len(),
        links: metadata.nlink(),
        mode: metadata.mode() & 0o7777,
        owner: (metadata.uid(), metadata.gid()),
        modified_ns: nanoseconds(metadata.modified()),
        regular: metadata.is_file(),
    }
}

/// Windows numbers no two files of a volume alike: the number counts how often its place was used. The time of birth,
/// which any program may set and which Wine makes up anew at each write, is left out.
#[cfg(windows)]
const NO_BIRTH: u64 = 0;

#[cfg(windows)]
pub(super) fn stat_of_file(file: &fs::File) -> io::Result<Stat> {
    Ok(stat_of(&winapi_util::file::information(file)?, &file.metadata()?))
}

#[cfg(windows)]
pub(super) fn stat_of_path(path: &Path, metadata: &fs::Metadata) -> io::Result<Stat> {
    if metadata.is_symlink() {
        // Nothing is known of a link but that it is one.
        return Ok(Stat {
            id: FileId::default(),
            size: 0,
            links: 1,
            mode: 0,
            owner: (0, 0),
            modified_ns: 0,
            regular: false,
        });
    }
    // Without access rights: no program is kept from renaming or removing it, and folders open too.
    let handle = winapi_util::Handle::from_path_any(path)?;
    Ok(stat_of(&winapi_util::file::information(&handle)?, metadata))
}

#[cfg(windows)]
fn stat_of(information: &winapi_util::file::Information, metadata: &fs::Metadata) -> Stat {
    Stat {
        id: FileId {
            device: information.volume_serial_number(),
            inode: information.file_index(),
            born_ns: NO_BIRTH,
        },
        size: metadata.len(),
        links: information.number_of_links(),
        mode: 0,
        owner: (0, 0),
        modified_ns: nanoseconds(metadata.modified()),
        regular: metadata.is_file(),
    }
}

fn nanoseconds(time: io::Result<SystemTime>) -> u64 {
    let since = time.ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
