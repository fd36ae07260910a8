//! JSON strings and white space, as bytes.
//!
//! JavaScript strings are UTF-16 and may hold a lone surrogate; UTF-8 may not. So a decoded string is kept
//! here as WTF-8: UTF-8 in which a lone surrogate has the three-byte form that UTF-8 forbids (`ED A0 80` to
//! `ED BF BF`). Two surrogates that form a pair are always one four-byte character, so two decoded strings
//! are equal in JavaScript exactly if their bytes are equal.
//!
//! Bytes of a file that are not UTF-8 become U+FFFD, as `buffer.toString('utf8')` makes them; in particular
//! the three-byte form of a surrogate, met raw in a file, is three times U+FFFD. Nothing in this file panics,
//! whatever the input, and nothing but the results is allocated.

use std::borrow::Cow;

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// Removes from both ends what `String.prototype.trim` removes.
///
/// The search from the end is safe in bytes: every white space character of more than one byte begins with a
/// lead byte, which no decoder takes for the continuation of an earlier, broken character.
#[inline]
#[must_use]
pub fn trim(line: &[u8]) -> &[u8] {
    match line {
        [b'{', .., b'}'] => line,
        _ => trim_slow(line),
    }
}

fn trim_slow(mut text: &[u8]) -> &[u8] {
    loop {
        text = match text {
            [b'\t'..=b'\r' | b' ', rest @ ..]
            | [0xC2, 0xA0, rest @ ..]
            | [0xE1, 0x9A, 0x80, rest @ ..]
            | [0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF, rest @ ..]
            | [0xE2, 0x81, 0x9F, rest @ ..]
            | [0xE3, 0x80, 0x80, rest @ ..]
            | [0xEF, 0xBB, 0xBF, rest @ ..] => rest,
            _ => break,
        };
    }
    loop {
        text = match text {
            [rest @ .., b'\t'..=b'\r' | b' ']
            | [rest @ .., 0xC2, 0xA0]
            | [rest @ .., 0xE1, 0x9A, 0x80]
            | [rest @ .., 0xE2, 0x80, 0x80..=0x8A | 0xA8 | 0xA9 | 0xAF]
            | [rest @ .., 0xE2, 0x81, 0x9F]
            | [rest @ .., 0xE3, 0x80, 0x80]
            | [rest @ .., 0xEF, 0xBB, 0xBF] => rest,
            _ => return text,
        };
    }
}

/// The length of the longest prefix without quote, backslash and control character.
///
/// Eight bytes at a time. A subtraction may borrow into higher bytes and so report a byte that is none of the
/// three, but only above one that is; the lowest reported byte is always true.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    let mut rest = bytes;
    while let Some((chunk, tail)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * u64::from(b'"'));
        let backslash = word ^ (ONES * u64::from(b'\\'));
        let stops = (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let stops = stops & HIGHS;
        if stops != 0 {
            return bytes.len() - rest.len() + (stops.trailing_zeros() / 8) as usize;
        }
        rest = tail;
    }
    let tail = rest.iter().position(|&byte| is_stop(byte)).unwrap_or(rest.len());
    bytes.len() - rest.len() + tail
}

const fn is_stop(byte: u8) -> bool {
    matches!(byte, 0..0x20 | b'"' | b'\\')
}

/// Splits `bytes`, which begin just after an opening quote, at the closing one: the raw text between the
/// quotes, whether it has an escape, and what follows. `None` if V8 would not accept the string.
#[inline]
pub(crate) fn split_string(bytes: &[u8]) -> Option<(&[u8], bool, &[u8])> {
    let (raw, tail) = bytes.split_at_checked(plain_run(bytes))?;
    match tail {
        [b'"', after @ ..] => Some((raw, false, after)),
        [b'\\', ..] => split_escaped_string(bytes, tail),
        _ => None,
    }
}

