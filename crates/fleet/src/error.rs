//! What can go wrong between this machine and a shared store.
//!
//! Invariant: no message and no `Debug` of an error holds a password, a connection string, or bytes of an event. Of
//! what a server says, only its one-line message and its SQLSTATE are kept: details and contexts quote values.

use std::fmt;

/// Result of a call to a shared store.
pub type Result<T> = std::result::Result<T, Error>;

/// What happened, by the names that programs compare.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Code {
    /// `EFLEETCONFIG`: the settings cannot be used as they are.
    Config,
    /// `EFLEETDOWN`: no host could be reached in time, or the connection was lost.
    Down,
    /// `EFLEETTLS`: a certificate or an encryption was refused.
    Tls,
    /// `EFLEETAUTH`: user, password or `pg_hba.conf`.
    Auth,
    /// `EFLEETDENIED`: a right is missing.
    Denied,
    /// `EFLEETSCHEMA`: not installed, too old, or too new.
    Schema,
    /// `EFLEETLEDGER`: no ledger of this name.
    Ledger,
    /// `EFLEETREADONLY`: only standbys answered.
    ReadOnly,
    /// `EFLEETFULL`: the server's disk is full.
    Full,
    /// `EFLEETBUSY`: no connection or no memory is free.
    Busy,
    /// `EFLEETREFUSED`: the server refuses these events.
    Refused,
    /// `EREWOUND`: the store went back in time under a follower, or under a shipper, which then offers all again.
    Rewound,
    /// `EFLEETLOCAL`: the folder that is shipped could not be read or written.
    Local,
}

/// What is to be done about a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// It passes by itself: connect anew, send the same batch again.
    Passing,
    /// The same, with longer pauses.
    Busy,
    /// Another host may take it.
    Moved,
    /// A person is needed; it is tried again every five minutes.
    Person,
    /// It is this batch: halve it until the event is found.
    Batch,
}

impl Code {
    /// The name that programs compare.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Config => "EFLEETCONFIG",
            Self::Down => "EFLEETDOWN",
            Self::Tls => "EFLEETTLS",
            Self::Auth => "EFLEETAUTH",
            Self::Denied => "EFLEETDENIED",
            Self::Schema => "EFLEETSCHEMA",
            Self::Ledger => "EFLEETLEDGER",
            Self::ReadOnly => "EFLEETREADONLY",
            Self::Full => "EFLEETFULL",
            Self::Busy => "EFLEETBUSY",
            Self::Refused => "EFLEETREFUSED",
            Self::Rewound => "EREWOUND",
            Self::Local => "EFLEETLOCAL",
        }
    }

    /// What is to be done about it.
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Down => Class::Passing,
            Self::Full | Self::Busy => Class::Busy,
            Self::ReadOnly => Class::Moved,
            Self::Refused => Class::Batch,
            Self::Config
            | Self::Tls
            | Self::Auth
            | Self::Denied
            | Self::Schema
            | Self::Ledger
            | Self::Rewound
            | Self::Local => Class::Person,
        }
    }

    const fn remedy(self) -> &'static str {
        match self {
            Self::Config => "Correct the setting",
            Self::Down => "Events wait in the folder and are sent later; check the network and the server",
            Self::Tls => {
                "Name the CA's file with sslrootcert, or connect by a name that the certificate has; see docs/fleet.md"
            }
            Self::Auth => "Check user, password and the server's pg_hba.conf",
            Self::Denied => {
                "Grant this user the role that it needs: the writer's to ship, the reader's to read"
            }
            Self::Schema => "Install it with: guidance-ledger fleet init",
            Self::Ledger => "Create it with: guidance-ledger fleet init --ledger NAME",
            Self::ReadOnly => "List the primary among the hosts, or wait until there is one",
            Self::Full => "Make room on the server's disk; events wait in the folder and are sent later",
            Self::Busy => {
                "Raise max_connections or put a pooler in front; events wait in the folder and are sent later"
            }
            Self::Refused => {
                "Look at what the server says; a trigger or a constraint of its own may be in the way"
            }
            Self::Rewound => "Read again from a time that you trust; shippers fill the store by themselves",
            Self::Local => "Check the folder",
        }
    }

    /// The meaning of an SQLSTATE.
    #[must_use]
    pub fn of_sqlstate(state: &str) -> Self {
        match state {
            "53300" | "53200" | "53400" => Self::Busy,
            "53100" => Self::Full,
            "25006" => Self::ReadOnly,
            "42501" => Self::Denied,
            "3F000" | "42883" | "42P01" | "3D000" => Self::Schema,
            "GL001" | "GL003" => Self::Ledger,
            "GL002" | "P0001" => Self::Refused,
            "GL005" => Self::Rewound,
            _ => match state.get(..2) {
                Some("28") => Self::Auth,
                Some("22" | "23" | "54") => Self::Refused,
                _ => Self::Down,
            },
        }
    }
}

/// A failure. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Error {
    code: Code,
    message: String,
    sqlstate: Option<String>,
}

impl Error {
    /// A failure in plain words. They must quote no secret and no event.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), sqlstate: None }
    }

    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::new(Code::Config, message)
    }

    /// What a server answered.
    pub(crate) fn of_server(state: &str, message: &str) -> Self {
        let line = message.lines().next().unwrap_or_default();
        let line: String = line.chars().take(300).filter(|character| !character.is_control()).collect();
        Self {
            code: Code::of_sqlstate(state),
            message: format!("the server says: {line} ({state})"),
            sqlstate: Some(state.to_owned()),
        }
    }

    /// What happened, by name.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The server's SQLSTATE, if it was the server that refused.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        self.sqlstate.as_deref()
    }

    /// What happened, without code and remedy.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub const fn remedy(&self) -> &'static str {
        self.code.remedy()
    }

    /// The same, said of a place.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }

    /// The same without a secret that the words of others may have quoted.
    pub(crate) fn without(mut self, secret: &str) -> Self {
        // Short secrets are found in ordinary words; nothing quotes those alone.
        if secret.len() >= 4 && self.message.contains(secret) {
            self.message = self.message.replace(secret, "***");
        }
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.code.name(), self.message, self.code.remedy())
    }
}

impl std::error::Error for Error {}
