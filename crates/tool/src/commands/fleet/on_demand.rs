//! A shipper for a folder that was just written to, by a command that ends soon: `GUIDANCE_FLEET_SHIP=auto`.
//!
//! ```text
//! the environment asks for it, and names the store   not the folder: a folder can come from a stranger
//! no runner of CI                                    those end what is left of a job
//! the engine says that one is wanted                 at most once a minute, nobody ships, and something waits
//! ```
//!
//! Invariant: no connection is opened here. What is started belongs to no terminal, outlives this process, and ends half a
//! minute after the last event.

use std::path::Path;
use std::process::{Command, Stdio};

use super::place::{ADDRESS, variable};
use crate::engine::Engine;
use crate::exit::{Failure, Result};

/// How long it stays after the last event.
const LINGER: &str = "30s";
/// Any of these says where a server is.
const OF_POSTGRESQL: [&str; 3] = ["PGHOST", "PGHOSTADDR", "PGSERVICE"];

/// Starts one, if it is to be and is wanted.
pub(crate) fn start_shipper(engine: &Engine, folder: &Path) -> Result<()> {
    let off = variable("GUIDANCE_FLEET").is_some_and(|switch| switch == "off");
    let asked = variable("GUIDANCE_FLEET_SHIP").is_some_and(|mode| mode == "auto");
    let in_ci = variable("CI").is_some_and(|value| !matches!(value.as_str(), "0" | "false"));
    if !asked || off || in_ci {
        return Ok(());
    }
    let address = variable(ADDRESS);
    if address.is_none() && OF_POSTGRESQL.iter().all(|name| variable(name).is_none()) {
        return Ok(());
    }
    if !engine.wants_shipper()? {
        return Ok(());
    }
    let program = std::env::current_exe()
        .map_err(|error| Failure::System(format!("where this program is cannot be known: {error}")))?;
    let mut command = Command::new(&program);
    command
        .args(["fleet", "ship", "--linger", LINGER, "--dir"])
        .arg(folder)
        // What names no server leaves that to the variables of PostgreSQL, and not to the folder.
        .env(ADDRESS, address.unwrap_or_else(|| "postgresql://".to_owned()))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    detach(&mut command);
    command.spawn().map(drop).map_err(|error| Failure::io("spawn", &program, &error))
}

/// Ctrl-C in the terminal is not for it.
#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    command.process_group(0);
}

#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt;
    const DETACHED_PROCESS: u32 = 0x8;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
}
