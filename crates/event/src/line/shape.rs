//! The shape of a line: all of it that stands between its values.
//!
//! One program writes most lines of a log, so their keys come in the same order, and two thirds of a line are the same
//! bytes as in the line before. Those are compared here, up to 32 at once, and not parsed; only the values are looked at
//! one by one. An array is one value, whatever is in it, and so is an object with nothing in it; other objects are taken
//! apart, so that their keys belong to the shape.
//!
//! Invariant: a shape is that of a line that V8 accepts. Where the same bytes stand between values, the grammar is in
//! the same state, so a line that matches is accepted as well, and each of its values has the key that it had there.
//! A line that does not match is not judged here.

use super::Span;
use super::cursor::{Cursor, Malformed};
use super::nesting::Nesting;
use super::scanner::{Field, Fields};

/// Lines of so many shapes may take turns.
const SHAPES: usize = 2;
/// The shape of a longer text, or of one with more values, is not kept.
const LONGEST: usize = 64 << 10;
const MOST_VALUES: usize = 256;
/// After so many misses in a row there is a pause, and a longer one after each more: where every line has a shape of its
/// own, looking for one costs nothing in the end.
const MISSES: u32 = 8;
/// The longest pause, in lines, as a power of two.
const LONGEST_PAUSE: u32 = 10;

/// The shapes of the lines before, the last one first.
#[derive(Debug, Default)]
pub(super) struct Shapes {
    known: Vec<Shape>,
    misses: u32,
    pause: u32,
}

impl Shapes {
    /// The fields of an event's text, if it has one of these shapes.
    #[inline]
    pub(super) fn read<'a>(
        &mut self,
        text: &'a [u8],
        nesting: &mut Nesting,
        spans: &mut Vec<Span>,
    ) -> Option<Fields<'a>> {
        if self.pause > 0 {
            return None;
        }
        for place in 0..self.known.len() {
            let shape = self.known.get(place)?;
            if let Ok(fields) = shape.read(&mut Cursor::new(text, nesting), spans) {
                self.misses = 0;
                self.known.swap(0, place);
                return Some(fields);
            }
        }
        None
    }

    /// Takes note of the text of an event that had none of these shapes.
    #[cold]
    pub(super) fn learn(&mut self, text: &[u8], nesting: &mut Nesting) {
        if self.pause > 0 {
            self.pause -= 1;
            return;
        }
        self.misses = self.misses.saturating_add(1);
        if let Some(more) = self.misses.checked_sub(MISSES) {
            self.pause = 1 << more.min(LONGEST_PAUSE);
        }
        let mut shape = Shape::default();
        if text.len() <= LONGEST && shape.walk(text, &mut Cursor::new(text, nesting)).is_ok() {
            self.known.truncate(SHAPES - 1);
            self.known.insert(0, shape);
        }
    }
}

/// See the head of this file.
#[derive(Debug, Default)]
struct Shape {
    /// What stands before each value, and whose value it is.
    values: Vec<(Literal, Field)>,
    /// What stands behind the last one.
    end: Literal,
}

impl Shape {
    #[inline]
    fn read<'a>(&self, cursor: &mut Cursor<'a, '_>, spans: &mut Vec<Span>) -> Result<Fields<'a>, Malformed> {
        let mut fields = Fields::default();
        for (before, field) in &self.values {
            cursor.literal(before)?;
            match (cursor.take_string()?, field) {
                (Some(string), field) => fields.put(*field, string),
                (None, Field::Other) => cursor.skip_other()?,
                (None, field) => fields.take(*field, cursor, spans)?,
            }
        }
        cursor.literal(&self.end)?;
        if cursor.at_end() { Ok(fields) } else { Err(Malformed) }
    }

    /// Goes through the text of an event, which was accepted.
    fn walk(&mut self, text: &[u8], cursor: &mut Cursor<'_, '_>) -> Result<(), Malformed> {
        let mut from = 0;
        let mut depth = 0_usize;
        cursor.next()?;
        cursor.space();
        let mut ended = cursor.take(b'}');
        while !ended {
            let key = cursor.key()?;
            let field = if depth == 0 { Field::of(key) } else { Field::Other };
            let value = cursor.position();
            if field == Field::Other && cursor.take(b'{') {
                cursor.space();
                if !cursor.take(b'}') {
                    depth += 1;
                    continue;
                }
            } else {
                cursor.skip_value()?;
            }
            if self.values.len() == MOST_VALUES {
                return Err(Malformed);
            }
            let before = Literal::new(text.get(from..value).unwrap_or_default());
            self.values.push((before, field));
            from = cursor.position();
            // Behind a value: what ends with it.
            loop {
                cursor.space();
                if cursor.next()? == b',' {
                    break;
                }
                ended = depth == 0;
                if ended {
                    break;
                }
                depth -= 1;
            }
        }
        self.end = Literal::new(text.get(from..).unwrap_or_default());
        Ok(())
    }
}

/// Bytes that are expected.
#[derive(Debug, Default)]
pub(super) struct Literal {
    text: Box<[u8]>,
    /// The first 32 of them, with zeros behind them, and ones where they are.
    words: [u64; 4],
    mask: [u64; 4],
}

