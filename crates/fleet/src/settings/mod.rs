//! How a shared store is reached: libpq's rules for connection strings, services, environment, passfiles and several
//! hosts, with two differences.
//!
//! ```text
//! connection string  >  service  >  environment  >  defaults
//! ```
//!
//! - `sslmode` is `verify-full` unless something else is said, but for loopback addresses and Unix sockets, where it is
//!   `disable`. `prefer` and `allow` are refused: a stranger on the way can have
//!   them send all in the clear.
//! - A passfile or key that others can read is an error; libpq passes over the passfile and says so on stderr.
//!
//! Invariant: a password and a connection string are in no message and no `Debug`. What cannot be parsed is described
//! by where it stands, never quoted: a mistyped separator makes a part of a password look like anything.

mod host;
mod passfile;
mod secret;
mod service;
mod text;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};

pub use host::Host;
pub(crate) use passfile::check_mode;
pub use secret::Secret;

/// The settings that are understood, by libpq's names, and their variables of the environment.
const KEYWORDS: [(&str, Option<&str>); 21] = [
    ("application_name", Some("PGAPPNAME")),
    ("channel_binding", Some("PGCHANNELBINDING")),
    ("connect_timeout", Some("PGCONNECT_TIMEOUT")),
    ("dbname", Some("PGDATABASE")),
    ("fallback_application_name", None),
    ("gssencmode", Some("PGGSSENCMODE")),
    ("host", Some("PGHOST")),
    ("hostaddr", Some("PGHOSTADDR")),
    ("keepalives", None),
    ("passfile", Some("PGPASSFILE")),
    ("password", Some("PGPASSWORD")),
    ("port", Some("PGPORT")),
    ("service", Some("PGSERVICE")),
    ("sslcert", Some("PGSSLCERT")),
    ("sslkey", Some("PGSSLKEY")),
    ("sslmin_protocol_version", None),
    ("sslmode", Some("PGSSLMODE")),
    ("sslrootcert", Some("PGSSLROOTCERT")),
    ("ssl_min_protocol_version", Some("PGSSLMINPROTOCOLVERSION")),
    ("target_session_attrs", Some("PGTARGETSESSIONATTRS")),
    ("user", Some("PGUSER")),
];
/// Settings of libpq that would change what is promised if they were passed over.
const REFUSED: [(&str, &str); 8] = [
    ("options", "options do not pass a pooler; set them for the user: ALTER ROLE … SET …"),
    (
        "require_auth",
        "require_auth is not supported; channel_binding=require has the server prove that it knows the password",
    ),
    ("requirepeer", "requirepeer is not supported"),
    ("replication", "replication is not for this"),
    ("sslcrl", "revocation lists are not supported"),
    ("sslcrldir", "revocation lists are not supported"),
    ("sslpassword", "keys with a password are not supported; leave the key's file to its owner alone"),
    ("sslnegotiation", "sslnegotiation is not supported"),
];

/// A connection string without its password, as it may be kept.
///
/// # Errors
/// [`Code::Config`](crate::Code::Config) as [`Settings::new`].
pub fn without_password(connection: &str) -> Result<String> {
    let mut given = text::parse(connection)?;
    given.remove("password");
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
    let pairs: Vec<String> =
        given.iter().map(|(keyword, value)| format!("{keyword}='{}'", quoted(value))).collect();
    Ok(pairs.join(" "))
}

/// How the channel is protected.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SslMode {
    /// Not at all.
    Disable,
    /// Encrypted; any server will do.
    Require,
    /// Encrypted, with a certificate of a known CA.
    VerifyCa,
    /// The same, and the certificate has the host's name.
    VerifyFull,
}

/// Whether the password's proof is bound to the encrypted channel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChannelBinding {
    /// No.
    Disable,
    /// If the server offers it.
    Prefer,
    /// Else no connection.
    Require,
}

/// Where the CAs are that a certificate may come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Roots {
    /// Those of this machine.
    System,
    /// Those in a file.
    File(PathBuf),
}

/// Which of several hosts will do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// Each.
    Any,
    /// One that takes writes.
    ReadWrite,
}

/// What settings are made of beside the connection string: the environment and the user's home.
pub struct Surroundings<'a> {
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The user's home folder, where it is known.
    pub home: Option<PathBuf>,
    /// The user's name on this machine.
    pub user: Option<String>,
}

impl Surroundings<'static> {
    /// Those of this process.
    #[must_use]
    pub fn of_process() -> Self {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let home = if cfg!(windows) { "APPDATA" } else { "HOME" };
        let user = if cfg!(windows) { "USERNAME" } else { "USER" };
        Self {
            variable: &|name| std::env::var(name).ok().filter(|value| !value.is_empty()),
            home: variable(home).map(PathBuf::from),
            user: variable(user).or_else(|| variable("LOGNAME")),
        }
    }
}

