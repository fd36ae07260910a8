//! What the operating system calls a failure, and what a person can do about it.

use std::io;

/// The operating system's words without Rust's " (os error 28)".
pub(crate) fn plain_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text.get(..end).unwrap_or(&text).to_lowercase()
}

/// What to do about the usual failures: the remedy, and what follows it.
pub(crate) fn advice(code: &str) -> Option<(&'static str, &'static str)> {
    let again = match code {
        "ENOSPC" | "EDQUOT" => ", then call again: nothing that was accepted is lost",
        "EBUSY" | "EMLINK" => ", then call again",
        _ => "",
    };
    let remedy = match code {
        "ENOSPC" | "EDQUOT" => "Free some space",
        "EACCES" => "Give this user the right to read and write the folder and its files",
        "EPERM" if cfg!(any(target_os = "linux", target_os = "android")) => {
            "Give this user the right to read and write the folder and its files; if one of them is marked \
             append-only or immutable (lsattr shows a or i), remove the mark (chattr -a -i)"
        }
        "EPERM" => {
            "Give this user the right to read and write the folder and its files; if one of them is marked \
             append-only or immutable, remove the mark"
        }
        "EROFS" => "The file system is mounted read-only: choose another folder or remount it",
        "EBUSY" => "Another program has the file open: let it finish",
        "EMFILE" | "ENFILE" => "Too many open files: raise the limit (ulimit -n) or close some",
        "ENOTDIR" => "A part of the path is a file, not a folder: check storagePath",
        "ELOOP" => {
            "A symbolic link stands where a file of the store should be, and none is followed: put the file in its \
             place, or name the folder that it leads to"
        }
        "EMLINK" => "Writing there would change the file under its other name: remove this name",
        "EISDIR" => {
            "A folder stands where a file of the store should be: remove it, or choose another folder (storagePath)"
        }
        "EINVAL" => "If a pipe or device stands there, remove it; else check the kind of file system",
        "EFBIG" => "The file would get larger than is allowed: compact it or raise the limit (ulimit -f)",
        "ENAMETOOLONG" => {
            "A part of the path is longer than the file system allows: choose a shorter storagePath"
        }
        "EIO" => "The disk failed: check it, and copy the folder elsewhere",
        _ => return None,
    };
    Some((remedy, again))
}

#[cfg(unix)]
pub(crate) fn code_of_errno(errno: i32) -> Option<&'static str> {
    Some(match errno {
        libc::EACCES => "EACCES",
        libc::EAGAIN => "EAGAIN",
        libc::EBADF => "EBADF",
        libc::EBUSY => "EBUSY",
        libc::EDQUOT => "EDQUOT",
        libc::EEXIST => "EEXIST",
        libc::EFBIG => "EFBIG",
        libc::EINVAL => "EINVAL",
        libc::EIO => "EIO",
        libc::EISDIR => "EISDIR",
        libc::ELOOP => "ELOOP",
        libc::EMFILE => "EMFILE",
        libc::EMLINK => "EMLINK",
        libc::ENAMETOOLONG => "ENAMETOOLONG",
        libc::ENFILE => "ENFILE",
        libc::ENODEV => "ENODEV",
        libc::ENOENT => "ENOENT",
        libc::ENOLCK => "ENOLCK",
        libc::ENOMEM => "ENOMEM",
        libc::ENOSPC => "ENOSPC",
        libc::ENOSYS => "ENOSYS",
        libc::ENOTDIR => "ENOTDIR",
        libc::ENOTEMPTY => "ENOTEMPTY",
        libc::ENOTSUP => "ENOTSUP",
        libc::ENXIO => "ENXIO",
        libc::EPERM => "EPERM",
        libc::EROFS => "EROFS",
        libc::ESTALE => "ESTALE",
        libc::ETIMEDOUT => "ETIMEDOUT",
        libc::EXDEV => "EXDEV",
        _ => return None,
    })
}

#[cfg(windows)]
pub(crate) fn code_of_errno(errno: i32) -> Option<&'static str> {
    // Numbers of winerror.h; what has a kind is named by that.
    Some(match errno {
        17 => "EXDEV",
        32 | 33 => "EBUSY",
        206 => "ENAMETOOLONG",
        _ => return None,
    })
}

#[cfg(not(any(unix, windows)))]
pub(crate) fn code_of_errno(_errno: i32) -> Option<&'static str> {
    None
}

pub(crate) fn code_of_kind(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "ENOENT",
        io::ErrorKind::PermissionDenied => "EACCES",
        io::ErrorKind::AlreadyExists => "EEXIST",
        io::ErrorKind::InvalidInput => "EINVAL",
        io::ErrorKind::StorageFull => "ENOSPC",
        io::ErrorKind::ReadOnlyFilesystem => "EROFS",
        io::ErrorKind::NotADirectory => "ENOTDIR",
        io::ErrorKind::IsADirectory => "EISDIR",
        io::ErrorKind::TimedOut => "ETIMEDOUT",
        io::ErrorKind::OutOfMemory => "ENOMEM",
        io::ErrorKind::TooManyLinks => "EMLINK",
        _ => "EIO",
    }
}
