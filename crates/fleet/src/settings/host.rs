//! The hosts of a store: names, addresses, ports, sockets.
//!
//! Invariant: what counts as loopback is where the bytes go: the address if one is given, else the name.

use std::fmt;
use std::net::IpAddr;

use crate::error::{Error, Result};

/// Where `PostgreSQL` keeps its socket on Debian and most others; libpq's own default is `/tmp`.
const SOCKETS: [&str; 2] = ["/var/run/postgresql", "/tmp"];
const PORT: u16 = 5432;

/// One host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Host {
    name: String,
    address: Option<IpAddr>,
    port: u16,
}

impl Host {
    /// Its name, its address, or the folder of its socket.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address to connect to, if the name is not to be looked up.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it is reached over a Unix socket.
    #[must_use]
    pub fn is_socket(&self) -> bool {
        self.address.is_none() && (self.name.starts_with('/') || self.name.starts_with('@'))
    }

    /// Whether what is sent stays on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let address = self.address.or_else(|| self.name.parse().ok());
        address.map_or(self.name.eq_ignore_ascii_case("localhost"), |address| address.is_loopback())
    }

    /// The name by which a passfile has it.
    pub(super) fn in_passfile(&self) -> &str {
        if SOCKETS.contains(&self.name.as_str()) { "localhost" } else { &self.name }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

/// Hosts from lists of names, of addresses and of ports.
pub(super) fn parse(names: Option<&str>, addresses: Option<&str>, ports: Option<&str>) -> Result<Vec<Host>> {
    let list = |text: Option<&str>| -> Vec<String> {
        text.map(|text| text.split(',').map(|part| part.trim().to_owned()).collect()).unwrap_or_default()
    };
    let (names, addresses, ports) = (list(names), list(addresses), list(ports));
    let count = names.len().max(addresses.len()).max(1);
    for (all, what) in [(&names, "hosts"), (&addresses, "addresses (hostaddr)")] {
        if !all.is_empty() && all.len() != count {
            return Err(Error::config(format!("there are {count} hosts, but {} {what}", all.len())));
        }
    }
    if ports.len() > 1 && ports.len() != count {
        return Err(Error::config(format!("there are {count} hosts, but {} ports", ports.len())));
    }
    (0..count)
        .map(|number| {
            let at = |all: &Vec<String>| all.get(number).filter(|text| !text.is_empty()).cloned();
            let address = at(&addresses)
                .map(|text| {
                    text.parse::<IpAddr>().map_err(|_| Error::config("hostaddr is not an IP address"))
                })
                .transpose()?;
            let name = at(&names)
                .or_else(|| address.map(|address| address.to_string()))
                .unwrap_or_else(default_name);
            if name.chars().any(|character| character.is_whitespace() || character.is_control()) {
                return Err(Error::config("the name of a host holds a space"));
            }
            let port = if ports.len() == 1 {
                ports.first().filter(|text| !text.is_empty()).cloned()
            } else {
                at(&ports)
            };
            let port = match port {
                None => PORT,
                Some(text) => match text.parse() {
                    Ok(port) if port > 0 => port,
                    _ => return Err(Error::config("a port is a number from 1 to 65535")),
                },
            };
            Ok(Host { name, address, port })
        })
        .collect()
}

fn default_name() -> String {
    let socket = SOCKETS.iter().find(|folder| cfg!(unix) && std::path::Path::new(folder).is_dir());
    socket.map_or_else(|| "localhost".to_owned(), |folder| (*folder).to_owned())
}
