//! One connection to a shared store.
//!
//! Invariant: each call has a deadline, and a connection whose call missed it is never used again: dropping a call does
//! not end its statement. No startup parameter but user, database and application name is sent, and no named statement
//! is prepared, so that any pooler will do.

use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{Client, Config, NoTls, Row};

use crate::error::{Class, Code, Error, Result};
use crate::settings::{ChannelBinding, Host, Secret, Settings, SslMode, Target};
use crate::tls;

pub use tokio_postgres::types::Type;

/// How long a statement may take.
const CALL: Duration = Duration::from_secs(60);
/// How long sent bytes may stay unconfirmed.
const UNCONFIRMED: Duration = Duration::from_secs(20);

/// A parameter and its type.
pub type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A connection. Dropping it closes it.
pub struct Connection {
    client: Client,
    task: JoinHandle<()>,
    host: Host,
    secret: Option<Secret>,
    call: Duration,
    broken: AtomicBool,
}

impl Connection {
    /// Connects to the first host that will do. As with libpq, a host that refuses the user ends the search.
    ///
    /// # Errors
    /// With one host, what went wrong there; with several, all of it.
    pub async fn open(settings: &Settings) -> Result<Self> {
        let mut failures: Vec<Error> = Vec::new();
        for host in settings.hosts() {
            match Self::open_host(settings, host).await {
                Ok(connection) => return Ok(connection),
                Err(error) => {
                    let ends = matches!(error.code(), Code::Auth | Code::Config);
                    failures.push(error.at(&host.to_string()));
                    if ends {
                        break;
                    }
                }
            }
        }
        // What a person has to see to weighs more than a host that is away.
        let telling = failures.iter().find(|error| error.code().class() == Class::Person);
        let code = telling.or(failures.last()).map_or(Code::Down, Error::code);
        match <[Error; 1]>::try_from(failures) {
            Ok([error]) => Err(error),
            Err(all) => {
                let all: Vec<&str> = all.iter().map(Error::message).collect();
                Err(Error::new(code, all.join("; ")))
            }
        }
    }

    async fn open_host(settings: &Settings, host: &Host) -> Result<Self> {
        let secret = settings.password_for(host)?;
        let config = config(settings, host, secret.as_ref());
        let mode = settings.mode_for(host);
        let redacted =
            |error: Error| secret.iter().fold(error, |error, secret| error.without(secret.reveal()));
        let limit = settings.connect_timeout();
        let late = || Error::new(Code::Down, format!("no connection within {} s", limit.as_secs()));
        let started = tokio::time::Instant::now();
        let mut connection = if mode == SslMode::Disable {
            if settings.binding() == ChannelBinding::Require {
                return Err(Error::config("channel_binding=require needs TLS"));
            }
            let connected = timeout(limit, config.connect(NoTls)).await.map_err(|_| late())?;
            let (client, connection) = connected.map_err(|error| redacted(of_client(&error)))?;
            let task = tokio::spawn(async move {
                // What ends it is what the next call is told.
                let _ = connection.await;
            });
            Self::new(client, task, host, secret)
        } else {
            let tls = tls::connector(settings, mode)?;
            let connected = timeout(limit, config.connect(tls)).await.map_err(|_| late())?;
            let (client, connection) = connected.map_err(|error| redacted(of_client(&error)))?;
            let task = tokio::spawn(async move {
                let _ = connection.await;
            });
            Self::new(client, task, host, secret)
        };
        if settings.target() == Target::ReadWrite {
            let sql = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on'";
            // It is a part of connecting.
            connection.call = limit.saturating_sub(started.elapsed());
            let read_only = field(&connection.one(sql, &[]).await?, 0)?;
            connection.call = CALL;
            if read_only {
                return Err(Error::new(Code::ReadOnly, "the server takes no writes"));
            }
        }
        Ok(connection)
    }

    fn new(client: Client, task: JoinHandle<()>, host: &Host, secret: Option<Secret>) -> Self {
        Self { client, task, host: host.clone(), secret, call: CALL, broken: AtomicBool::new(false) }
    }

    /// The same with another deadline for calls.
    #[must_use]
    pub fn with_deadline(mut self, call: Duration) -> Self {
        self.call = call;
        self
    }