/// How a shared store is reached. See the head of this file.
#[derive(Clone, Debug)]
pub struct Settings {
    hosts: Vec<Host>,
    user: String,
    database: String,
    password: Option<Secret>,
    passfile: Option<PathBuf>,
    application: String,
    mode: Option<SslMode>,
    roots: Option<Roots>,
    certificate: Option<(PathBuf, PathBuf)>,
    binding: ChannelBinding,
    target: Target,
    tls13_only: bool,
    connect_timeout: Duration,
}

impl Settings {
    /// Settings from a connection string, a URL or `keyword=value …`, or from the surroundings alone.
    ///
    /// # Errors
    /// [`Code::Config`](crate::Code::Config); the message does not quote the connection string.
    pub fn new(connection: Option<&str>, around: &Surroundings<'_>) -> Result<Self> {
        let mut given = connection.map(text::parse).transpose()?.unwrap_or_default();
        let variable = |name: &str| (around.variable)(name);
        let service = given.get("service").cloned().or_else(|| variable("PGSERVICE"));
        if let Some(service) = service {
            for (key, value) in service::read(&service, around)? {
                given.entry(key).or_insert(value);
            }
        }
        for (keyword, name) in KEYWORDS {
            if let Some(value) = name.and_then(variable) {
                given.entry(keyword.to_owned()).or_insert(value);
            }
        }
        given.retain(|_, value| !value.is_empty());
        Self::of(&given, around)
    }

    fn of(given: &BTreeMap<String, String>, around: &Surroundings<'_>) -> Result<Self> {
        let get = |keyword: &str| given.get(keyword).map(String::as_str);
        for (keyword, why) in REFUSED {
            if get(keyword).is_some() {
                return Err(Error::config(why));
            }
        }
        if get("gssencmode") == Some("require") {
            return Err(Error::config("GSSAPI encryption is not supported; use TLS"));
        }
        let Some(user) = get("user").map(str::to_owned).or_else(|| around.user.clone()) else {
            return Err(Error::config("no user is named; set user, or PGUSER"));
        };
        let home = around.home.as_deref();
        let (mode, roots) = tls(get("sslmode"), get("sslrootcert"), home)?;
        Ok(Self {
            hosts: host::parse(get("host"), get("hostaddr"), get("port"))?,
            database: get("dbname").map_or_else(|| user.clone(), str::to_owned),
            user,
            password: get("password").map(Secret::new),
            passfile: get("passfile").map(PathBuf::from).or_else(|| home.map(passfile::default)),
            application: get("application_name")
                .or(get("fallback_application_name"))
                .unwrap_or("guidance-ledger")
                .to_owned(),
            mode,
            roots,
            certificate: certificate(get("sslcert"), get("sslkey"), home)?,
            binding: binding(get("channel_binding"))?,
            target: target(get("target_session_attrs"))?,
            tls13_only: tls13_only(get("ssl_min_protocol_version"))?,
            connect_timeout: connect_timeout(get("connect_timeout"))?,
        })
    }

    /// The hosts in the order in which they are tried.
    #[must_use]
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The user.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The database.
    #[must_use]
    pub fn database(&self) -> &str {
        &self.database
    }

    /// What the connection calls itself.
    #[must_use]
    pub fn application(&self) -> &str {
        &self.application
    }

    /// How the channel to a host is protected.
    #[must_use]
    pub fn mode_for(&self, host: &Host) -> SslMode {
        let local = if host.is_loopback() { SslMode::Disable } else { SslMode::VerifyFull };
        if host.is_socket() { SslMode::Disable } else { self.mode.unwrap_or(local) }
    }

    /// Where the CAs are.
    #[must_use]
    pub fn roots(&self) -> Roots {
        self.roots.clone().unwrap_or(Roots::System)
    }

    /// Files of this client's own certificate and its key.
    #[must_use]
    pub fn certificate(&self) -> Option<(&Path, &Path)> {
        self.certificate.as_ref().map(|(certificate, key)| (certificate.as_path(), key.as_path()))
    }

    /// Whether the password's proof is bound to the channel.
    #[must_use]
    pub fn binding(&self) -> ChannelBinding {
        self.binding
    }

    /// Which hosts will do.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// Whether nothing older than TLS 1.3 will do.
    #[must_use]
    pub fn tls13_only(&self) -> bool {
        self.tls13_only
    }

    /// How long an attempt may take, for one host, with all that belongs to it.
    #[must_use]
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// The same, for a client that writes unless `target_session_attrs` says otherwise.
    #[must_use]
    pub fn for_writing(mut self) -> Self {
        self.target = Target::ReadWrite;
        self
    }

