//! The passfile: `host:port:database:user:password`, the first line that fits.
//!
//! Invariant: a file that others can read is refused, not passed over: else its owner would search in vain for why
//! the password is wrong.

use std::path::{Path, PathBuf};

use super::Host;
use super::secret::Secret;
use crate::error::{Error, Result};

/// Where it is if nothing else is said; `home` is the user's home folder, on Windows the folder of applications' data.
pub(super) fn default(home: &Path) -> PathBuf {
    if cfg!(windows) { home.join("postgresql").join("pgpass.conf") } else { home.join(".pgpass") }
}

/// The password of a passfile; `None` if the file is not there or has none for this.
pub(super) fn find(file: &Path, host: &Host, database: &str, user: &str) -> Result<Option<Secret>> {
    let metadata = match std::fs::metadata(file) {
        Ok(metadata) if metadata.is_file() => metadata,
        _ => return Ok(None),
    };
    check_mode(file, &metadata, "passfile")?;
    let text = std::fs::read(file).map_err(|error| {
        Error::config(format!("the passfile {} cannot be read: {}", file.display(), error.kind()))
    })?;
    let port = host.port().to_string();
    let wanted = [host.in_passfile(), &port, database, user];
    Ok(String::from_utf8_lossy(&text)
        .lines()
        .find_map(|line| fits(line, &wanted))
        .map(|found| Secret::new(&found)))
}

/// Refuses a file that its group or all may read.
pub(crate) fn check_mode(file: &Path, metadata: &std::fs::Metadata, what: &str) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        // A key of root's may be read by a group, as with libpq.
        let readable = if metadata.uid() == 0 && what == "key" { 0o027 } else { 0o077 };
        if metadata.mode() & readable != 0 {
            return Err(Error::config(format!(
                "the {what} {} can be read by others: chmod 600 {}",
                file.display(),
                file.display()
            )));
        }
    }
    #[cfg(not(unix))]
    let _ = (file, metadata, what);
    Ok(())
}

/// The password of a line, if its first four fields fit.
fn fits(line: &str, wanted: &[&str; 4]) -> Option<String> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line;
    for want in wanted {
        let (field, after) = field(rest)?;
        if field != Field::Any && field != Field::Text((*want).to_owned()) {
            return None;
        }
        rest = after;
    }
    Some(unescape(rest))
}

#[derive(PartialEq, Eq)]
enum Field {
    Any,
    Text(String),
}

/// The field up to the next `:` that no `\` stands before, and what follows.
fn field(text: &str) -> Option<(Field, &str)> {
    let mut escaped = false;
    let end = text.char_indices().find_map(|(at, character)| {
        let ends = character == ':' && !escaped;
        escaped = character == '\\' && !escaped;
        ends.then_some(at)
    })?;
    let (field, rest) = text.split_at_checked(end)?;
    let field = if field == "*" { Field::Any } else { Field::Text(unescape(field)) };
    Some((field, rest.get(1..)?))
}

fn unescape(text: &str) -> String {
    let mut characters = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        plain.extend(if character == '\\' { characters.next() } else { Some(character) });
    }
    plain
}
