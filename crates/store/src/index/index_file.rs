//! `index.json`: the sums, for programs that read them there.
//!
//! `JSON.stringify({ eventCount, oldestTimestamp, newestTimestamp, taskIds }, null, 2)`, as the original
//! writes it. We never believe it.
//!
//! Invariant: it is replaced by renaming, so that no reader ever parses half of it. A draft is locked by its
//! maker, so that it can be distinguished from what a crash left behind.

use columns::Interner;
use event::identity::{TASK_MISSING, TASK_OTHER};
use event::text::write_json_string;

use crate::disk::bytes::write_all_at;
use crate::disk::{File, Open};
use crate::error::Result;
use crate::folder::Folder;
use crate::hints::summary::Summary;
use crate::paths::{INDEX, new_id, temporary};

/// A new `index.json` in the making.
pub(crate) struct IndexDraft<'a> {
    folder: &'a Folder,
    name: String,
    file: Option<Box<dyn File>>,
    text: Vec<u8>,
    /// Whether a regular file stands where it goes.
    replaces: bool,
}

impl<'a> IndexDraft<'a> {
    /// Writes one, as accessible as the file that it will replace.
    pub(crate) fn create(folder: &'a Folder, text: Vec<u8>) -> Result<Self> {
        let like = folder.stat(INDEX).ok().flatten().filter(|stat| stat.regular);
        let name = temporary(INDEX, &new_id(folder.random()));
        let file = folder.open(&name, Open::New).map_err(|error| folder.failed("open", INDEX, &error))?;
        let written = file.try_lock().and_then(|_| {
            if let Some(like) = like {
                file.set_access(&like)?;
            }
            write_all_at(&*file, &text, 0)
        });
        let draft = Self { folder, name, file: Some(file), text, replaces: like.is_some() };
        written.map_err(|error| folder.failed("write", INDEX, &error))?;
        Ok(draft)
    }

    /// Makes it say `text` instead.
    pub(crate) fn say(&mut self, text: Vec<u8>) -> Result<()> {
        if text == self.text {
            return Ok(());
        }
        let Some(file) = &self.file else { return Ok(()) };
        let length = text.len() as u64;
        file.set_len(length)
            .and_then(|()| write_all_at(&**file, &text, 0))
            .map_err(|error| self.folder.failed("write", INDEX, &error))?;
        self.text = text;
        Ok(())
    }

    /// Puts it in the place of `index.json`.
    ///
    /// Exchanging the names takes a hundredth of the time of a rename over a file, for which ext4 writes the new
    /// file's blocks out at once. What was `index.json` is removed under the draft's name.
    pub(crate) fn install(mut self) -> Result<()> {
        // Closed before: Windows renames nothing that is open.
        self.file = None;
        let failed = |error: std::io::Error| self.folder.failed("rename", INDEX, &error);
        let exchanged = self.replaces
            && match self.folder.exchange(&self.name, INDEX) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
                other => other.map_err(failed)?,
            };
        if !exchanged {
            self.folder.rename(&self.name, INDEX).map_err(failed)?;
            self.name.clear();
        }
        Ok(())
    }
}

impl Drop for IndexDraft<'_> {
    fn drop(&mut self) {
        self.file = None;
        if !self.name.is_empty() {
            let _ = self.folder.remove(&self.name);
        }
    }
}

/// What `index.json` should say of an empty log.
pub(crate) fn empty() -> Vec<u8> {
    render(&Summary::empty(), &Interner::default())
}

/// What `index.json` should say.
pub(crate) fn render(summary: &Summary, tasks: &Interner) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + tasks.byte_len() + 8 * tasks.len());
    let (oldest, newest) = match summary.times {
        Some((oldest, newest)) => (number(oldest), number(newest)),
        None => ("null".to_owned(), "null".to_owned()),
    };
    out.extend_from_slice(
        format!(
            "{{\n  \"eventCount\": {},\n  \"oldestTimestamp\": {oldest},\n  \"newestTimestamp\": {newest},\n  \"taskIds\": [",
            summary.events
        )
        .as_bytes(),
    );
    for (position, key) in tasks.iter().enumerate() {
        out.extend_from_slice(if position == 0 { b"\n    " } else { b",\n    " });
        match key.split_first() {
            Some((&TASK_OTHER, json)) => out.extend_from_slice(json),
            _ if key == TASK_MISSING => out.extend_from_slice(b"null"),
            _ => write_json_string(key, &mut out),
        }
    }
    out.extend_from_slice(if tasks.is_empty() { b"]\n}" } else { b"\n  ]\n}" });
    out
}

/// A finite number as JavaScript writes it (ECMA-262, `Number::toString`).
fn number(value: f64) -> String {
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    // JavaScript's n: the value is 0.digits × 10^point.
    let point = exponent + 1;
    let count = i32::try_from(digits.len()).unwrap_or(0);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let split = |at: i32| digits.split_at_checked(usize::try_from(at).unwrap_or(0)).unwrap_or((&digits, ""));
    let unsigned = if value == 0.0 {
        "0".to_owned()
    } else if count <= point && point <= 21 {
        digits.clone() + &zeros(point - count)
    } else if 0 < point && point <= 21 {
        let (whole, fraction) = split(point);
        format!("{whole}.{fraction}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        let (first, rest) = split(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{sign}{}", exponent.abs())
    };
    if value < 0.0 { format!("-{unsigned}") } else { unsigned }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1_764_000_000_000.0, "1764000000000"),
            (-5.5, "-5.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e300, "1.5e+300"),
            (0.000_001, "0.000001"),
            (1e-7, "1e-7"),
            (1.25e-7, "1.25e-7"),
            (123.456, "123.456"),
            (5e-324, "5e-324"),
            (9_007_199_254_740_993.0, "9007199254740992"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
