//! The operating system's error numbers that the simulated disk answers with.

use std::fmt;
use std::io;

/// A failed system call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Errno {
    name: &'static str,
    number: i32,
    kind: io::ErrorKind,
}

macro_rules! errnos {
    ($($name:ident = $number:literal, $kind:ident;)*) => {
        $(pub(crate) const $name: Errno =
            Errno { name: stringify!($name), number: $number, kind: io::ErrorKind::$kind };)*
    };
}

errnos! {
    ENOENT = 2, NotFound;
    EIO = 5, Other;
    EBADF = 9, InvalidInput;
    EAGAIN = 11, WouldBlock;
    EACCES = 13, PermissionDenied;
    EEXIST = 17, AlreadyExists;
    EMFILE = 24, Other;
    ENOSPC = 28, StorageFull;
    EROFS = 30, ReadOnlyFilesystem;
}

impl Errno {
    /// As the standard library would hand it out. Numbers mean something else on Windows; kinds do not.
    pub(crate) fn error(self) -> io::Error {
        if cfg!(unix) { io::Error::from_raw_os_error(self.number) } else { self.kind.into() }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
