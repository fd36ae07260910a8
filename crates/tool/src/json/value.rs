//! Values within JSON text that is known to be valid.
//!
//! The scanner of the `event` crate has judged the whole line; what is left is to find members in it. Nothing is
//! decoded before it is asked for, nothing recurses, and text that is not valid after all gives wrong answers at
//! worst, never a panic.

use std::borrow::Cow;

use event::line::{Line, Scanner};
use event::text::parse_json_string;

/// A value: its JSON text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Value<'a>(pub(crate) &'a [u8]);

impl<'a> Value<'a> {
    /// The string, as WTF-8.
    pub(crate) fn string(self) -> Option<Cow<'a, [u8]>> {
        match self.0 {
            [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') && std::str::from_utf8(inner).is_ok() => {
                Some(Cow::Borrowed(inner))
            }
            [b'"', ..] => parse_json_string(self.0).map(Cow::Owned),
            _ => None,
        }
    }

    /// The string, if it is `text`.
    pub(crate) fn is_string(self, text: &[u8]) -> bool {
        self.string().is_some_and(|string| *string == *text)
    }

    /// The number, as JavaScript reads it.
    pub(crate) fn number(self) -> Option<f64> {
        match self.0 {
            [b'-' | b'0'..=b'9', ..] => std::str::from_utf8(self.0).ok()?.parse().ok(),
            _ => None,
        }
    }

    /// True or false.
    pub(crate) fn boolean(self) -> Option<bool> {
        match self.0 {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// The members of an object; none of anything else.
    pub(crate) fn members(self) -> Members<'a> {
        Members { rest: self.0.strip_prefix(b"{").unwrap_or_default() }
    }

    /// The member of that name; the last one if there are several, as in JavaScript.
    pub(crate) fn get(self, name: &[u8]) -> Option<Value<'a>> {
        self.members().filter(|(key, _)| key.is_string(name)).last().map(|(_, value)| value)
    }

    /// The elements of an array; none of anything else.
    pub(crate) fn elements(self) -> Elements<'a> {
        Elements { rest: self.0.strip_prefix(b"[").unwrap_or_default() }
    }

    /// Whether it is an array.
    pub(crate) fn is_array(self) -> bool {
        self.0.first() == Some(&b'[')
    }

    /// Whether it is an object.
    pub(crate) fn is_object(self) -> bool {
        self.0.first() == Some(&b'{')
    }
}

/// The value that a text is, if it is one and valid by V8's rules.
pub(crate) fn parse(text: &[u8]) -> Option<Value<'_>> {
    let text = event::text::trim(text);
    // The scanner judges objects: the text is made the only member of one.
    let wrapped = [b"{\"\":".as_slice(), text, b"}"].concat();
    if !matches!(Scanner::new().scan(&wrapped), Line::Event(_)) {
        return None;
    }
    let mut members = Value(&wrapped).members();
    let (_, value) = members.next()?;
    (value.0 == text && members.next().is_none()).then_some(Value(text))
}

/// Goes through the members of an object.
#[derive(Clone)]
pub(crate) struct Members<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Members<'a> {
    type Item = (Value<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (key, after) = split_value(separated(self.rest))?;
        if key.first() != Some(&b'"') {
            return None;
        }
        let (value, after) = split_value(space(space(after).strip_prefix(b":")?))?;
        self.rest = after;
        Some((Value(key), Value(value)))
    }
}

/// Goes through the elements of an array.
#[derive(Clone)]
pub(crate) struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (value, after) = split_value(separated(self.rest))?;
        self.rest = after;
        Some(Value(value))
    }
}

/// Without white space, and without the comma before the next item.
fn separated(rest: &[u8]) -> &[u8] {
    let rest = space(rest);
    rest.strip_prefix(b",").map_or(rest, space)
}

fn space(mut rest: &[u8]) -> &[u8] {
    while let [b' ' | b'\t' | b'\n' | b'\r', after @ ..] = rest {
        rest = after;
    }
    rest
}

/// The value at the beginning of a text, and what follows it.
fn split_value(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = match text.first()? {
        b'"' => string_length(text)?,
        b'{' | b'[' => nested_length(text)?,
        b'}' | b']' | b',' | b':' => return None,
        _ => {
            let end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
            text.iter().position(end).unwrap_or(text.len())
        }
    };
    text.split_at_checked(length)
}

fn string_length(text: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        at += 2;
    }
}

fn nested_length(text: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => at += string_length(text.get(at..)?)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' => {
                depth -= 1;
                at += 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, parse};

    #[test]
    fn members_are_found_in_place() {
        let text = br#"{ "a" : {"x":[1,"]}\\\""]} ,"b":[ 1e999 , -0,null],"\u0061":"\ud800","c":true }"#;
        let value = Value(text);
        assert_eq!(value.members().count(), 4);
        assert_eq!(value.get(b"a").and_then(Value::string).as_deref(), Some(b"\xED\xA0\x80".as_slice()));
        let list = value.get(b"b").map(|list| list.elements().map(|item| item.0).collect::<Vec<_>>());
        assert_eq!(list, Some(vec![b"1e999".as_slice(), b"-0", b"null"]));
        assert_eq!(value.get(b"c").and_then(Value::boolean), Some(true));
        assert_eq!(value.get(b"d"), None);
        assert_eq!(Value(b"1e999").number(), Some(f64::INFINITY));
    }

    #[test]
    fn only_one_whole_value_parses() {
        for text in ["1", " {\"a\":[]} ", "\"x\"", "null", "738529527931269425", "[[1]]"] {
            assert!(parse(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["", "x", "1,\"y\":2", "1}", "{", "01", "'a'", "}{"] {
            assert!(parse(text.as_bytes()).is_none(), "{text}");
        }
    }

    #[test]
    fn broken_text_gives_nothing_and_no_panic() {
        for text in ["{\"a", "{\"a\\", "{\"a\":", "{\"a\":[", "{]}", "[", "{\"a\" 1}", "\"\\"] {
            let value = Value(text.as_bytes());
            assert_eq!(value.members().count() + value.elements().count(), 0, "{text}");
        }
    }
}
