//! Numbers for a reader.

/// `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 event`, `2 events`.
pub(crate) fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(number))
}

/// `1 line is not an event`, `2 lines are not events`.
pub(crate) fn counted_as(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `934 KB`.
pub(crate) fn bytes(number: u64) -> String {
    let mut value = float(number);
    for unit in ["B", "KB", "MB", "GB"] {
        if value < 999.5 {
            let digits = usize::from(unit != "B" && value < 9.95);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// A rate, with as many digits as mean something.
pub(crate) fn rate(value: f64) -> String {
    let size = value.abs();
    let digits = if size >= 100.0 || size == 0.0 { 0 } else { 1 + usize::from(size < 9.995) };
    if (1000.0..1e15).contains(&size) {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", count(whole(size.round())));
    }
    format!("{value:.digits$}")
}

/// A share in percent.
pub(crate) fn share(value: f64) -> String {
    let percent = value * 100.0;
    let digits = usize::from(percent != 0.0 && percent < 9.95 || percent > 99.0 && percent < 99.95);
    format!("{percent:.digits$} %")
}

/// An integer as a float; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "nothing here counts beyond 2^53")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}

/// A length as an integer of 64 bits.
pub(crate) fn long(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A number that is not negative, without its fraction.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and NaN is 0")]
pub(crate) fn whole(number: f64) -> u64 {
    number as u64
}

/// A number as JavaScript writes it in JSON, or `null` if it is not finite.
pub(crate) fn json(number: f64) -> String {
    if !number.is_finite() {
        "null".to_owned()
    } else if number == 0.0 {
        "0".to_owned()
    } else if number.abs() >= 1e21 {
        format!("{number:e}").replace('e', "e+")
    } else if number.abs() < 1e-6 {
        format!("{number:e}")
    } else {
        format!("{number}")
    }
}

#[cfg(test)]
mod tests {
    use super::{bytes, count, counted, json, rate, share};

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([counted(1, "event"), counted(2, "event")], ["1 event", "2 events"]);
        assert_eq!([8, 1500, 934_000, 513_000_000].map(bytes), ["8 B", "1.5 KB", "934 KB", "513 MB"]);
        assert_eq!([0.0, 0.123, 12.34, 1234.0].map(rate), ["0", "0.12", "12.3", "1,234"]);
        assert_eq!([0.0, 0.051, 0.5, 0.995, 1.0].map(share), ["0 %", "5.1 %", "50 %", "99.5 %", "100 %"]);
        assert_eq!([0.0, 1.5, 1e21, 1e-7, f64::NAN].map(json), ["0", "1.5", "1e+21", "1e-7", "null"]);
    }
}
