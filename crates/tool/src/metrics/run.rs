//! One event, as far as it is counted.
//!
//! Invariant: an event at which the library's `computeMetrics()` would throw is not regular, and is left out.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::json::value::Value;
use crate::log::fields::{Fields, strings};

/// See the head of this file.
#[derive(Clone, Copy, Default)]
pub(crate) struct Run {
    pub(crate) time: f64,
    pub(crate) violations: f64,
    pub(crate) corrected: f64,
    pub(crate) rework: f64,
    pub(crate) accepted: Option<bool>,
    /// Tests that passed, and that ran.
    pub(crate) tests: Option<(f64, f64)>,
    /// Whether it stands for one call of a tool, and whether that failed.
    pub(crate) call: Option<bool>,
    /// Session and file, if the call changed one.
    pub(crate) edit: Option<u64>,
    pub(crate) lines: f64,
}

impl Run {
    /// The run that an event describes; `None` if its shape is not regular.
    pub(crate) fn of(event: &Fields<'_>) -> Option<Self> {
        let violations = event.violations.filter(|list| list.is_array())?;
        let rework = event.rework.and_then(Value::number).filter(|rework| rework.is_finite())?;
        let mut run = Self { time: event.time(), rework, ..Self::default() };
        for violation in violations.elements() {
            if !violation.is_object() && !violation.is_array() {
                return None;
            }
            run.violations += 1.0;
            run.corrected += if is_corrected(violation) { 1.0 } else { 0.0 };
        }
        run.accepted = event.outcome.and_then(Value::boolean);
        run.tests = event.test_counts().map(|(passed, failed)| (passed, passed + failed));
        let is_call = event
            .hook
            .is_some_and(|hook| hook.is_string(b"PostToolUse") || hook.is_string(b"PostToolUseFailure"));
        run.call = is_call.then(|| event.failed.and_then(Value::boolean) == Some(true));
        let number = |name: &[u8]| event.diff.and_then(|diff| diff.get(name)).and_then(Value::number);
        let (added, removed) = (number(b"linesAdded").unwrap_or(0.0), number(b"linesRemoved").unwrap_or(0.0));
        run.lines = Some(added + removed).filter(|lines| lines.is_finite()).unwrap_or(0.0);
        run.edit = edit_key(event).filter(|_| run.call == Some(false) && run.lines > 0.0);
        Some(run)
    }
}

/// What JavaScript takes for true in `autoCorrected`.
pub(crate) fn is_corrected(violation: Value<'_>) -> bool {
    violation.get(b"autoCorrected").is_some_and(|value| match value.0 {
        b"false" | b"null" | b"\"\"" => false,
        _ => value.number().is_none_or(|number| number != 0.0),
    })
}

/// Stands for the session and the file that a call changed.
fn edit_key(event: &Fields<'_>) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    strings(event.files).next()?.hash(&mut hasher);
    event.session.and_then(Value::string).hash(&mut hasher);
    Some(hasher.finish())
}
