//! What lies under a folder: the kind of file system, its free space, and whether it lasts.

use std::path::Path;

use crate::exit::Result;

/// File systems of other machines: locks and renames may not reach them.
const REMOTE: [&str; 12] =
    ["nfs", "cifs", "smb", "9p", "afs", "ceph", "fuse.", "virtiofs", "lustre", "gfs", "ocfs", "vboxsf"];

/// See the head of this file.
pub(crate) struct FileSystem {
    pub(crate) kind: String,
    /// Bytes that this user may still write.
    pub(crate) free: Option<u64>,
}

impl FileSystem {
    /// Why it may be a bad place for a store.
    pub(crate) fn concern(&self) -> Option<&'static str> {
        if REMOTE.iter().any(|remote| self.kind.starts_with(remote)) {
            return Some("another machine's or a host's: locks may not reach it");
        }
        match self.kind.as_str() {
            "tmpfs" | "ramfs" => Some("kept in memory: gone when the machine starts anew"),
            "overlay" | "aufs" => Some("a container's own layer: gone with the container"),
            _ => None,
        }
    }
}

/// The file system that a folder lies on.
pub(crate) fn of(folder: &Path) -> Result<FileSystem> {
    Ok(FileSystem {
        kind: kind_of(folder).unwrap_or_else(|| "of a kind that is not known".to_owned()),
        free: free(folder)?,
    })
}

#[cfg(unix)]
fn free(folder: &Path) -> Result<Option<u64>> {
    let found = rustix::fs::statvfs(folder)
        .map_err(|error| crate::exit::Failure::io("statvfs", folder, &std::io::Error::from(error)))?;
    Ok(Some(found.f_bavail.saturating_mul(found.f_frsize)))
}

#[cfg(not(unix))]
fn free(_folder: &Path) -> Result<Option<u64>> {
    Ok(None)
}

/// By Linux's own list of mounts; nothing on other systems.
fn kind_of(folder: &Path) -> Option<String> {
    let text = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    kind_in(&text, folder)
}

/// The kind of the mount that a path lies on. A later mount hides an earlier one on the same place.
fn kind_in(mounts: &str, folder: &Path) -> Option<String> {
    let mut found: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        // 36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw
        let Some((left, right)) = line.split_once(" - ") else { continue };
        let Some(place) = left.split(' ').nth(4).map(unescaped) else { continue };
        let depth = Path::new(&place).components().count();
        if folder.starts_with(&place) && found.is_none_or(|(known, _)| depth >= known) {
            found = right.split(' ').next().map(|kind| (depth, kind));
        }
    }
    found.map(|(_, kind)| kind.to_owned())
}

/// A path of the list without its octal escapes.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part
            .split_at_checked(3)
            .and_then(|(code, rest)| Some((u8::from_str_radix(code, 8).ok()?, rest)))
        {
            Some((byte, rest)) => {
                out.push(char::from(byte));
                out.push_str(rest);
            }
            None => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{FileSystem, kind_in};
    use std::path::Path;

    const MOUNTS: &str = "1 1 8:1 / / rw - ext4 /dev/sda rw
2 1 0:5 / /proc rw shared:1 - proc proc rw
3 1 0:6 / /a\\040b rw - nfs4 host:/ rw
4 1 0:7 / /proc/x rw - tmpfs tmpfs rw
";

    #[test]
    fn the_nearest_mount_counts() {
        let kind = |path: &str| kind_in(MOUNTS, Path::new(path));
        assert_eq!(kind("/proc/self").as_deref(), Some("proc"));
        assert_eq!(kind("/procedure").as_deref(), Some("ext4"));
        assert_eq!(kind("/a b/c").as_deref(), Some("nfs4"));
        assert_eq!(kind("/proc/x/y").as_deref(), Some("tmpfs"));
        let concern = |kind: &str| FileSystem { kind: kind.to_owned(), free: None }.concern().is_some();
        assert!(
            concern("nfs4") && concern("tmpfs") && concern("overlay") && !concern("ext4") && !concern("proc")
        );
    }
}