impl Literal {
    fn new(text: &[u8]) -> Self {
        let mut literal = Self { text: text.into(), ..Self::default() };
        for (place, byte) in text.iter().take(32).enumerate() {
            let shift = 8 * (place % 8);
            if let (Some(word), Some(mask)) =
                (literal.words.get_mut(place / 8), literal.mask.get_mut(place / 8))
            {
                *word |= u64::from(*byte) << shift;
                *mask |= 0xFF << shift;
            }
        }
        literal
    }

    /// What follows these bytes in `rest`, if it begins with them.
    #[inline]
    pub(super) fn strip<'a>(&self, rest: &'a [u8]) -> Option<&'a [u8]> {
        let length = self.text.len();
        if length <= 32
            && let Some(chunk) = rest.first_chunk::<32>()
        {
            let words = chunk.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word));
            let expected = self.words.iter().zip(&self.mask);
            let differ =
                words.zip(expected).fold(0, |differ, (word, (text, mask))| differ | (word & mask) ^ text);
            return if differ == 0 { rest.get(length..) } else { None };
        }
        rest.strip_prefix(&*self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scanner;

    const LINES: [&str; 6] = [
        r#"{"eventId":"e-1","taskId":"t","diff":{"added":1,"removed":-2.5e3,"taskId":"no","timestamp":5},"tests":{"ran":true,"of":{"x":null}},"violations":[{"ruleId":"R1","autoCorrected":true}],"reworkLines":7,"timestamp":1764000000000,"durationMs":807}"#,
        r#"{"eventId":"e-1","taskId":"t","empty":{},"list":[],"timestamp":1764000000000,"\u0074imestamp":5}"#,
        r#" { "taskId" : null , "a" : { "b" : "\u00e9\n" } , "timestamp" : 1 } "#,
        r#"{"taskId":{"a":1},"violations":{},"timestamp":"x","reworkLines":false}"#,
        r#"{"a key that is longer than the thirty-two bytes that are compared at once":1,"timestamp":2}"#,
        "{}",
    ];

    /// What a scanner says that has seen `before`, and one that has seen nothing.
    fn both(seen: &mut Scanner, before: &str, line: &[u8]) -> [String; 2] {
        seen.scan(before.as_bytes());
        [format!("{:?}", seen.scan(line)), format!("{:?}", Scanner::new().scan(line))]
    }

    #[test]
    fn a_line_means_the_same_whatever_came_before() {
        let mut seen = Scanner::new();
        for before in LINES {
            for line in LINES {
                let [with, without] = both(&mut seen, before, line.as_bytes());
                assert_eq!(with, without, "{line} behind {before}");
            }
        }
    }

    #[test]
    fn any_byte_may_be_another_one_or_missing_or_there_twice() {
        // Each scanner anew: misses in a row would make it pause.
        for before in LINES {
            for at in 0..before.len() {
                let (head, tail) = before.as_bytes().split_at(at);
                let others =
                    b"{}[],:\"\\ \n0-.etn\0\xFF".iter().map(|byte| [head, &[*byte], &tail[1..]].concat());
                let lines = others.chain([
                    [head, &tail[1..]].concat(),
                    [head, &tail[..1], tail].concat(),
                    head.to_vec(),
                    tail.to_vec(),
                    [before.as_bytes(), tail].concat(),
                ]);
                for line in lines {
                    let [with, without] = both(&mut Scanner::new(), before, &line);
                    assert_eq!(with, without, "{} behind {before}", String::from_utf8_lossy(&line));
                }
            }
        }
    }

    #[test]
    fn values_may_be_of_any_kind_and_length() {
        let values = [
            "\"\"",
            "\"a\"",
            "0",
            "-1.5",
            "1e999",
            "true",
            "false",
            "null",
            "[]",
            "[1,{\"a\":[]}]",
            "{}",
            "{\"a\":1}",
            "tru",
            "01",
            " 1",
        ];
        let made = |value: &str, other: &str| {
            format!(
                "{{\"eventId\":{value},\"a\":{{\"b\":{other}}},\"taskId\":{value},\"timestamp\":{other},\"violations\":{value}}}"
            )
        };
        for before in values {
            for value in values {
                for other in values {
                    let line = made(value, other);
                    let [with, without] = both(&mut Scanner::new(), &made(before, before), line.as_bytes());
                    assert_eq!(with, without, "{line} behind {before}");
                }
            }
        }
    }

    #[test]
    fn shapes_in_turns_and_shapes_without_end() {
        let mut seen = Scanner::new();
        for number in 0..5000_u32 {
            let key = if number % 3 == 0 { number } else { number % 2 };
            let line = format!("{{\"{key}\":{{\"a\":{number}}},\"timestamp\":{number}}}");
            let [with, without] = both(&mut seen, "{\"taskId\":\"t\"}", line.as_bytes());
            assert_eq!(with, without);
        }
        let many = format!("{{{}\"timestamp\":1}}", "\"a\":1,".repeat(1000));
        let [with, without] = both(&mut seen, &many, many.as_bytes());
        assert_eq!(with, without);
    }
}
