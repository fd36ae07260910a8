//! How a call ends.
//!
//! Invariant: each failure has one exit code, and its text says what is wrong, where, and what to do. The codes 5 and
//! 6 belong to commands about several machines.

use std::io;
use std::path::Path;

use crate::place::tool;
use crate::text::safe::safe;

/// How a call ended that did what it was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exit {
    /// All is done; a check found nothing.
    Done,
    /// A check found something, input was refused, or the answer to a question was no.
    Findings,
}

impl Exit {
    /// [`Exit::Findings`] if there are any.
    pub(crate) fn found(any: bool) -> Self {
        if any { Self::Findings } else { Self::Done }
    }

    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Findings => 1,
        }
    }
}

/// Why a call did not do what it was asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The call is wrong; with the nearest right one, if there is one.
    Usage(String, Option<String>),
    /// Another process holds a lock.
    Locked(String),
    /// The disk or the system refused.
    System(String),
    /// A shared store cannot be reached, or refuses.
    Unreachable(String),
    /// Not all was shipped in time.
    NotInTime(String),
    /// The reader of our output has seen enough.
    ReaderGone,
    /// A signal ended the work; what was half done is removed.
    Interrupted(u8),
}

/// What commands return.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// A wrong call, with the nearest right one.
    pub(crate) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage(message.into(), Some(hint.into()))
    }

    /// A failed system call on a path.
    pub(crate) fn io(act: &str, path: &Path, error: &io::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or(&text).to_lowercase();
        let code = code_of(error);
        let colon = if code.is_empty() { "" } else { ": " };
        Self::System(format!("{code}{colon}{reason}, {act} '{}'", safe(&path.to_string_lossy())))
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(..) => 2,
            Self::Locked(_) => 3,
            Self::System(_) => 4,
            Self::Unreachable(_) => 5,
            Self::NotInTime(_) => 6,
            Self::ReaderGone => 0,
            Self::Interrupted(signal) => 128 + signal,
        }
    }

    /// What stderr says about it; `None` if it ends quietly.
    pub(crate) fn message(&self) -> Option<String> {
        match self {
            Self::Usage(message, None)
            | Self::Locked(message)
            | Self::System(message)
            | Self::Unreachable(message)
            | Self::NotInTime(message) => Some(message.clone()),
            Self::Usage(message, Some(hint)) => Some(match hint.strip_prefix("guidance-ledger ") {
                Some(words) => format!(
                    "{message}
Try: {} {words}",
                    tool()
                ),
                None => format!(
                    "{message}
Try: {hint}"
                ),
            }),
            Self::ReaderGone | Self::Interrupted(_) => None,
        }
    }
}

/// The system's name of a failure, where people know it.
fn code_of(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied if cfg!(unix) && error.raw_os_error() == Some(1) => "EPERM",
        io::ErrorKind::NotFound => "ENOENT",
        io::ErrorKind::PermissionDenied => "EACCES",
        io::ErrorKind::AlreadyExists => "EEXIST",
        io::ErrorKind::NotADirectory => "ENOTDIR",
        io::ErrorKind::IsADirectory => "EISDIR",
        io::ErrorKind::StorageFull => "ENOSPC",
        io::ErrorKind::QuotaExceeded => "EDQUOT",
        io::ErrorKind::ReadOnlyFilesystem => "EROFS",
        io::ErrorKind::BrokenPipe => "EPIPE",
        io::ErrorKind::FileTooLarge => "EFBIG",
        _ => "",
    }
}
