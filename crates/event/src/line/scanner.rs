//! The scanner: finds the fields of an event in one pass over its line.
//!
//! Only the members of the event and of its violations are looked at one by one; the values of all others are
//! skipped. A field of a wrong type is not an error: JavaScript will see it as it is.

use super::cursor::{Cursor, Malformed};
use super::nesting::Nesting;
use super::shape::Shapes;
use super::{Event, JsonStr, Line, Span, Task, Violations};
use crate::text;

/// Classifies lines. Keeps its buffers from line to line, so one should be used for many.
#[derive(Debug, Default)]
pub struct Scanner {
    nesting: Nesting,
    shapes: Shapes,
    violations: Vec<Span>,
}

impl Scanner {
    /// A scanner with empty buffers.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Classifies `line`. The line should not contain 0x0A; if it does, that counts as white space.
    pub fn scan<'a>(&'a mut self, line: &'a [u8]) -> Line<'a> {
        let text = text::trim(line);
        if text.is_empty() {
            return Line::Blank;
        }
        match self.event(text) {
            Ok(event) => Line::Event(event),
            Err(Malformed) => Line::Malformed,
        }
    }

    fn event<'a>(&'a mut self, text: &'a [u8]) -> Result<Event<'a>, Malformed> {
        let Self { nesting, shapes, violations: spans } = self;
        let fields = if let Some(fields) = shapes.read(text, nesting, spans) {
            fields
        } else {
            let fields = parsed(text, nesting, spans)?;
            shapes.learn(text, nesting);
            fields
        };
        let Fields { id, task, timestamp, rework, regular } = fields;
        let violations = regular.then_some(Violations { text, spans });
        Ok(Event { text, id, task, timestamp, rework, violations })
    }
}

/// The fields of an event, by the grammar.
fn parsed<'a>(text: &'a [u8], nesting: &mut Nesting, spans: &mut Vec<Span>) -> Result<Fields<'a>, Malformed> {
    let mut cursor = Cursor::new(text, nesting);
    let mut fields = Fields::default();
    if !cursor.take(b'{') {
        return Err(Malformed);
    }
    cursor.members(|key, cursor| fields.take(Field::of(key), cursor, spans))?;
    if cursor.at_end() { Ok(fields) } else { Err(Malformed) }
}

/// What is known of an event; its violations are elsewhere.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    id: Option<JsonStr<'a>>,
    task: Task<'a>,
    timestamp: Option<f64>,
    rework: Option<f64>,
    /// Whether the violations are regular.
    regular: bool,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self { id: None, task: Task::Missing, timestamp: None, rework: None, regular: false }
    }
}

impl<'a> Fields<'a> {
    /// Keeps a string.
    #[inline]
    pub(super) fn put(&mut self, field: Field, string: JsonStr<'a>) {
        match field {
            Field::Id => self.id = Some(string),
            Field::Task => self.task = Task::Str(string),
            Field::Timestamp => self.timestamp = None,
            Field::Rework => self.rework = None,
            Field::Violations => self.regular = false,
            Field::Other => {}
        }
    }

    /// Moves past the value of a field, and keeps it.
    #[inline]
    pub(super) fn take(
        &mut self,
        field: Field,
        cursor: &mut Cursor<'a, '_>,
        spans: &mut Vec<Span>,
    ) -> Result<(), Malformed> {
        match field {
            Field::Id => self.id = cursor.string_or_skip()?,
            Field::Task => self.task = task(cursor)?,
            Field::Timestamp => self.timestamp = cursor.number_or_skip()?,
            Field::Rework => self.rework = cursor.number_or_skip()?,
            Field::Violations => self.regular = violations(cursor, spans)?,
            Field::Other => cursor.skip_value()?,
        }
        Ok(())
    }
}

/// The members of an event that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Task,
    Timestamp,
    Rework,
    Violations,
    Other,
}

impl Field {
    #[inline]
    pub(super) fn of(key: JsonStr<'_>) -> Self {
        if key.escaped { Self::named(&key.decode()) } else { Self::named(key.raw) }
    }