/// The rest of [`split_string`], from the first escape on, which is where `tail` begins.
#[cold]
fn split_escaped_string<'a>(bytes: &'a [u8], mut tail: &'a [u8]) -> Option<(&'a [u8], bool, &'a [u8])> {
    loop {
        tail = match tail {
            [b'"', after @ ..] => {
                let raw = bytes.get(..bytes.len() - tail.len())?;
                return Some((raw, true, after));
            }
            [b'\\', b'u', after @ ..] => {
                let (digits, after) = after.split_first_chunk::<4>()?;
                code_unit(*digits)?;
                after
            }
            [b'\\', escape, after @ ..] => {
                simple_escape(*escape)?;
                after
            }
            _ => return None,
        };
        tail = tail.get(plain_run(tail)..)?;
    }
}

/// The byte that an escape other than `\u` stands for.
const fn simple_escape(escape: u8) -> Option<u8> {
    match escape {
        b'"' | b'\\' | b'/' => Some(escape),
        b'b' => Some(0x08),
        b'f' => Some(0x0C),
        b'n' => Some(b'\n'),
        b'r' => Some(b'\r'),
        b't' => Some(b'\t'),
        _ => None,
    }
}

/// The UTF-16 code unit that the four digits of a `\u` escape stand for.
fn code_unit(digits: [u8; 4]) -> Option<u32> {
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

/// Decodes the raw text between the quotes of a JSON string into WTF-8. Borrowed when nothing has to change.
///
/// `raw` should be a string that the scanner accepted. In any other an escape that JSON does not know stands
/// for itself.
#[must_use]
pub fn decode_json_str(raw: &[u8]) -> Cow<'_, [u8]> {
    let Some((plain, mut rest)) = memchr::memchr(b'\\', raw).and_then(|at| raw.split_at_checked(at)) else {
        return decode_utf8(raw);
    };
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(&decode_utf8(plain));
    loop {
        // Here `rest` is empty or begins with a backslash. A backslash is never part of a longer character,
        // so each stretch between two of them may be decoded on its own.
        let (unit, after) = match rest {
            [b'\\', b'u', after @ ..] => match split_code_unit(after) {
                Some(split) => split,
                None => (u32::from(b'\\'), after),
            },
            [b'\\', escape, after @ ..] => (u32::from(simple_escape(*escape).unwrap_or(*escape)), after),
            [_, after @ ..] => (u32::from(b'\\'), after),
            [] => return Cow::Owned(out),
        };
        push_wtf8(unit, &mut out);
        let stretch = memchr::memchr(b'\\', after).unwrap_or(after.len());
        let Some((plain, next)) = after.split_at_checked(stretch) else { return Cow::Owned(out) };
        out.extend_from_slice(&decode_utf8(plain));
        rest = next;
    }
}

/// The code point after `\u`, from one escape or from two that form a pair, and what follows.
fn split_code_unit(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, after) = bytes.split_first_chunk::<4>()?;
    let unit = code_unit(*digits)?;
    if let (0xD800..=0xDBFF, [b'\\', b'u', low @ ..]) = (unit, after)
        && let Some((digits, after_low)) = low.split_first_chunk::<4>()
        && let Some(low @ 0xDC00..=0xDFFF) = code_unit(*digits)
    {
        return Some((0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00), after_low));
    }
    Some((unit, after))
}

/// Decodes bytes as UTF-8, the broken ones into U+FFFD. Borrowed when none are.
pub(crate) fn decode_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    // Looking first is several times faster than `from_utf8_lossy` for what is nearly always the case.
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text.as_bytes()),
        Err(_) => Cow::Owned(String::from_utf8_lossy(bytes).into_owned().into_bytes()),
    }
}

/// Appends a code point. A `char` can be any but a surrogate, whose three bytes are therefore made by hand.
fn push_wtf8(point: u32, out: &mut Vec<u8>) {
    if let Some(character) = char::from_u32(point) {
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    } else {
        let six_bits = |shift: u32| 0x80 | (point >> shift & 0x3F).to_le_bytes()[0];
        out.extend_from_slice(&[0xED, six_bits(6), six_bits(0)]);
    }
}

