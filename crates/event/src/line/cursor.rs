//! A place in a JSON text, moved forward by the grammar of `JSON.parse`.
//!
//! Where V8 would throw there is `Malformed`, and the cursor is then of no further use.

use super::nesting::Nesting;
use super::shape::Literal;
use super::{JsonStr, number};
use crate::text;

/// V8 would throw.
#[derive(Debug)]
pub(super) struct Malformed;

/// A place in a text. `rest` is always a suffix of `text`.
pub(super) struct Cursor<'a, 'n> {
    text: &'a [u8],
    rest: &'a [u8],
    /// A buffer for `skip_value`.
    nesting: &'n mut Nesting,
}

impl<'a, 'n> Cursor<'a, 'n> {
    pub(super) fn new(text: &'a [u8], nesting: &'n mut Nesting) -> Self {
        Self { text, rest: text, nesting }
    }

    #[inline]
    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The number of bytes behind the cursor.
    #[inline]
    pub(super) fn position(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// The bytes between an earlier position and this one.
    #[inline]
    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        self.text.get(start..self.position()).unwrap_or_default()
    }

    #[inline]
    fn peek(&self) -> Result<u8, Malformed> {
        self.rest.first().copied().ok_or(Malformed)
    }

    #[inline]
    pub(super) fn next(&mut self) -> Result<u8, Malformed> {
        let (&byte, rest) = self.rest.split_first().ok_or(Malformed)?;
        self.rest = rest;
        Ok(byte)
    }

    /// Moves past `byte` if it is the next one.
    #[inline]
    pub(super) fn take(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Moves past the white space of JSON, which is less than that of `trim`.
    #[inline]
    pub(super) fn space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Goes through an object whose opening brace has been taken. `member` is given each key, with the cursor at its
    /// value, and moves past the value.
    #[inline]
    pub(super) fn members(
        &mut self,
        mut member: impl FnMut(JsonStr<'a>, &mut Self) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            member(key, self)?;
            self.space();
            match self.next()? {
                b',' => {}
                b'}' => return Ok(()),
                _ => return Err(Malformed),
            }
        }
    }

    /// Moves past a value, which is returned if it is a string.
    #[inline]
    pub(super) fn string_or_skip(&mut self) -> Result<Option<JsonStr<'a>>, Malformed> {
        if self.take(b'"') {
            return self.string().map(Some);
        }
        self.skip_value()?;
        Ok(None)
    }

    /// Moves past a value, which is returned if it is a number.
    #[inline]
    pub(super) fn number_or_skip(&mut self) -> Result<Option<f64>, Malformed> {
        if let [b'-' | b'0'..=b'9', ..] = self.rest {
            return self.number().map(|number| Some(number::value(number)));
        }
        self.skip_value()?;
        Ok(None)
    }

    /// Moves past a value. The cursor must be at its first byte, white space having been skipped.
    #[inline]
    pub(super) fn skip_value(&mut self) -> Result<(), Malformed> {
        match self.peek()? {
            b'{' | b'[' => self.skip_brackets(),
            _ => self.skip_scalar(),
        }
    }

    fn skip_brackets(&mut self) -> Result<(), Malformed> {
        self.nesting.clear();
        loop {
            // At the first byte of a value.
            match self.peek()? {
                b'{' => {
                    self.next()?;
                    self.space();
                    if !self.take(b'}') {
                        self.nesting.enter(true);
                        self.key()?;
                        continue;
                    }
                }
                b'[' => {
                    self.next()?;
                    self.space();
                    if !self.take(b']') {
                        self.nesting.enter(false);
                        continue;
                    }
                }
                _ => self.skip_scalar()?,
            }
            // Past a value: leave what ends here, and go to the next value.
            loop {
                if !self.nesting.is_open() {
                    return Ok(());
                }
                self.space();
                match (self.next()?, self.nesting.in_object()) {
                    (b',', true) => {
                        self.key()?;
                        break;
                    }
                    (b',', false) => {
                        self.space();
                        break;
                    }
                    (b'}', true) | (b']', false) => self.nesting.leave(),
                    _ => return Err(Malformed),
                }
            }
        }
    }

    #[inline]
    fn number(&mut self) -> Result<&'a [u8], Malformed> {
        let rest = number::skip(self.rest).ok_or(Malformed)?;
        let number = self.rest.get(..self.rest.len() - rest.len()).unwrap_or_default();
        self.rest = rest;
        Ok(number)
    }

    #[inline]
    fn word(&mut self, word: &[u8]) -> Result<(), Malformed> {
        self.rest = self.rest.strip_prefix(word).ok_or(Malformed)?;
        Ok(())
    }
}

/// The steps that a line is made of. Out of line they would each write the cursor to memory for the next to read, and
/// scanning would take a quarter longer.
#[expect(clippy::inline_always, reason = "measured")]
impl<'a> Cursor<'a, '_> {
    /// A key with its colon and the white space around both.
    #[inline(always)]
    pub(super) fn key(&mut self) -> Result<JsonStr<'a>, Malformed> {
        self.space();
        if !self.take(b'"') {
            return Err(Malformed);
        }
        let key = self.string()?;
        self.space();
        if !self.take(b':') {
            return Err(Malformed);
        }
        self.space();
        Ok(key)
    }

    /// The string whose opening quote has been taken.
    #[inline(always)]
    fn string(&mut self) -> Result<JsonStr<'a>, Malformed> {
        let (raw, escaped, rest) = text::split_string(self.rest).ok_or(Malformed)?;
        self.rest = rest;
        Ok(JsonStr { raw, escaped })
    }

    /// Moves past a string, if that is what comes next.
    #[inline(always)]
    pub(super) fn take_string(&mut self) -> Result<Option<JsonStr<'a>>, Malformed> {
        if self.take(b'"') { self.string().map(Some) } else { Ok(None) }
    }

    /// As `skip_value`, for what is not a string.
    #[inline(always)]
    pub(super) fn skip_other(&mut self) -> Result<(), Malformed> {
        match self.peek()? {
            b'{' | b'[' => self.skip_brackets(),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number().map(drop),
        }
    }

    /// Moves past bytes that have to be there.
    #[inline(always)]
    pub(super) fn literal(&mut self, literal: &Literal) -> Result<(), Malformed> {
        self.rest = literal.strip(self.rest).ok_or(Malformed)?;
        Ok(())
    }

    #[inline(always)]
    fn skip_scalar(&mut self) -> Result<(), Malformed> {
        match self.peek()? {
            b'"' => {
                self.next()?;
                self.string()?;
            }
            b't' => self.word(b"true")?,
            b'f' => self.word(b"false")?,
            b'n' => self.word(b"null")?,
            _ => {
                self.number()?;
            }
        }
        Ok(())
    }
}
