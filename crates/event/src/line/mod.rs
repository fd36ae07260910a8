//! What a line of the log means.
//!
//! A line is the bytes between two 0x0A. Its meaning is V8's, since V8 wrote it and V8 will read it: what
//! `JSON.parse(line.trim())` makes of it after Node has decoded it as UTF-8. A [`Scanner`] says the same without V8,
//! on any thread, and picks out on the way the few fields that the engine keeps columns of. It neither builds a value
//! nor changes a byte: an event stays the text that it was.
//!
//! The invariant, which `tests/line_v8.rs` holds against V8 itself: a line is an [`Event`] exactly if `JSON.parse`
//! accepts it and gives an object, and each field has the value that JavaScript would see. A scanner that is
//! stricter than V8 would lose events; one that is laxer would hand JavaScript a line on which it throws.
//!
//! Why not `serde_json`? Because it is stricter than V8. It refuses escaped lone surrogates (`"\ud800"`, which tools
//! write when they cut a text inside an emoji), numbers too large for `f64` (`1e999`), nesting deeper than 128, a byte
//! order mark before the text, and bytes that are not UTF-8; V8 takes all of them. Here numbers may overflow, broken
//! bytes within strings are U+FFFD, and nesting is bounded by memory alone, one bit a level, with no recursion.
//!
//! How it is fast: most of a line is text between quotes, which [`text`](super::text) skips eight bytes at a time;
//! nothing is decoded before it is asked for; nothing is allocated for a line but the list of its violations, in a
//! buffer that is kept.

mod cursor;
mod nesting;
mod number;
mod scanner;
mod shape;

use std::borrow::Cow;
use std::slice;

use super::text;

pub use scanner::Scanner;

/// What a line is.
#[derive(Debug, Clone, Copy)]
pub enum Line<'a> {
    /// Nothing but white space.
    Blank,
    /// Neither blank nor a JSON object.
    Malformed,
    /// A JSON object.
    Event(Event<'a>),
}

/// The fields of an event that the engine keeps columns of. Where a key occurs twice, the last one counts, as in
/// JavaScript.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// The line without the white space around it: from `{` to `}`.
    pub text: &'a [u8],
    /// `eventId`, if it is a string.
    pub id: Option<JsonStr<'a>>,
    /// `taskId`.
    pub task: Task<'a>,
    /// `timestamp`, if it is a number.
    pub timestamp: Option<f64>,
    /// `reworkLines`, if it is a number.
    pub rework: Option<f64>,
    /// `violations`, if they are regular: an array of objects, each with a string `ruleId` and an `autoCorrected`
    /// that is true, false or absent.
    pub violations: Option<Violations<'a>>,
}

/// The `taskId` of an event.
#[derive(Debug, Clone, Copy)]
pub enum Task<'a> {
    /// There is none.
    Missing,
    /// A string.
    Str(JsonStr<'a>),
    /// Another value: its JSON text, without white space around it.
    Other(&'a [u8]),
}

/// One entry of `violations`.
#[derive(Debug, Clone, Copy)]
pub struct Violation<'a> {
    /// `ruleId`.
    pub rule: JsonStr<'a>,
    /// `autoCorrected`; false if absent.
    pub corrected: bool,
}

/// The violations of one event, in order.
///
/// They are kept as positions within the event's text, since a buffer that outlives a line cannot hold references
/// into it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Violations<'a> {
    text: &'a [u8],
    spans: &'a [Span],
}

/// Where the rule of a violation stands in the text of its event, and the rest of it.
#[derive(Debug, Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    escaped: bool,
    corrected: bool,
}

impl<'a> Violations<'a> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Goes through them in order.
    #[must_use]
    pub fn iter(&self) -> ViolationIter<'a> {
        ViolationIter { text: self.text, spans: self.spans.iter() }
    }
}

impl<'a> IntoIterator for Violations<'a> {
    type Item = Violation<'a>;
    type IntoIter = ViolationIter<'a>;

    fn into_iter(self) -> ViolationIter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &Violations<'a> {
    type Item = Violation<'a>;
    type IntoIter = ViolationIter<'a>;

    fn into_iter(self) -> ViolationIter<'a> {
        self.iter()
    }
}

/// Goes through [`Violations`].
#[derive(Debug, Clone)]
pub struct ViolationIter<'a> {
    text: &'a [u8],
    spans: slice::Iter<'a, Span>,
}

impl<'a> Iterator for ViolationIter<'a> {
    type Item = Violation<'a>;

    fn next(&mut self) -> Option<Violation<'a>> {
        let span = self.spans.next()?;
        let raw = self.text.get(span.start..span.end).unwrap_or_default();
        Some(Violation { rule: JsonStr { raw, escaped: span.escaped }, corrected: span.corrected })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.spans.size_hint()
    }
}

impl ExactSizeIterator for ViolationIter<'_> {}

/// A JSON string: the bytes between its quotes.
#[derive(Debug, Clone, Copy)]
pub struct JsonStr<'a> {
    raw: &'a [u8],
    /// Whether `raw` has a backslash.
    escaped: bool,
}

impl<'a> JsonStr<'a> {
    /// The string as WTF-8, in the sense of [`text`](super::text). Borrowed when nothing has to change.
    #[must_use]
    pub fn decode(&self) -> Cow<'a, [u8]> {
        if self.escaped { text::decode_json_str(self.raw) } else { text::decode_utf8(self.raw) }
    }

    /// The bytes between the quotes, as they stand in the line.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether the string is `name`, which must be ASCII.
    #[inline]
    fn is(&self, name: &[u8]) -> bool {
        if self.escaped { *self.decode() == *name } else { self.raw == name }
    }
}
