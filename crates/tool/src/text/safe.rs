//! Text from events, made fit for a terminal.
//!
//! Any program may write events. Control characters in them could move the cursor, change the title or answer a
//! question; bidirectional marks could make a line read as another one; half a surrogate pair is not a character.
//!
//! Invariant: what comes out of this file holds no character that a terminal obeys or that reorders or hides text.
//! JSON stays the same value: such characters become escapes within strings, and numbers and escapes keep their bytes.

use std::borrow::Cow;

/// Whether a terminal might obey the character, or text around it be hidden or reordered.
pub(crate) const fn is_unsafe(char: char) -> bool {
    matches!(char,
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}'
        | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}')
}

/// Appends the escape of a character.
pub(crate) fn push_escape(out: &mut String, char: char) {
    match char {
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ => {
            let mut units = [0; 2];
            for unit in char.encode_utf16(&mut units) {
                push_unit(out, *unit);
            }
        }
    }
}

fn push_unit(out: &mut String, unit: u16) {
    out.push_str("\\u");
    for shift in [12, 8, 4, 0] {
        let digit = u32::from((unit >> shift) & 0xF);
        out.push(char::from_digit(digit, 16).unwrap_or('0'));
    }
}

/// A text with escapes in place of what is unsafe.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| (0x20..0x7F).contains(&byte)) || !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if is_unsafe(char) { push_escape(&mut out, char) } else { out.push(char) }
    }
    Cow::Owned(out)
}

/// The same of a decoded JSON string, which is WTF-8: half surrogate pairs become escapes, broken bytes U+FFFD.
pub(crate) fn safe_bytes(text: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(text) {
        return safe(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((unit, after)) = split_surrogate(rest) {
            push_unit(&mut out, unit);
            rest = after;
            continue;
        }
        let Some(chunk) = rest.utf8_chunks().next() else { break };
        out.push_str(&safe(chunk.valid()));
        let mut used = chunk.valid().len();
        if rest.get(used..).and_then(split_surrogate).is_none() && !chunk.invalid().is_empty() {
            out.push(char::REPLACEMENT_CHARACTER);
            used += chunk.invalid().len();
        }
        rest = rest.get(used..).unwrap_or_default();
    }
    Cow::Owned(out)
}

/// A surrogate in its three-byte form at the beginning of `bytes`.
fn split_surrogate(bytes: &[u8]) -> Option<(u16, &[u8])> {
    match bytes {
        [0xED, second @ 0xA0..=0xBF, third @ 0x80..=0xBF, rest @ ..] => {
            Some((0xD000 | u16::from(second & 0x3F) << 6 | u16::from(third & 0x3F), rest))
        }
        _ => None,
    }
}

/// JSON text in one line: the same value, unable to harm. `text` is valid by the rules of the `event` crate.
pub(crate) fn push_json(text: &[u8], out: &mut Vec<u8>) {
    if text.iter().all(|byte| (0x20..0x7F).contains(byte)) {
        out.extend_from_slice(text);
        return;
    }
    let mut state = Quotes::default();
    let mut escape = String::new();
    for chunk in text.utf8_chunks() {
        for char in chunk.valid().chars() {
            let within = state.within;
            state.pass(char);
            if !is_unsafe(char) {
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            } else if within {
                escape.clear();
                push_escape(&mut escape, char);
                out.extend_from_slice(escape.as_bytes());
            } else {
                out.push(b' ');
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
}

/// Whether a position in JSON text is within a string.
#[derive(Default)]
struct Quotes {
    within: bool,
    escaped: bool,
}

impl Quotes {
    fn pass(&mut self, char: char) {
        match char {
            _ if self.escaped => self.escaped = false,
            '\\' if self.within => self.escaped = true,
            '"' => self.within = !self.within,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{push_json, safe, safe_bytes};

    fn json(text: &[u8]) -> String {
        let mut out = Vec::new();
        push_json(text, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    }

    #[test]
    fn what_a_terminal_obeys_becomes_an_escape() {
        assert_eq!(safe("a\u{1b}[31mb\u{7}\n\u{9b}\u{202e}c"), "a\\u001b[31mb\\u0007\\n\\u009b\\u202ec");
        assert_eq!(safe("ü 😀 日本"), "ü 😀 日本");
        assert_eq!(safe("\u{E0041}"), "\\udb40\\udc41");
        assert_eq!(safe_bytes(b"\xED\xA0\x80x\xF0\x9F\x98\x80\xFF\xED\xBF\xBF"), "\\ud800x😀\u{FFFD}\\udfff");
    }

    #[test]
    fn json_keeps_its_value_and_its_bytes() {
        for text in [r#"{"a":[1e999,-0,738529527931269425],"b":"\u001b\ud800 ü"}"#, "{ \"a\" : 1 }"] {
            assert_eq!(json(text.as_bytes()), text);
        }
        assert_eq!(json("{\"a\":\t\"\u{7f}\\\"\u{2028}\"\r}".as_bytes()), "{\"a\": \"\\u007f\\\"\\u2028\" }");
        assert_eq!(json(b"{\"a\":\"\xFF\"}"), "{\"a\":\"\u{FFFD}\"}");
    }
}