    #[inline]
    fn named(key: &[u8]) -> Self {
        match key {
            b"eventId" => Self::Id,
            b"taskId" => Self::Task,
            b"timestamp" => Self::Timestamp,
            b"reworkLines" => Self::Rework,
            b"violations" => Self::Violations,
            _ => Self::Other,
        }
    }
}

#[inline]
fn task<'a>(cursor: &mut Cursor<'a, '_>) -> Result<Task<'a>, Malformed> {
    let start = cursor.position();
    Ok(match cursor.string_or_skip()? {
        Some(task) => Task::Str(task),
        None => Task::Other(cursor.since(start)),
    })
}

/// Reads the value of `violations` into `spans`; returns whether it is regular.
fn violations(cursor: &mut Cursor<'_, '_>, spans: &mut Vec<Span>) -> Result<bool, Malformed> {
    spans.clear();
    if !cursor.take(b'[') {
        cursor.skip_value()?;
        return Ok(false);
    }
    cursor.space();
    if cursor.take(b']') {
        return Ok(true);
    }
    let mut regular = true;
    loop {
        cursor.space();
        match violation(cursor)? {
            Some(span) if regular => spans.push(span),
            Some(_) => {}
            None => regular = false,
        }
        cursor.space();
        match cursor.next()? {
            b',' => {}
            b']' => return Ok(regular),
            _ => return Err(Malformed),
        }
    }
}