    /// The password for a host, looked for at each connect, so that a changed passfile is found.
    ///
    /// # Errors
    /// [`Code::Config`](crate::Code::Config) if the passfile can be read by others, or cannot be read by us.
    pub fn password_for(&self, host: &Host) -> Result<Option<Secret>> {
        match (&self.password, &self.passfile) {
            (Some(password), _) => Ok(Some(password.clone())),
            (None, Some(file)) => passfile::find(file, host, &self.database, &self.user),
            (None, None) => Ok(None),
        }
    }

    /// The store in words that may be shown: no password, no file.
    #[must_use]
    pub fn place(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(ToString::to_string).collect();
        format!("{}/{}", hosts.join(","), self.database)
    }
}

fn tls(
    mode: Option<&str>,
    roots: Option<&str>,
    home: Option<&Path>,
) -> Result<(Option<SslMode>, Option<Roots>)> {
    let roots = match roots {
        Some("system") => Some(Roots::System),
        Some(file) => Some(Roots::File(PathBuf::from(file))),
        None => {
            home.map(|home| folder_of(home).join("root.crt")).filter(|file| file.exists()).map(Roots::File)
        }
    };
    let system = roots == Some(Roots::System);
    let mode = match mode {
        None => None,
        Some("disable") => Some(SslMode::Disable),
        Some("prefer" | "allow") => {
            return Err(Error::config(
                "sslmode prefer and allow fall back to sending all in the clear, unseen; use verify-full, or disable on \
                 this machine",
            ));
        }
        // As with libpq: a file of CAs is there to be used.
        Some("require") if matches!(roots, Some(Roots::File(_))) => Some(SslMode::VerifyCa),
        Some("require" | "verify-ca") if system => {
            return Err(Error::config(
                "with sslrootcert=system anyone can have a certificate; use sslmode=verify-full",
            ));
        }
        Some("require") => Some(SslMode::Require),
        Some("verify-ca") => Some(SslMode::VerifyCa),
        Some("verify-full") => Some(SslMode::VerifyFull),
        Some(_) => return Err(Error::config("sslmode is disable, require, verify-ca or verify-full")),
    };
    Ok((mode, roots))
}

/// Where libpq keeps a user's files.
fn folder_of(home: &Path) -> PathBuf {
    home.join(if cfg!(windows) { "postgresql" } else { ".postgresql" })
}

fn certificate(
    certificate: Option<&str>,
    key: Option<&str>,
    home: Option<&Path>,
) -> Result<Option<(PathBuf, PathBuf)>> {
    let there = |name: &str| home.map(|home| folder_of(home).join(name)).filter(|file| file.exists());
    let named = certificate.is_some();
    let Some(certificate) = certificate.map(PathBuf::from).or_else(|| there("postgresql.crt")) else {
        return Ok(None);
    };
    match key.map(PathBuf::from).or_else(|| there("postgresql.key")) {
        Some(key) => Ok(Some((certificate, key))),
        None if named => Err(Error::config("sslcert needs sslkey")),
        None => Ok(None),
    }
}

fn binding(value: Option<&str>) -> Result<ChannelBinding> {
    match value {
        None | Some("prefer") => Ok(ChannelBinding::Prefer),
        Some("disable") => Ok(ChannelBinding::Disable),
        Some("require") => Ok(ChannelBinding::Require),
        Some(_) => Err(Error::config("channel_binding is disable, prefer or require")),
    }
}

fn target(value: Option<&str>) -> Result<Target> {
    match value {
        None | Some("any") => Ok(Target::Any),
        Some("read-write" | "primary") => Ok(Target::ReadWrite),
        Some(_) => Err(Error::config("target_session_attrs is any, read-write or primary")),
    }
}

fn tls13_only(value: Option<&str>) -> Result<bool> {
    match value {
        None | Some("TLSv1" | "TLSv1.1" | "TLSv1.2") => Ok(false),
        Some("TLSv1.3") => Ok(true),
        Some(_) => Err(Error::config("ssl_min_protocol_version is TLSv1.2 or TLSv1.3")),
    }
}

/// libpq's rule: 0 is without end, 1 is 2. We have no attempt without end.
fn connect_timeout(value: Option<&str>) -> Result<Duration> {
    const MOST: u64 = 15;
    let Some(value) = value else { return Ok(Duration::from_secs(MOST)) };
    match value.trim().parse::<i64>() {
        Ok(seconds) if seconds <= 0 => Ok(Duration::from_secs(MOST)),
        Ok(seconds) => Ok(Duration::from_secs(seconds.unsigned_abs().clamp(2, 600))),
        Err(_) => Err(Error::config("connect_timeout is a number of seconds")),
    }
}

#[cfg(test)]
mod tests;
