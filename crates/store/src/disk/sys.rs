//! The one file with `unsafe`: system calls of Linux that the standard library lacks.

#![expect(
    unsafe_code,
    reason = "fcntl(F_SETLEASE), fstatfs, renameat2, inotify and poll have no safe wrapper in the standard library"
)]

use std::{
    ffi::CString,
    fs::File,
    io,
    mem::MaybeUninit,
    os::fd::{AsRawFd, FromRawFd, RawFd},
    os::unix::ffi::OsStrExt,
    path::Path,
};

/// Chooses the signal of a broken lease (`asm-generic/fcntl.h`; the same on every architecture that Node runs
/// on).
const F_SETSIG: libc::c_int = 10;

/// File systems behind which others write unseen by this kernel, by their magic numbers (statfs(2)): FUSE, virtiofs
/// among it, where two names of one file may be two inodes besides, and 9P.
const UNSEEN_WRITERS: [u32; 2] = [0x6573_5546, 0x0102_1997];

/// Whether no process has the inode of `file`, which must be open for reading only, open for writing.
///
/// `None` where it cannot be known: a refusal proves a writer everywhere, a grant proves nothing on some file systems.
///
/// Linux grants a read lease exactly then (fcntl(2), `F_SETLEASE`). The lease is given back at once. Should
/// a process open the file for writing in between, the kernel sends us a signal: `SIGURG` is chosen for it,
/// which is ignored by default, where the usual `SIGIO` would end the process.
pub(crate) fn has_no_writer(file: &File) -> io::Result<Option<bool>> {
    let fd = file.as_raw_fd();
    // SAFETY: fcntl with integer arguments on a descriptor that `file` keeps open touches no memory of ours.
    let (signal, lease) = unsafe {
        (libc::fcntl(fd, F_SETSIG, libc::SIGURG), libc::fcntl(fd, libc::F_SETLEASE, libc::F_RDLCK))
    };
    if signal == -1 {
        return Ok(None);
    }
    if lease == -1 {
        let error = io::Error::last_os_error();
        return match error.raw_os_error() {
            Some(libc::EAGAIN) => Ok(Some(false)),
            // File systems without leases, or a file of another user.
            Some(libc::EINVAL | libc::EACCES | libc::EPERM | libc::ENOSYS | libc::ENOLCK | libc::ENOTSUP) => {
                Ok(None)
            }
            _ => Err(error),
        };
    }
    // SAFETY: as above.
    unsafe { libc::fcntl(fd, libc::F_SETLEASE, libc::F_UNLCK) };
    Ok((!has_unseen_writers(fd)).then_some(true))
}

/// Whether others may write the file unseen by this kernel. If the system does not say, they may not.
fn has_unseen_writers(fd: RawFd) -> bool {
    let mut about = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: fstatfs writes one `statfs` to the place that it is given, which lives until the call is over.
    if unsafe { libc::fstatfs(fd, about.as_mut_ptr()) } != 0 {
        return false;
    }
    // SAFETY: a call that returned 0 has filled all of it.
    let about = unsafe { about.assume_init() };
    // The number has another type on each architecture; all magic numbers have 32 bits.
    u32::try_from(about.f_type).is_ok_and(|kind| UNSEEN_WRITERS.contains(&kind))
}

/// Exchanges what two names lead to (renameat2(2), `RENAME_EXCHANGE`). `false` where the system or the file system
/// has no such call.
pub(crate) fn exchange(one: &Path, other: &Path) -> io::Result<bool> {
    let path = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::other);
    let (one, other) = (path(one)?, path(other)?);
    // Called by its number: the oldest glibc that we are built for has no wrapper.
    // SAFETY: both strings end in NUL and live until the call returns, which reads them and nothing else of ours.
    let result = unsafe {
        libc::syscall(
            libc::SYS_renameat2,
            libc::AT_FDCWD,
            one.as_ptr(),
            libc::AT_FDCWD,
            other.as_ptr(),
            libc::RENAME_EXCHANGE,
        )
    };
    if result == 0 {
        return Ok(true);
    }
    let error = io::Error::last_os_error();
    match error.raw_os_error() {
        Some(libc::EINVAL | libc::ENOSYS | libc::EPERM | libc::ENOTSUP) => Ok(false),
        _ => Err(error),
    }
}

/// A new queue of changes (inotify(7)), whose reads do not block.
pub(crate) fn change_queue() -> io::Result<File> {
    // SAFETY: it takes a number and touches no memory of ours.
    let fd = unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) };
    if fd == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just made, and nothing else owns it.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// Has changes in a folder queued. Returns the number of the watch.
pub(crate) fn watch_folder(queue: &File, folder: &Path) -> io::Result<i32> {
    const CHANGES: u32 = libc::IN_MODIFY
        | libc::IN_MOVED_TO
        | libc::IN_CREATE
        | libc::IN_DELETE_SELF
        | libc::IN_MOVE_SELF
        | libc::IN_ONLYDIR;
    let folder = CString::new(folder.as_os_str().as_bytes()).map_err(io::Error::other)?;
    // SAFETY: the string ends in NUL and lives until the call returns, which reads it and nothing else of ours.
    let watch = unsafe { libc::inotify_add_watch(queue.as_raw_fd(), folder.as_ptr(), CHANGES) };
    if watch == -1 { Err(io::Error::last_os_error()) } else { Ok(watch) }
}

/// Ends a watch; the queue says so to its reader.
pub(crate) fn unwatch(queue: &File, watch: i32) {
    // SAFETY: two numbers; it touches no memory of ours. A watch that is gone already is an error that means nothing.
    unsafe { libc::inotify_rm_watch(queue.as_raw_fd(), watch) };
}

/// Blocks until the file can be read, or the time is over. Returns whether it can.
pub(crate) fn is_readable_within(file: &File, milliseconds: i32) -> io::Result<bool> {
    let mut asked = libc::pollfd { fd: file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: it reads and writes the one `pollfd` that it is given, which lives until the call is over.
    match unsafe { libc::poll(&raw mut asked, 1, milliseconds) } {
        -1 => Err(io::Error::last_os_error()),
        ready => Ok(ready > 0),
    }
}