/// Reads a whole JSON string with its quotes, such as `JSON.stringify` writes, into WTF-8. `None` if `text`
/// is anything else.
#[must_use]
pub fn parse_json_string(text: &[u8]) -> Option<Vec<u8>> {
    match split_string(text.strip_prefix(b"\"")?)? {
        (raw, _, []) => Some(decode_json_str(raw).into_owned()),
        _ => None,
    }
}

/// Appends what `JSON.stringify` writes for a string, quotes included.
///
/// `wtf8` should be well-formed, as [`decode_json_str`] makes it. Bytes that are not are copied.
pub fn write_json_string(wtf8: &[u8], out: &mut Vec<u8>) {
    out.reserve(wtf8.len() + 2);
    out.push(b'"');
    // A lone surrogate is the only thing that `plain_run` does not stop at and that has to be escaped. 0xED
    // also begins the Hangul syllables from U+D000 on, so this searches for the first byte and looks at the
    // second.
    let mut rest = wtf8;
    while let Some((stretch, tail)) = memchr::memchr(0xED, rest).and_then(|lead| rest.split_at_checked(lead))
    {
        write_without_surrogates(stretch, out);
        rest = match tail {
            [lead, middle @ 0xA0..=0xBF, last @ 0x80..=0xBF, after @ ..] => {
                let low = u16::from(*middle & 0x3F) << 6 | u16::from(*last & 0x3F);
                write_unicode_escape(u16::from(*lead & 0x0F) << 12 | low, out);
                after
            }
            [lead, after @ ..] => {
                out.push(*lead);
                after
            }
            [] => tail,
        };
    }
    write_without_surrogates(rest, out);
    out.push(b'"');
}

fn write_without_surrogates(mut bytes: &[u8], out: &mut Vec<u8>) {
    while let Some((plain, tail)) = bytes.split_at_checked(plain_run(bytes)) {
        out.extend_from_slice(plain);
        let [stop, after @ ..] = tail else { return };
        match stop {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *stop]),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0C => out.extend_from_slice(b"\\f"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            control => write_unicode_escape(u16::from(*control), out),
        }
        bytes = after;
    }
}

