//! Events as rows of a spreadsheet: RFC 4180, with a guard.
//!
//! A spreadsheet runs a cell that begins with one of = + - @ as a formula, and any program may write events. A text
//! that begins so, after whatever white space, gets an apostrophe before it, which spreadsheets take for "this is
//! text". Numbers keep their digits. Control characters other than tabs and line ends, and marks that reorder text,
//! are written as escapes, since a table may end up in a terminal. So the guard changes some texts: NDJSON keeps all.

use csv::{QuoteStyle, Terminator, WriterBuilder};

use crate::json::value::Value;
use crate::log::fields::Fields;
use crate::text::numbers::long;
use crate::text::safe::{push_escape, safe_bytes};
use crate::text::times::Zone;

const COLUMNS: [&str; 23] = [
    "eventId",
    "timestamp",
    "time",
    "taskId",
    "sessionId",
    "intent",
    "durationMs",
    "outcomeAccepted",
    "reworkLines",
    "violations",
    "autoCorrected",
    "brokenRules",
    "testsRan",
    "testsPassed",
    "testsFailed",
    "testsSkipped",
    "linesAdded",
    "linesRemoved",
    "filesChanged",
    "toolsUsed",
    "filesTouched",
    "retrievedRuleIds",
    "guidanceHash",
];

/// The head of the table.
pub(crate) fn head() -> Vec<u8> {
    record(&COLUMNS.map(str::to_owned))
}

/// The row of an event of any shape.
pub(crate) fn row(event: &Fields<'_>) -> Vec<u8> {
    let within =
        |value: Option<Value<'_>>, name: &str| cell(value.and_then(|value| value.get(name.as_bytes())));
    let broken = event.violations.into_iter().flat_map(Value::elements);
    let corrected =
        |violation: &Value<'_>| violation.get(b"autoCorrected").and_then(Value::boolean) == Some(true);
    let rules = broken.clone().filter_map(|violation| violation.get(b"ruleId"));
    let count = |number: usize| long(number).to_string();
    record(&[
        cell(event.id),
        cell(event.timestamp),
        iso(event.time()),
        cell(event.task),
        cell(event.session),
        cell(event.intent),
        cell(event.duration),
        cell(event.outcome),
        cell(event.rework),
        count(broken.clone().count()),
        count(broken.clone().filter(corrected).count()),
        guarded(&joined(rules)),
        within(event.tests, "ran"),
        within(event.tests, "passed"),
        within(event.tests, "failed"),
        within(event.tests, "skipped"),
        within(event.diff, "linesAdded"),
        within(event.diff, "linesRemoved"),
        within(event.diff, "filesChanged"),
        guarded(&joined(event.tools.into_iter().flat_map(Value::elements))),
        guarded(&joined(event.files.into_iter().flat_map(Value::elements))),
        guarded(&joined(event.retrieved.into_iter().flat_map(Value::elements))),
        cell(event.guidance),
    ])
}

fn record(cells: &[String]) -> Vec<u8> {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Necessary)
        .from_writer(Vec::with_capacity(512));
    // Writing to memory fails for nothing but a wrong number of cells, of which there is one row.
    let _ = writer.write_record(cells);
    writer.into_inner().unwrap_or_default()
}

/// A moment in UTC, to the millisecond; empty where there is none.
fn iso(time: f64) -> String {
    let day = Zone::new(true).show(time);
    if day.len() < 20 || !day.ends_with('Z') {
        return String::new();
    }
    let ms = time.floor().rem_euclid(1000.0);
    format!("{}.{ms:03}Z", day.trim_end_matches('Z'))
}

fn cell(value: Option<Value<'_>>) -> String {
    match value {
        None | Some(Value(b"null")) => String::new(),
        Some(value) if value.number().is_some() || value.boolean().is_some() => {
            String::from_utf8_lossy(value.0).into_owned()
        }
        Some(value) => guarded(&text_of(value)),
    }
}

fn joined<'a>(values: impl Iterator<Item = Value<'a>>) -> Vec<u8> {
    values.map(text_of).collect::<Vec<_>>().join(b"; ".as_slice())
}

/// A string by its characters (WTF-8), another value by its JSON text.
fn text_of(value: Value<'_>) -> Vec<u8> {
    value.string().map_or_else(|| value.0.to_vec(), std::borrow::Cow::into_owned)
}

/// A text that neither a spreadsheet runs nor a terminal obeys.
fn guarded(text: &[u8]) -> String {
    // Half surrogate pairs become escapes here; tabs and line ends are kept below.
    let text = match std::str::from_utf8(text) {
        Ok(text) => text.to_owned(),
        Err(_) => safe_bytes(text).into_owned(),
    };
    let begins =
        text.trim_start().starts_with(['=', '+', '-', '@', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}']);
    let mut out = String::with_capacity(text.len() + 1);
    if begins || text.starts_with(['\t', '\r']) {
        out.push('\'');
    }
    for char in text.chars() {
        if is_control(char) { push_escape(&mut out, char) } else { out.push(char) }
    }
    out
}

fn is_control(char: char) -> bool {
    !matches!(char, '\t' | '\n' | '\r') && crate::text::safe::is_unsafe(char)
}
