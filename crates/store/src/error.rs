//! Everything that can go wrong in the engine, named after the act that failed.
//!
//! A message says what happened, where, and what to do. `code()` is stable and is what JavaScript programs
//! compare; it is mapped to JavaScript in `src/error.rs` of the addon alone.

use std::fmt;
use std::io;

use crate::errno::{advice, code_of_errno, code_of_kind, plain_reason};
use columns::SealedError;

/// Result of an engine call.
pub type Result<T> = std::result::Result<T, Error>;

/// What a front of the engine calls its own settings, for messages.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How to wait longer for `.lock`: the end of a sentence.
    pub wait: &'static str,
    /// What names the folder.
    pub folder: &'static str,
}

impl Terms {
    /// Those of the JavaScript library.
    pub const LIBRARY: Self = Self { wait: "set lockTimeoutMs to wait", folder: FOLDER_OPTION };
}

/// The name that stands in the remedies of this file.
const FOLDER_OPTION: &str = "storagePath";

/// When a `.lock` is free that its holder does not give back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// As soon as the holder's process ends: it is of this package.
    WithHolder,
    /// After so many milliseconds, unless its holder writes it anew: it is of a JavaScript program.
    AfterMs(i64),
    /// It was just being written or removed.
    Unknown,
}

/// What stands in the way of a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Obstacle {
    /// Another call of this process is at work in the folder.
    ThisProcess,
    /// Another process holds the file, with its number where the system says so.
    Process(Option<u32>),
    /// A program still writes into the log that the last rewrite replaced.
    Writer,
    /// Other programs replace the file again and again.
    Changes,
}

/// A failed engine call. Cheap to clone, so that one failure can be reported to every call that waited.
#[derive(Clone, Debug)]
pub enum Error {
    /// A system call failed.
    Io {
        /// The system call, as Node names it: `open`, `write`, `fsync`, …
        syscall: &'static str,
        /// The file or folder concerned.
        path: String,
        /// What kind of failure.
        kind: io::ErrorKind,
        /// The operating system's error number, if it gave one.
        errno: Option<i32>,
        /// The operating system's words.
        reason: String,
    },
    /// The user-level lock (`.lock`) belongs to another holder.
    Locked {
        /// The holder's id as the lock file gives it, cleaned.
        holder: String,
        /// How long ago the holder last wrote the lock file.
        age_ms: i64,
        /// The holder's process as the lock file gives it.
        pid: Option<u32>,
        /// When it is free if the holder does not give it back.
        expiry: Expiry,
        /// The lock file.
        path: String,
    },
    /// Another process kept the folder's internal lock for longer than is reasonable.
    Busy {
        /// The lock file, or what another process has open.
        path: String,
        /// How long we waited; 0 if waiting would not have helped.
        waited_ms: u64,
        /// What stands in the way.
        by: Obstacle,
    },
    /// The store was closed, or the process ends, while the call waited.
    Closed {
        /// What it waited for.
        path: String,
    },
    /// So many lines wait to be written that no more are taken.
    Backlog {
        /// The log.
        path: String,
        /// How many lines wait.
        waiting: u64,
    },
    /// An event's line is longer than the limit.
    TooLong {
        /// Length of the line in bytes.
        bytes: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// An earlier fsync of the log failed: what it should have made durable may be gone.
    Unsafe {
        /// The log.
        path: String,
        /// The words of the failure.
        reason: String,
    },
    /// The log was replaced, but that this survives a power cut could not be confirmed.
    Unconfirmed {
        /// The log.
        path: String,
        /// The words of the failure.
        reason: String,
    },
    /// Events would be lost that a shared store has not got yet.
    Unshipped {
        /// Where they wait.
        path: String,
        /// How many bytes of them.
        bytes: u64,
    },
    /// The log was changed in place under a ledger that had left its events there.
    Changed {
        /// The log.
        path: String,
    },
}

impl Error {
    /// Wraps a failed system call.
    #[must_use]
    pub fn io(syscall: &'static str, path: impl Into<String>, error: &io::Error) -> Self {
        Self::Io {
            syscall,
            path: path.into(),
            kind: error.kind(),
            errno: error.raw_os_error(),
            reason: plain_reason(error),
        }
    }