    /// The host that answered.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Whether calls can still be made.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        !self.broken.load(Ordering::Relaxed) && !self.client.is_closed()
    }

    /// The rows of an unnamed statement: one round trip.
    ///
    /// # Errors
    /// What the server says, or [`Code::Down`].
    pub async fn rows(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Vec<Row>> {
        self.within(self.client.query_typed(sql, parameters)).await
    }

    /// The same, of a statement that gives one row.
    ///
    /// # Errors
    /// As [`Connection::rows`].
    pub async fn one(&self, sql: &str, parameters: &[Parameter<'_>]) -> Result<Row> {
        let mut rows = self.rows(sql, parameters).await?;
        match (rows.pop(), rows.is_empty()) {
            (Some(row), true) => Ok(row),
            _ => Err(unexpected()),
        }
    }

    /// Several statements without parameters, as the server's simple protocol has them.
    ///
    /// # Errors
    /// As [`Connection::rows`].
    pub async fn batch(&self, sql: &str) -> Result<()> {
        self.within(self.client.batch_execute(sql)).await
    }

    async fn within<T>(
        &self,
        call: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        if !self.is_usable() {
            return Err(Error::new(Code::Down, "the connection was lost"));
        }
        // Until it has ended in order: who drops the call leaves its statement running.
        self.broken.store(true, Ordering::Relaxed);
        let Ok(done) = timeout(self.call, call).await else {
            return Err(Error::new(Code::Down, format!("no answer within {} s", self.call.as_secs())));
        };
        let failed = done.as_ref().err().is_some_and(|error| error.as_db_error().is_none());
        self.broken.store(failed, Ordering::Relaxed);
        done.map_err(|error| {
            let error = of_client(&error);
            self.secret.iter().fold(error, |error, secret| error.without(secret.reveal()))
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A field of a row.
///
/// # Errors
/// [`Code::Schema`] if it is not there or of another type: the server has functions of another version.
pub fn field<'a, T: FromSql<'a>>(row: &'a Row, number: usize) -> Result<T> {
    row.try_get(number).map_err(|_| unexpected())
}

fn unexpected() -> Error {
    Error::new(Code::Schema, "the server answers in a way that this version does not know")
}

fn config(settings: &Settings, host: &Host, secret: Option<&Secret>) -> Config {
    let mut config = Config::new();
    config
        .user(settings.user())
        .dbname(settings.database())
        .application_name(settings.application())
        .port(host.port())
        .connect_timeout(settings.connect_timeout())
        .tcp_user_timeout(UNCONFIRMED)
        .keepalives_idle(Duration::from_secs(30))
        .keepalives_interval(Duration::from_secs(5))
        .keepalives_retries(3)
        .channel_binding(match settings.binding() {
            ChannelBinding::Disable => tokio_postgres::config::ChannelBinding::Disable,
            ChannelBinding::Prefer => tokio_postgres::config::ChannelBinding::Prefer,
            ChannelBinding::Require => tokio_postgres::config::ChannelBinding::Require,
        })
        .ssl_mode(if settings.mode_for(host) == SslMode::Disable {
            tokio_postgres::config::SslMode::Disable
        } else {
            tokio_postgres::config::SslMode::Require
        })
        .host(host.name());
    if let Some(address) = host.address() {
        config.hostaddr(address);
    }
    if let Some(secret) = secret {
        config.password(secret.reveal());
    }
    config
}

/// What an error of the client library means.
fn of_client(error: &tokio_postgres::Error) -> Error {
    if let Some(server) = error.as_db_error() {
        return Error::of_server(server.code().code(), server.message());
    }
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            let inner = io.get_ref();
            if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                return Error::new(Code::Tls, of_tls(tls));
            }
            return Error::new(Code::Down, plain(io));
        }
        source = cause.source();
    }
    // The library tells what kind of failure it is in words alone.
    let words = error.to_string();
    let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    if words.starts_with("error performing TLS handshake") {
        Error::new(Code::Tls, "the server offers no TLS")
    } else if words.contains("password missing") || why.contains("password missing") {
        Error::new(Code::Auth, "the server wants a password, and none is set")
    } else if words.starts_with("authentication error") {
        Error::new(Code::Auth, if why.is_empty() { words } else { format!("authentication: {why}") })
    } else {
        Error::new(Code::Down, words)
    }
}

fn of_tls(error: &rustls::Error) -> String {
    use rustls::{CertificateError, Error};
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "the server's certificate is of a CA that is not known here (sslrootcert names its file)"
                .to_owned()
        }
        other => other.to_string(),
    }
}

/// The system's words without Rust's " (os error 28)".
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text.get(..end).unwrap_or(&text).to_lowercase()
}
