//! Connection strings: URLs, and `keyword=value …`.
//!
//! Invariant: an error says which part is wrong by its place, and quotes nothing.

use std::collections::BTreeMap;

use super::{KEYWORDS, REFUSED};
use crate::error::{Error, Result};

type Given = BTreeMap<String, String>;

/// The settings of a connection string.
pub(super) fn parse(text: &str) -> Result<Given> {
    match text.strip_prefix("postgres://").or_else(|| text.strip_prefix("postgresql://")) {
        Some(rest) => url(rest),
        None if text.contains("://") => {
            Err(Error::config("the address begins with postgres:// or is a list of keyword=value"))
        }
        None => pairs(text),
    }
}

/// Takes one setting; `number` is its place among the settings.
pub(super) fn put(given: &mut Given, keyword: &str, value: String, number: usize) -> Result<()> {
    let known = KEYWORDS.iter().any(|(name, _)| *name == keyword)
        || REFUSED.iter().any(|(name, _)| *name == keyword)
        || PASSED_OVER.contains(&keyword);
    if !known {
        // Not even the keyword is quoted: behind a forgotten quote it is a part of a password.
        return Err(Error::config(format!(
            "setting {number} of the connection string is none that PostgreSQL's libpq knows; values with spaces need \
             quotes, and other characters of a URL are written as %XX"
        )));
    }
    if value.contains('\0') {
        return Err(Error::config(format!("setting {number} of the connection string holds a NUL")));
    }
    given.insert(keyword.to_owned(), value);
    Ok(())
}

/// Settings of libpq that mean nothing here.
const PASSED_OVER: [&str; 12] = [
    "client_encoding",
    "gssdelegation",
    "gsslib",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "ssl_max_protocol_version",
    "sslcompression",
    "sslsni",
    "tcp_user_timeout",
];

/// What stands behind `postgres://`.
fn url(text: &str) -> Result<Given> {
    let mut given = Given::new();
    let (before, query) = text.split_once('?').map_or((text, None), |(before, query)| (before, Some(query)));
    let (authority, database) =
        before.split_once('/').map_or((before, None), |(authority, database)| (authority, Some(database)));
    let (user, hosts) =
        authority.split_once('@').map_or((None, authority), |(user, hosts)| (Some(user), hosts));
    if hosts.contains('@') {
        return Err(Error::config("an @ in the user or the password of a URL is written as %40"));
    }
    if let Some(user) = user {
        let (user, password) =
            user.split_once(':').map_or((user, None), |(user, password)| (user, Some(password)));
        put(&mut given, "user", decode(user, "user")?, 0)?;
        if let Some(password) = password {
            put(&mut given, "password", decode(password, "password")?, 0)?;
        }
    }
    let (names, ports) = split_hosts(hosts)?;
    put(&mut given, "host", names, 0)?;
    put(&mut given, "port", ports, 0)?;
    put(&mut given, "dbname", decode(database.unwrap_or_default(), "database")?, 0)?;
    for (number, setting) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        let Some((keyword, value)) = setting.split_once('=') else {
            return Err(Error::config(format!("setting {} of the URL has no =", number + 1)));
        };
        let (keyword, value) = (decode(keyword, "settings")?, decode(value, "settings")?);
        // As JDBC writes it.
        let (keyword, value) = if keyword == "ssl" && value == "true" {
            ("sslmode".to_owned(), "require".to_owned())
        } else {
            (keyword, value)
        };
        put(&mut given, &keyword, value, number + 1)?;
    }
    given.retain(|_, value| !value.is_empty());
    Ok(given)
}

/// The names and the ports of `host:port,[::1]:port,…`, as lists.
fn split_hosts(text: &str) -> Result<(String, String)> {
    let (mut names, mut ports) = (Vec::new(), Vec::new());
    for host in text.split(',') {
        let (name, port) = if let Some(rest) = host.strip_prefix('[') {
            let Some((name, rest)) = rest.split_once(']') else {
                return Err(Error::config("an IPv6 address in a URL stands between [ and ]"));
            };
            (name, rest.strip_prefix(':').unwrap_or(rest))
        } else {
            host.split_once(':').unwrap_or((host, ""))
        };
        // Else it may be a password that has lost its user.
        if !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Error::config(
                "a port of the URL is not a number; a : or / in a password is written as %XX",
            ));
        }
        names.push(decode(name, "host")?);
        ports.push(port);
    }
    let ports = if ports.iter().all(|port| port.is_empty()) { String::new() } else { ports.join(",") };
    let names = if names.iter().all(String::is_empty) { String::new() } else { names.join(",") };
    Ok((names, ports))
}

fn decode(text: &str, part: &str) -> Result<String> {
    let wrong =
        || Error::config(format!("a % in the {part} of the URL is not followed by two hexadecimal digits"));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or_else(wrong)?;
        let digits = std::str::from_utf8(digits).ok().filter(|digits| !digits.contains(['+', '-']));
        bytes.push(digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or_else(wrong)?);
        rest = after;
    }
    String::from_utf8(bytes).map_err(|_| Error::config(format!("the {part} of the URL is not UTF-8")))
}

/// `keyword=value`, with spaces between; a value may stand in single quotes, and `\` takes the next character as it is.
fn pairs(text: &str) -> Result<Given> {
    let mut given = Given::new();
    let mut characters = text.chars().peekable();
    for number in 1.. {
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        if characters.peek().is_none() {
            break;
        }
        let mut keyword = String::new();
        while let Some(character) =
            characters.next_if(|&character| character != '=' && !character.is_whitespace())
        {
            keyword.push(character);
        }
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        if characters.next_if_eq(&'=').is_none() {
            return Err(Error::config(format!("setting {number} of the connection string has no =")));
        }
        while characters.next_if(|character| character.is_whitespace()).is_some() {}
        let quoted = characters.next_if_eq(&'\'').is_some();
        let mut value = String::new();
        loop {
            match characters.next() {
                Some('\\') => value.extend(characters.next()),
                Some('\'') if quoted => break,
                None if quoted => {
                    return Err(Error::config(format!(
                        "the quote of setting {number} of the connection string is not closed"
                    )));
                }
                None => break,
                Some(character) if !quoted && character.is_whitespace() => break,
                Some(character) => value.push(character),
            }
        }
        put(&mut given, &keyword, value, number)?;
    }
    Ok(given)
}