    /// There is no such folder.
    #[must_use]
    pub fn missing(path: String) -> Self {
        Self::io("open", path, &io::ErrorKind::NotFound.into())
    }

    /// The stable code: Node's name of an operating system error, or one of ours.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Io { kind, errno, .. } => {
                errno.and_then(code_of_errno).unwrap_or_else(|| code_of_kind(*kind))
            }
            Self::Locked { .. } | Self::Busy { .. } => "ELOCKED",
            Self::Closed { .. } => "ECLOSED",
            Self::Backlog { .. } => "EBACKLOG",
            Self::TooLong { .. } => "ETOOLONG",
            Self::Unsafe { .. } => "EUNSAFE",
            Self::Unconfirmed { .. } => "EUNCONFIRMED",
            Self::Unshipped { .. } => "EUNSHIPPED",
            Self::Changed { .. } => "ECHANGED",
        }
    }

    /// The file or folder concerned, if there is one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Io { path, .. }
            | Self::Locked { path, .. }
            | Self::Busy { path, .. }
            | Self::Closed { path }
            | Self::Backlog { path, .. }
            | Self::Unsafe { path, .. }
            | Self::Unconfirmed { path, .. }
            | Self::Unshipped { path, .. }
            | Self::Changed { path } => Some(path),
            Self::TooLong { .. } => None,
        }
    }

    /// The system call that failed, if one did.
    #[must_use]
    pub fn syscall(&self) -> Option<&'static str> {
        match self {
            Self::Io { syscall, .. } => Some(syscall),
            Self::Locked { .. }
            | Self::Busy { .. }
            | Self::Closed { .. }
            | Self::Backlog { .. }
            | Self::TooLong { .. }
            | Self::Unsafe { .. }
            | Self::Unconfirmed { .. }
            | Self::Unshipped { .. }
            | Self::Changed { .. } => None,
        }
    }

    /// Whether the operating system said that too many files are open.
    pub(crate) fn is_out_of_descriptors(&self) -> bool {
        matches!(self, Self::Io { errno: Some(errno), .. } if matches!(code_of_errno(*errno), Some("EMFILE" | "ENFILE")))
    }

    /// What happened, in one clause that begins with the code.
    #[must_use]
    pub fn cause(&self) -> String {
        match self {
            Self::Io { syscall, path, reason, .. } => {
                format!("{}: {reason}, {syscall} '{path}'", self.code())
            }
            Self::Busy { path, waited_ms, by } => match by {
                Obstacle::ThisProcess => {
                    format!("ELOCKED: another call of this very process has held '{path}' for {waited_ms} ms")
                }
                Obstacle::Process(Some(pid)) => {
                    format!("ELOCKED: another process (pid {pid}) has held '{path}' for {waited_ms} ms")
                }
                Obstacle::Process(None) => {
                    format!("ELOCKED: another process has held '{path}' for {waited_ms} ms")
                }
                Obstacle::Writer => format!(
                    "ELOCKED: a program still has '{path}' open for writing, the log that the last rewrite replaced"
                ),
                Obstacle::Changes => format!("ELOCKED: other programs keep replacing '{path}'"),
            },
            Self::Unsafe { path, reason } => {
                format!("EUNSAFE: an earlier fsync of '{path}' failed ({reason})")
            }
            other => other.to_string(),
        }
    }

    /// What removes the cause, where that is known: one clause.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Io { .. } => advice(self.code()).map(|(remedy, _)| remedy),
            Self::Busy { by: Obstacle::ThisProcess, .. } => Some("Await the calls that are under way"),
            Self::Busy { .. } => Some("Let it finish, or end it if it hangs"),
            Self::Unsafe { .. } => Some("Check the disk"),
            _ => None,
        }
    }

    /// Whether the operating system said that this user may not do it.
    pub(crate) fn is_not_permitted(&self) -> bool {
        matches!(self, Self::Io { kind: io::ErrorKind::PermissionDenied, .. })
    }

    /// Whether the operating system said that the name does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { kind: io::ErrorKind::NotFound, .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Terms::LIBRARY)
    }
}

