//! Readers of option values: each refuses what is wrong with words that say what is right.

use crate::text::times::parse_span;

/// A whole number, with or without thousands separators.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    let plain = text.replace([',', '_'], "");
    let starts = text.starts_with(|char: char| char.is_ascii_digit());
    match plain.parse::<u64>() {
        Ok(number) if starts && plain.bytes().all(|byte| byte.is_ascii_digit()) => Ok(number),
        _ => Err(format!("a whole number from 0; got '{text}'")),
    }
}

/// A span of time in milliseconds.
pub(crate) fn span(text: &str) -> Result<f64, String> {
    parse_span(text).ok_or_else(|| format!("a time span ('500ms', '5s', '2m', '90d'); got '{text}'"))
}

/// A size in bytes: `100MB`, `64KiB`, a number.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 10] = [
        ("", 1.0),
        ("B", 1.0),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("K", 1024.0),
        ("M", 1_048_576.0),
        ("KIB", 1024.0),
        ("MIB", 1_048_576.0),
        ("GIB", 1_073_741_824.0),
    ];
    let wrong = || format!("a size ('100MB', '64KiB'); got '{text}'");
    let text_upper = text.trim().to_uppercase();
    let end = text_upper.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text_upper.len());
    let (number, unit) = text_upper.split_at_checked(end).ok_or_else(wrong)?;
    let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit.trim_start()).ok_or_else(wrong)?;
    let number: f64 = number.parse().map_err(|_| wrong())?;
    Ok(crate::text::numbers::whole(number * scale))
}

/// A text of at least one character, which no system call takes for shorter than it is.
pub(crate) fn some(text: &str) -> Result<String, String> {
    if text.is_empty() || text.contains('\0') { Err("needs a value".to_owned()) } else { Ok(text.to_owned()) }
}

/// A path of at least one character.
pub(crate) fn path(text: &str) -> Result<std::path::PathBuf, String> {
    some(text).map(Into::into)
}

/// `KEY=VALUE`: the value as JSON if it is JSON, else as a string.
pub(crate) fn pair(text: &str) -> Result<(String, Vec<u8>), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("KEY=VALUE; got '{text}'"))?;
    if key.is_empty() {
        return Err(format!("KEY=VALUE; got '{text}'"));
    }
    let json = crate::json::value::parse(value.as_bytes()).map(|value| value.0.to_vec());
    Ok((key.to_owned(), json.unwrap_or_else(|| crate::json::compose::string(value.as_bytes()))))
}

#[cfg(test)]
mod tests {
    use super::{count, pair, size, span};

    #[test]
    fn values_are_read_or_refused() {
        assert_eq!(count("1,000"), Ok(1000));
        for text in ["-1", "1.5", "ten", "", "+1", ",1", "99999999999999999999"] {
            assert!(count(text).is_err(), "{text}");
        }
        assert_eq!(
            [size("100MB"), size("64KiB"), size("7"), size("1.5 k")].map(Result::ok),
            [Some(100_000_000), Some(65_536), Some(7), Some(1536)]
        );
        assert!(size("MB").is_err() && size("1x").is_err() && span("soon").is_err());
    }

    #[test]
    fn a_value_that_is_not_json_is_a_string() {
        let value = |text: &str| pair(text).map(|(_, value)| String::from_utf8_lossy(&value).into_owned());
        for (text, json) in [
            ("k=0.12", "0.12"),
            ("k=738529527931269425", "738529527931269425"),
            ("k=true", "true"),
            ("k={\"a\":[1e999]}", "{\"a\":[1e999]}"),
            ("k=", "\"\""),
            ("k=a b", "\"a b\""),
            ("k=1,\"x\":2", "\"1,\\\"x\\\":2\""),
            ("k=a=b", "\"a=b\""),
        ] {
            assert_eq!(value(text).as_deref(), Ok(json), "{text}");
        }
        assert!(pair("k").is_err() && pair("=1").is_err());
    }
}
