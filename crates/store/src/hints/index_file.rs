//! `index.json`: the sums, for programs that read them there.
//!
//! `JSON.stringify({ eventCount, oldestTimestamp, newestTimestamp, taskIds }, null, 2)`, as the original
//! writes it. We never believe it.
//!
//! It is replaced by renaming, so that no reader ever parses half of it, and only while the folder lock is
//! held, so that it never goes back. It follows each awaited append as long as the store is small; writing
//! the names of 100,000 tasks at each append is what makes the original slow.

use std::time::Duration;

use crate::disk::bytes::write_all_at;
use crate::disk::{File, Open};
use crate::error::Result;
use crate::hints::summary::Summary;
use crate::paths::{FOLDER_WAIT, INDEX, LOG, new_id, temporary};
use crate::store::{Slow, State, Store};
use columns::Interner;
use event::identity::{TASK_MISSING, TASK_OTHER};
use event::text::write_json_string;

impl Store {
    /// Brings `index.json` up to date if the store is small and the file lacks something that we wrote.
    pub(crate) fn write_small_index(&self, wait: Duration) -> Result<()> {
        let Some(mut state) = self.state_within(wait) else { return Ok(()) };
        if !state.index_behind {
            return Ok(());
        }
        if state.log.is_none() && self.is_gone() {
            state.index_behind = false;
            return Ok(());
        }
        self.begin(&mut state, wait)?;
        let result = self.sum_up(&mut state, None).and_then(|_| self.write_small_index_from(&mut state));
        self.end(&mut state);
        result
    }

    /// Writes `index.json` from the checkpoint's sums, if they hold all tasks. The folder lock is held.
    pub(crate) fn write_small_index_from(&self, state: &mut State) -> Result<()> {
        let summary = &state.checkpoint.summary;
        let Some(tasks) = &summary.tasks else { return Ok(()) };
        self.replace_index(&render(summary, tasks))?;
        state.index_behind = false;
        Ok(())
    }

    /// Brings `index.json` up to date if it lacks something that we wrote, whatever it costs.
    pub(crate) fn write_index(&self) -> Result<()> {
        self.write_small_index(FOLDER_WAIT)?;
        let mut state = self.state();
        if !state.index_behind {
            return Ok(());
        }
        self.begin(&mut state, FOLDER_WAIT)?;
        let result = self.write_large_index(&mut state);
        self.end(&mut state);
        result
    }

    /// Writes `index.json` from the columns of the whole log. The folder lock is held.
    pub(crate) fn write_large_index(&self, state: &mut State) -> Result<()> {
        let _slow = Slow::begin(&self.slow);
        let Some(log) = self.open_log()? else { return Ok(()) };
        let index = self.index_of(&*log)?;
        self.replace_index(&render(&index.summary(), index.columns.tasks()))?;
        state.index_behind = false;
        Ok(())
    }

    /// Whether somebody removed the log and `index.json`, or the whole folder: a courtesy must not bring it
    /// back.
    fn is_gone(&self) -> bool {
        [LOG, INDEX].iter().all(|name| self.folder.stat(name).is_ok_and(|stat| stat.is_none()))
    }

    /// What `index.json` should say of this log.
    pub(crate) fn expected_index(&self, log: &dyn File) -> Result<Vec<u8>> {
        let index = self.index_of(log)?;
        Ok(render(&index.summary(), index.columns.tasks()))
    }

    fn replace_index(&self, text: &[u8]) -> Result<()> {
        let like = self.folder.stat(INDEX).ok().flatten().filter(|stat| stat.regular);
        let name = temporary(INDEX, &new_id(self.folder.random()));
        let written = self.folder.open(&name, Open::New).and_then(|file| {
            if let Some(like) = like {
                file.set_access(&like)?;
            }
            write_all_at(&*file, text, 0)
        });
        written.and_then(|()| self.folder.rename(&name, INDEX)).map_err(|error| {
            let _ = self.folder.remove(&name);
            self.at("rename", INDEX, &error)
        })
    }
}

/// What `index.json` should say of an empty log.
pub(crate) fn empty() -> Vec<u8> {
    render(&Summary::empty(), &Interner::default())
}

fn render(summary: &Summary, tasks: &Interner) -> Vec<u8> {
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