/// An error in the terms of a front.
struct InTerms<'a>(&'a Error, Terms);

impl fmt::Display for InTerms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, self.1)
    }
}

impl Error {
    /// The message, which names the settings of a front as that front does.
    #[must_use]
    pub fn in_terms(&self, terms: Terms) -> impl fmt::Display {
        InTerms(self, terms)
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, Terms { wait, folder }: Terms) -> fmt::Result {
        match self {
            Self::Io { .. } => {
                f.write_str(&self.cause())?;
                let Some((remedy, then)) = advice(self.code()) else { return Ok(()) };
                write!(f, ". {}{then}", remedy.replace(FOLDER_OPTION, folder))
            }
            // The original's words, which callers may match.
            Self::Locked { holder, age_ms, pid, path, .. } => {
                write!(
                    f,
                    "Storage is locked by another process (holder: {holder}, age: {age_ms}ms). Lock file: {path}. "
                )?;
                match pid {
                    Some(pid) if *pid == std::process::id() => write!(
                        f,
                        "This very process (pid {pid}) holds it, by another call or another store of the folder: \
                         await that, call its releaseLock(), or {wait}"
                    ),
                    Some(pid) => {
                        write!(f, "Process {pid} wrote it {age_ms} ms ago: let it finish, or {wait}")
                    }
                    None => write!(f, "Let its holder finish, or {wait}"),
                }
            }
            Self::Busy { by: Obstacle::ThisProcess, .. } => {
                write!(f, "{}. Await the calls that are under way, then call again", self.cause())
            }
            Self::Busy { waited_ms: 0, .. } => {
                write!(f, "{}. Let it finish, or continue it if it is stopped, then call again", self.cause())
            }
            Self::Busy { .. } => write!(
                f,
                "{}; it may be stopped or hang. Continue or end that process, then call again",
                self.cause()
            ),
            Self::Closed { path } => write!(
                f,
                "ECLOSED: the store was closed, or the process ends, while this call waited for '{path}'. Await \
                 the call before you close the store"
            ),
            Self::Backlog { path, waiting } => write!(
                f,
                "EBACKLOG: {waiting} events wait to be written to '{path}', and no more are queued. Repair the \
                 cause that onError reported; the ledger still holds this event, and save() writes it"
            ),
            Self::TooLong { bytes, limit } => write!(
                f,
                "ETOOLONG: the event is {bytes} bytes of JSON, the limit is {limit}. Store large data elsewhere \
                 and keep a reference in the event"
            ),
            Self::Unsafe { .. } => write!(
                f,
                "{}, so what was not yet confirmed may not \
                 survive a power cut. Check the disk, then create a new EventStore for this folder: it copies the \
                 log into a new file before it goes on",
                self.cause()
            ),
            Self::Unconfirmed { path, reason } => write!(
                f,
                "EUNCONFIRMED: '{path}' was replaced as asked, but fsync of its folder failed ({reason}), so a \
                 power cut may bring the old log back. Do not repeat the call; check the disk"
            ),
            Self::Unshipped { path, bytes } => write!(
                f,
                "EUNSHIPPED: {bytes} bytes of events wait in '{path}' for the shared store, and this would lose them. \
                 Ship them with: guidance-ledger fleet ship --once"
            ),
            Self::Changed { path } => write!(
                f,
                "ECHANGED: another program changed '{path}' in place while events were loaded from it. \
                 Call load() to read it again"
            ),
        }
    }
}

impl std::error::Error for Error {}

impl From<SealedError> for Error {
    fn from(error: SealedError) -> Self {
        match error {
            SealedError::Changed { name } => Self::Changed { path: name },
            SealedError::Read { name, error } => Self::io("read", name, &error),
        }
    }
}
