//! Services: named sets of settings in a file.
//!
//! Invariant: a service that is asked for and not found is an error; nothing is connected to instead.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::{Surroundings, text};
use crate::error::{Error, Result};

/// The settings of a service: the first section of that name in the user's file, else in the system's.
pub(super) fn read(name: &str, around: &Surroundings<'_>) -> Result<BTreeMap<String, String>> {
    let user = (around.variable)("PGSERVICEFILE").map(PathBuf::from).or_else(|| {
        let hidden = if cfg!(windows) { "postgresql/.pg_service.conf" } else { ".pg_service.conf" };
        around.home.as_ref().map(|home| home.join(hidden))
    });
    let system =
        (around.variable)("PGSYSCONFDIR").map(|folder| PathBuf::from(folder).join("pg_service.conf"));
    for file in [user, system].into_iter().flatten() {
        let Ok(text) = std::fs::read_to_string(&file) else { continue };
        if let Some(found) = section(&text, name)? {
            return Ok(found);
        }
    }
    Err(Error::config("the service that is named is in no service file"))
}

fn section(text: &str, name: &str) -> Result<Option<BTreeMap<String, String>>> {
    let mut found: Option<BTreeMap<String, String>> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            if found.is_some() {
                break;
            }
            found = (header == name).then(BTreeMap::new);
            continue;
        }
        let Some(given) = &mut found else { continue };
        let Some((keyword, value)) = line.split_once('=') else {
            return Err(Error::config(format!("line {} of the service file has no =", number + 1)));
        };
        let keyword = keyword.trim();
        if keyword == "service" {
            return Err(Error::config("a service names no other service"));
        }
        // The first one counts, as with libpq.
        if !given.contains_key(keyword) {
            text::put(given, keyword, value.trim().to_owned(), number + 1)?;
        }
    }
    Ok(found)
}
