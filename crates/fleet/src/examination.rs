//! What works on the way to a store, step by step, and what does not.
//!
//! Invariant: it changes nothing, and a step that cannot be taken ends it: what comes behind it would say the same.

use std::time::{Duration, Instant};

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use uuid::Uuid;

use crate::connection::{Connection, Type, field};
use crate::error::Result;
use crate::protocol::{Calls, Ledger};
use crate::settings::{Host, Settings, SslMode};
use crate::shipper::clock_ms;

/// How long a name or a port may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// Clocks further apart than this mislead readers.
const CLOCK_MS: i64 = 5_000;
/// Round trips that are measured.
const ROUNDS: usize = 5;

/// What a step showed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// As it should be.
    Good,
    /// Worth knowing.
    Note,
    /// In the way.
    Bad,
}

/// A step, and what it showed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The step, in a word or two.
    pub step: &'static str,
    /// How it went.
    pub outcome: Outcome,
    /// In plain words.
    pub text: String,
}

/// Takes all steps.
pub async fn examine(settings: &Settings, ledger: &Ledger) -> Vec<Finding> {
    let mut findings = Vec::new();
    for host in settings.hosts() {
        findings.extend(reach(host).await);
    }
    let started = Instant::now();
    let connection = match Connection::open(settings).await {
        Ok(connection) => connection,
        Err(error) => {
            findings.push(bad("connection", error.to_string()));
            return findings;
        }
    };
    let mode = settings.mode_for(connection.host());
    let took = started.elapsed();
    findings.push(good("connection", format!("{} as {}, {:.0?}", connection.host(), settings.user(), took)));
    findings.push(channel(mode, connection.host()));
    if let Err(error) = look(&connection, ledger, &mut findings).await {
        findings.push(bad("server", error.to_string()));
    }
    findings
}

fn good(step: &'static str, text: impl Into<String>) -> Finding {
    Finding { step, outcome: Outcome::Good, text: text.into() }
}

fn note(step: &'static str, text: impl Into<String>) -> Finding {
    Finding { step, outcome: Outcome::Note, text: text.into() }
}

fn bad(step: &'static str, text: impl Into<String>) -> Finding {
    Finding { step, outcome: Outcome::Bad, text: text.into() }
}

/// Name and port of a host.
async fn reach(host: &Host) -> Vec<Finding> {
    if host.is_socket() {
        return Vec::new();
    }
    let addresses: Vec<std::net::SocketAddr> = match host.address() {
        Some(address) => vec![(address, host.port()).into()],
        None => match timeout(PATIENCE, lookup_host((host.name(), host.port()))).await {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(_)) => return vec![bad("name", format!("{}: the name is not known", host.name()))],
            Err(_) => return vec![bad("name", format!("{}: no answer from the name service", host.name()))],
        },
    };
    let mut findings = Vec::new();
    for address in addresses {
        let started = Instant::now();
        findings.push(match timeout(PATIENCE, TcpStream::connect(address)).await {
            Ok(Ok(_)) => good("port", format!("{address} answers, {:.1?}", started.elapsed())),
            Ok(Err(error)) => note("port", format!("{address}: {}", error.kind())),
            Err(_) => note("port", format!("{address}: no answer within {} s", PATIENCE.as_secs())),
        });
    }
    findings
}

fn channel(mode: SslMode, host: &Host) -> Finding {
    match mode {
        SslMode::VerifyFull => good("channel", "TLS; the certificate and its name are verified"),
        SslMode::VerifyCa => note("channel", "TLS; the certificate is verified, its name is not"),
        SslMode::Require => note("channel", "TLS; the certificate is not verified: any server could answer"),
        SslMode::Disable if host.is_socket() || host.is_loopback() => {
            good("channel", "not encrypted; it does not leave this machine")
        }
        SslMode::Disable => note("channel", "not encrypted: all on the way can read it"),
    }
}

