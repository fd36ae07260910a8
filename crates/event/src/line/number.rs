//! JSON numbers: where one ends, and its value.
//!
//! The value is the one `JSON.parse` gives: the nearest `f64`, infinity when there is none, and `-0` for `-0`.

/// What follows the number that `bytes` begin with. `None` if they do not begin with one.
///
/// It is the caller's to judge: `01` is the number `0` and then a `1` that fits nowhere. One slice is returned in
/// registers; two would go through memory, in halves that a processor cannot read as a whole before they are there.
#[inline]
pub(super) fn skip(bytes: &[u8]) -> Option<&[u8]> {
    let rest = match bytes {
        [b'-', rest @ ..] => rest,
        _ => bytes,
    };
    let mut rest = match rest {
        [b'0', rest @ ..] => rest,
        [b'1'..=b'9', rest @ ..] => skip_digits(rest),
        _ => return None,
    };
    if let [b'.', fraction @ ..] = rest {
        rest = skip_some_digits(fraction)?;
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let digits = match exponent {
            [b'+' | b'-', digits @ ..] | digits => digits,
        };
        rest = skip_some_digits(digits)?;
    }
    Some(rest)
}

#[inline]
fn skip_digits(mut bytes: &[u8]) -> &[u8] {
    while let [b'0'..=b'9', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

fn skip_some_digits(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [b'0'..=b'9', rest @ ..] => Some(skip_digits(rest)),
        _ => None,
    }
}

/// So many digits always fit an `i64`, from which an `f64` is rounded but once.
const INTEGER_DIGITS: usize = 18;

/// Above this length the standard library's parser is not trusted: it cuts exponents off at some 65,536, which is
/// right only as long as the digits before them are fewer.
const TRUSTED_LENGTH: usize = 60_000;

/// The value of a number that [`skip`] has found.
#[inline]
pub(super) fn value(text: &[u8]) -> f64 {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let magnitude = small_integer(digits).unwrap_or_else(|| slow_value(digits));
    if negative { -magnitude } else { magnitude }
}

#[inline]
fn small_integer(digits: &[u8]) -> Option<f64> {
    if digits.len() > INTEGER_DIGITS {
        return None;
    }
    let mut value = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    #[expect(clippy::cast_precision_loss, reason = "this is the rounding that is wanted")]
    let nearest = value as f64;
    Some(nearest)
}

/// The value of an unsigned number of any form.
#[cold]
fn slow_value(text: &[u8]) -> f64 {
    let normalised;
    let text = if text.len() > TRUSTED_LENGTH {
        normalised = normalise(text);
        &normalised
    } else {
        text
    };
    // `skip` lets only ASCII through, and only what this parser accepts.
    std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(f64::NAN)
}

/// Rewrites a long number as `0.digits` and a short exponent of the same value, or of one that is as surely zero
/// or infinite.
fn normalise(text: &[u8]) -> Vec<u8> {
    let mut halves = text.splitn(2, |byte| matches!(byte, b'e' | b'E'));
    let mantissa = halves.next().unwrap_or_default();
    let exponent = halves.next().unwrap_or_default();

    let mut parts = mantissa.splitn(2, |&byte| byte == b'.');
    let whole = parts.next().unwrap_or_default();
    let fraction = parts.next().unwrap_or_default();
    let zeros = whole.iter().chain(fraction).take_while(|&&byte| byte == b'0').count();

    let mut scale = 0_i64;
    for byte in exponent {
        if byte.is_ascii_digit() {
            scale = scale.saturating_mul(10).saturating_add(i64::from(byte - b'0'));
        }
    }
    if exponent.first() == Some(&b'-') {
        scale = -scale;
    }
    // The digits are read with the point before them; an f64 ends at 10^309 and at 10^-324.
    let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let scale = scale.saturating_add(length(whole.len())).saturating_sub(length(zeros)).clamp(-999, 999);

    let mut out = b"0.0".to_vec();
    out.extend(whole.iter().chain(fraction).skip(zeros));
    out.extend_from_slice(format!("e{}", scale + 1).as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<(f64, &str)> {
        let rest = skip(text.as_bytes())?;
        let (number, rest) = text.split_at(text.len() - rest.len());
        Some((value(number.as_bytes()), rest))
    }

    #[test]
    fn skip_takes_what_the_grammar_takes() {
        assert_eq!(parsed("0"), Some((0.0, "")));
        assert_eq!(parsed("01"), Some((0.0, "1")));
        assert_eq!(parsed("12.50e-1,"), Some((1.25, ",")));
        assert_eq!(parsed("1E+2]"), Some((100.0, "]")));
        for text in ["", "-", "+1", ".5", "1.", "1.e5", "1e", "1e+", "-a", "e5", "NaN", "Infinity"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn value_keeps_the_sign_of_zero_and_overflows_to_infinity() {
        assert_eq!(value(b"-0").to_bits(), (-0.0_f64).to_bits());
        assert_eq!(value(b"-0.0e5").to_bits(), (-0.0_f64).to_bits());
        assert_eq!(value(b"1e999").to_bits(), f64::INFINITY.to_bits());
        assert_eq!(value(b"-1e999").to_bits(), f64::NEG_INFINITY.to_bits());
        assert_eq!(value(b"1e-999").to_bits(), 0);
    }

    #[test]
    fn short_and_long_integers_equal_the_standard_parser() {
        for text in [
            "0",
            "7",
            "1764000000000",
            "9007199254740993",
            "999999999999999999",
            "1000000000000000001",
            "18446744073709551616",
        ] {
            assert_eq!(value(text.as_bytes()).to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
    }

    #[test]
    fn exponents_and_digits_may_cancel_at_any_length() {
        let zeros = "0".repeat(700_000);
        let same =
            |text: String, expected: f64| assert_eq!(value(text.as_bytes()).to_bits(), expected.to_bits());
        same(format!("0.{zeros}125e700002"), 12.5);
        same(format!("125{zeros}e-700001"), 12.5);
        same(format!("125.{zeros}e-1"), 12.5);
        same(format!("{zeros}.{zeros}e99999999999999999999"), 0.0);
        same(format!("1{zeros}e-1"), f64::INFINITY);
        same(format!("0.{zeros}1e99999999999999999999"), f64::INFINITY);
        same(format!("0.{zeros}1e-99999999999999999999"), 0.0);
    }
}