/// Reads one element of `violations`: nothing if it is not regular.
fn violation(cursor: &mut Cursor<'_, '_>) -> Result<Option<Span>, Malformed> {
    if !cursor.take(b'{') {
        cursor.skip_value()?;
        return Ok(None);
    }
    let mut rule = None;
    let mut corrected = Some(false);
    cursor.members(|key, cursor| {
        if key.is(b"ruleId") {
            let start = cursor.position() + 1;
            rule = cursor.string_or_skip()?.map(|rule| (start, rule));
        } else if key.is(b"autoCorrected") {
            let start = cursor.position();
            cursor.skip_value()?;
            corrected = match cursor.since(start) {
                b"true" => Some(true),
                b"false" => Some(false),
                _ => None,
            };
        } else {
            cursor.skip_value()?;
        }
        Ok(())
    })?;
    Ok(rule.zip(corrected).map(|((start, rule), corrected)| Span {
        start,
        end: start + rule.raw.len(),
        escaped: rule.escaped,
        corrected,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event<'a>(scanner: &'a mut Scanner, line: &'a str) -> Event<'a> {
        match scanner.scan(line.as_bytes()) {
            Line::Event(event) => event,
            other => panic!("{other:?}: {line}"),
        }
    }

    fn rules(line: &str) -> Option<Vec<(String, bool)>> {
        let mut scanner = Scanner::new();
        let list = event(&mut scanner, line).violations?;
        let text = |rule: JsonStr<'_>| String::from_utf8(rule.decode().into_owned()).unwrap();
        Some(list.iter().map(|entry| (text(entry.rule), entry.corrected)).collect())
    }

    #[test]
    fn every_field_is_found() {
        let mut scanner = Scanner::new();
        let line =
            r#" {"eventId":"e","a":{"timestamp":1},"taskId":"t\n","timestamp":17, "reworkLines":-0.5} "#;
        let found = event(&mut scanner, line);
        assert_eq!(found.text, line.trim().as_bytes());
        assert_eq!(&*found.id.unwrap().decode(), b"e");
        assert!(matches!(found.task, Task::Str(task) if *task.decode() == *b"t\n" && task.raw() == br"t\n"));
        assert_eq!(found.timestamp, Some(17.0));
        assert_eq!(found.rework, Some(-0.5));
        assert!(found.violations.is_none());
    }

    #[test]
    fn the_last_of_two_keys_counts_even_if_its_type_is_wrong() {
        let mut scanner = Scanner::new();
        let found = event(&mut scanner, r#"{"eventId":"a","timestamp":1,"\u0065ventId":null,"timestamp":2}"#);
        assert!(found.id.is_none());
        assert_eq!(found.timestamp, Some(2.0));
        assert_eq!(rules(r#"{"violations":[{"ruleId":"a"}],"violations":[]}"#), Some(vec![]));
        assert_eq!(rules(r#"{"violations":[],"violations":0}"#), None);
        assert_eq!(rules(r#"{"violations":0,"violations":[]}"#), Some(vec![]));
    }

    #[test]
    fn a_task_that_is_no_string_keeps_its_text() {
        let mut scanner = Scanner::new();
        for json in ["null", "{\"a\" : [1, 2]}", "[]", "1e999", "false"] {
            let line = format!("{{\"taskId\" : {json} ,\"b\":1}}");
            let found = event(&mut scanner, &line);
            assert!(matches!(found.task, Task::Other(text) if text == json.as_bytes()), "{found:?}");
        }
        assert!(matches!(event(&mut scanner, "{}").task, Task::Missing));
    }

    #[test]
    fn violations_are_regular_or_not_given() {
        let list = |entries: &str| rules(&format!("{{\"violations\":[{entries}]}}"));
        assert_eq!(list(""), Some(vec![]));
        assert_eq!(
            list(r#"{"ruleId":"a"}, {"autoCorrected":true,"rul\u0065Id":"\u0062"}"#),
            Some(vec![("a".into(), false), ("b".into(), true)])
        );
        assert_eq!(
            list(r#"{"ruleId":1,"autoCorrected":0,"ruleId":"a","autoCorrected":false,"x":{}}"#),
            Some(vec![("a".into(), false)])
        );
        for entries in [
            "null",
            "[]",
            "{}",
            r#"{"ruleId":1}"#,
            r#"{"ruleId":"a","autoCorrected":null}"#,
            r#"{"ruleId":"a","ruleId":1}"#,
            r#"{"ruleId":"a","autoCorrected":true,"autoCorrected":"true"}"#,
            r#"{},{"ruleId":"a"}"#,
        ] {
            assert_eq!(list(entries), None, "{entries}");
        }
    }

    #[test]
    fn lines_are_told_apart() {
        let mut scanner = Scanner::new();
        for line in ["", " ", "\u{FEFF}\r"] {
            assert!(matches!(scanner.scan(line.as_bytes()), Line::Blank), "{line:?}");
        }
        for line in [
            "null",
            "5",
            "[]",
            "\"a\"",
            "{",
            "}",
            "{}}",
            "{} {}",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":[1,]}",
            "{\"a\":[}",
            "{\"a\":{]}",
            "{\"a\":{\"b\":1]}",
            "{\"a\":[1}}",
            "{\"a\":01}",
            "{\"a\":tru}",
            "{\"a\":\u{A0}1}",
            "{a:1}",
        ] {
            assert!(matches!(scanner.scan(line.as_bytes()), Line::Malformed), "{line:?}");
        }
    }

    #[test]
    fn a_scanner_forgets_the_line_before() {
        let mut scanner = Scanner::new();
        let unclosed = format!("{{\"violations\":[{{\"ruleId\":\"a\"}}],\"b\":{}", "[".repeat(1_000));
        assert!(matches!(scanner.scan(unclosed.as_bytes()), Line::Malformed));
        assert!(scanner.nesting.is_open());
        let found = event(&mut scanner, "{\"violations\":[],\"c\":[]}");
        assert!(found.violations.unwrap().is_empty());
        assert!(!scanner.nesting.is_open());
    }

    #[test]
    fn brackets_match_at_every_depth() {
        let mut scanner = Scanner::new();
        for depth in (0..300).chain([1_000_000]) {
            let open: Vec<_> = (0..depth).map(|at| if at % 3 == 0 { "{\"\":" } else { "[" }).collect();
            let close: Vec<_> = (0..depth).rev().map(|at| if at % 3 == 0 { "}" } else { "]" }).collect();
            let line = format!("{{\"a\":{}0{}}}", open.concat(), close.concat());
            assert!(matches!(scanner.scan(line.as_bytes()), Line::Event(_)), "{depth}");
            let turned = close.iter().rev().copied().collect::<String>();
            let line = format!("{{\"a\":{}0{turned}}}", open.concat());
            let symmetric = turned == close.concat();
            assert_eq!(matches!(scanner.scan(line.as_bytes()), Line::Event(_)), symmetric, "{depth}");
        }
    }
}