fn write_unicode_escape(unit: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\\u");
    for shift in [12, 8, 4, 0] {
        let digit = char::from_digit(u32::from(unit >> shift & 0xF), 16).unwrap_or('0');
        out.extend_from_slice(digit.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(wtf8: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write_json_string(wtf8, &mut out);
        out
    }

    #[test]
    fn plain_run_equals_its_naive_twin() {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for length in 0..40 {
            for _ in 0..2_000 {
                let bytes: Vec<u8> = (0..length)
                    .map(|_| {
                        state ^= state << 13;
                        state ^= state >> 7;
                        state ^= state << 17;
                        let byte = state.to_le_bytes()[3];
                        // Bytes near the three kinds of stop, and far from them.
                        [
                            byte, 0x1F, 0x20, 0x21, b'"', b'#', b'\\', b']', 0x80, 0xFF, b'a', b'b', b'c',
                            b'd', b'e', b'f',
                        ][usize::from(state.to_le_bytes()[5]) % 16]
                    })
                    .collect();
                let naive = bytes
                    .iter()
                    .position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\')
                    .unwrap_or(bytes.len());
                assert_eq!(plain_run(&bytes), naive, "{bytes:x?}");
            }
        }
    }

    #[test]
    fn trim_removes_the_white_space_of_javascript_and_nothing_else() {
        let white = [9, 10, 11, 12, 13, 0x20, 0xA0, 0x1680, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000, 0xFEFF];
        for point in 0..0x1_1000_u32 {
            let Some(character) = char::from_u32(point) else { continue };
            let text = format!("{character}a{character}");
            let expected =
                if white.contains(&point) || (0x2000..=0x200A).contains(&point) { "a" } else { &text };
            assert_eq!(trim(text.as_bytes()), expected.as_bytes(), "U+{point:04X}");
        }
        assert_eq!(trim(b" \xEF\xBB\xBF\t\xC2\xA0 "), b"");
        assert_eq!(trim(b"\xF0\xE2\x80\xA8"), b"\xF0");
        assert_eq!(trim(b"\x80 "), b"\x80");
    }

    #[test]
    fn decode_borrows_what_does_not_change() {
        assert!(matches!(decode_json_str("grün".as_bytes()), Cow::Borrowed(_)));
        assert!(matches!(decode_json_str(b"a\\/b"), Cow::Owned(_)));
    }

    #[test]
    fn decode_resolves_escapes() {
        assert_eq!(&*decode_json_str(br#"\"\\\/\b\f\n\r\t\u0041"#), b"\"\\/\x08\x0C\n\r\tA");
        assert_eq!(&*decode_json_str(br"x\uD83D\uDE00y"), "x😀y".as_bytes());
    }

    #[test]
    fn decode_keeps_lone_surrogates_and_pairs_only_neighbours() {
        assert_eq!(&*decode_json_str(br"\ud800"), b"\xED\xA0\x80");
        assert_eq!(&*decode_json_str(br"\udfff\ud800"), b"\xED\xBF\xBF\xED\xA0\x80");
        assert_eq!(&*decode_json_str(br"\ud800\ud83d\ude00"), b"\xED\xA0\x80\xF0\x9F\x98\x80");
        assert_eq!(&*decode_json_str(br"\ud800\udc00\uDBFF\uDFFF"), "\u{10000}\u{10FFFF}".as_bytes());
        assert_eq!(&*decode_json_str(br"\ud83d-\ude00"), b"\xED\xA0\xBD-\xED\xB8\x80");
    }

    #[test]
    fn decode_replaces_what_is_not_utf8() {
        assert_eq!(&*decode_json_str(b"\xED\xA0\x80"), "\u{FFFD}\u{FFFD}\u{FFFD}".as_bytes());
        assert_eq!(&*decode_json_str(b"\xF0\x9F\\n\x98"), "\u{FFFD}\n\u{FFFD}".as_bytes());
    }

    #[test]
    fn decode_survives_what_the_scanner_would_refuse() {
        for raw in [&b"\\"[..], b"\\u", b"\\u12", b"\\uD800\\u12", b"\\x", b"a\\u00zz\\"] {
            let _ = decode_json_str(raw);
        }
    }

    #[test]
    fn parse_wants_one_whole_string() {
        assert_eq!(parse_json_string(b"\"a\\u0062\"").as_deref(), Some(&b"ab"[..]));
        assert_eq!(parse_json_string(b"\"\"").as_deref(), Some(&b""[..]));
        for text in [
            &b""[..],
            b"\"",
            b"a",
            b"\"a",
            b"\"a\"b",
            b" \"a\"",
            b"\"\n\"",
            b"\"\\x\"",
            b"\"\\u12g4\"",
            b"\"\\u1\"",
            b"\"\\",
        ] {
            assert_eq!(parse_json_string(text), None, "{text:?}");
        }
    }

    #[test]
    fn write_escapes_as_json_stringify_does() {
        assert_eq!(
            written(b"\"\\\x08\x0C\n\r\t\x00\x1F\x7F/"),
            b"\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\x7F/\""
        );
        assert_eq!(written("ퟻ\u{2028}😀".as_bytes()), "\"ퟻ\u{2028}😀\"".as_bytes());
        assert_eq!(written(b"a\xED\xA0\xBDb\xED\xBF\xBF"), br#""a\ud83db\udfff""#);
    }

    #[test]
    fn what_is_written_reads_back() {
        for text in ["", "plain", "q\"b\\", "\u{0}\u{1F}", "힣퟿", "😀"] {
            assert_eq!(parse_json_string(&written(text.as_bytes())).as_deref(), Some(text.as_bytes()));
        }
        let lone = b"\xED\xA0\x80\xED\xA0\x81";
        assert_eq!(parse_json_string(&written(lone)).as_deref(), Some(&lone[..]));
    }
}