/// All that is asked of the server itself.
async fn look(connection: &Connection, ledger: &Ledger, findings: &mut Vec<Finding>) -> Result<()> {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let started = Instant::now();
        connection.one("SELECT 1", &[]).await?;
        times.push(started.elapsed());
    }
    times.sort_unstable();
    let median = times.get(ROUNDS / 2).copied().unwrap_or_default();
    findings.push(good("round trip", format!("{median:.1?}")));
    let row = connection
        .one(
            "SELECT version(), coalesce(inet_server_port(), 0), current_setting('synchronous_commit'), \
             current_setting('fsync'), current_setting('server_version_num')::int",
            &[],
        )
        .await?;
    let (version, port): (&str, i32) = (field(&row, 0)?, field(&row, 1)?);
    findings.push(server(version, field(&row, 4)?));
    findings.push(way(connection.host(), port));
    let (commit, fsync): (&str, &str) = (field(&row, 2)?, field(&row, 3)?);
    findings.push(if fsync == "off" || commit == "off" {
        let text = format!(
            "synchronous_commit={commit}, fsync={fsync}: what was acknowledged can be lost with the server's power"
        );
        bad("durability", text)
    } else {
        good("durability", format!("synchronous_commit={commit}, fsync={fsync}"))
    });
    let hello = match Calls::new(connection, ledger).hello(Uuid::nil()).await {
        Ok(hello) => hello,
        Err(error) => {
            findings.push(bad("schema", error.to_string()));
            return Ok(());
        }
    };
    let (schema, name) = (ledger.schema.name(), &ledger.name);
    findings.push(good("schema", format!("{schema}, ledger {name}, store {}", hello.store)));
    if let Some(clock) = clock_ms(hello.now) {
        let text = format!("this machine is {clock} ms ahead of the server");
        findings.push(if clock.abs() > CLOCK_MS { bad("clock", text) } else { good("clock", text) });
    }
    findings.push(rights(connection, ledger).await?);
    Ok(())
}

/// Whether something stands between; `port` is the server's own, 0 if it was reached through a socket.
fn way(host: &Host, port: i32) -> Finding {
    match port {
        0 if host.is_socket() => good("way", "direct"),
        0 => note("way", "the server was reached through a socket of its machine: a pooler is in between"),
        _ if host.is_socket() => {
            note("way", "the server was reached through the network: a pooler is in between")
        }
        port if port == i32::from(host.port()) => good("way", "direct, as far as ports tell"),
        port => note(
            "way",
            format!("the server's own port is {port}: a pooler or a forwarded port is in between"),
        ),
    }
}

fn server(version: &str, number: i32) -> Finding {
    let short: String = version.chars().take(60).filter(|character| !character.is_control()).collect();
    if version.contains("CockroachDB") || version.contains("-YB-") {
        return note("server", format!("{short}: by design, but not tested"));
    }
    if number < 130_000 {
        bad("server", format!("{short}: 13 or newer is needed"))
    } else {
        good("server", short)
    }
}

/// What this user may.
async fn rights(connection: &Connection, ledger: &Ledger) -> Result<Finding> {
    let sql = "SELECT coalesce(bool_or(has_function_privilege(p.oid, 'EXECUTE')) FILTER (WHERE p.proname = 'ship_v1'), false), \
               coalesce(bool_or(has_function_privilege(p.oid, 'EXECUTE')) FILTER (WHERE p.proname = 'evict_v1'), false), \
               has_table_privilege(format('%I.events', $1::text), 'SELECT') \
               FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1";
    let row = connection.one(sql, &[(&ledger.schema.name(), Type::TEXT)]).await?;
    let may: Vec<&str> = [("ship", 0), ("read", 2), ("evict", 1)]
        .into_iter()
        .map(|(what, number)| field::<bool>(&row, number).map(|may| may.then_some(what)))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect();
    Ok(if may.is_empty() {
        bad("rights", format!("none; grant {} to this user", ledger.schema.role("writer")))
    } else {
        good("rights", format!("may {}", may.join(", ")))
    })
}
