//! Times and spans, as people type and read them.
//!
//! A time is a span before now, a word, an ISO date or time, or a Unix time. Dates and times without a zone are those
//! of the place where the tool runs, or of UTC if the call says so.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Milliseconds of a day.
pub(crate) const DAY_MS: f64 = 86_400_000.0;
const YEAR_MS: f64 = 365.25 * DAY_MS;
/// The latest time that JavaScript knows, in milliseconds.
pub(crate) const MAX_TIME: f64 = 8.64e15;
/// 1 January 2015: no event of this format is older.
const EARLIEST: f64 = 1_420_070_400_000.0;

const UNITS: [(&str, f64); 6] =
    [("ms", 1.0), ("s", 1000.0), ("m", 60_000.0), ("h", 3_600_000.0), ("d", DAY_MS), ("w", 7.0 * DAY_MS)];

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> f64 {
    // Within a millisecond's precision for a hundred thousand years.
    #[expect(clippy::cast_precision_loss, reason = "a time in milliseconds has 41 bits")]
    let now = Timestamp::now().as_millisecond() as f64;
    now
}

/// The zone in which times are read and shown.
#[derive(Clone)]
pub(crate) struct Zone(TimeZone);

impl Zone {
    pub(crate) fn new(utc: bool) -> Self {
        Self(if utc { TimeZone::UTC } else { TimeZone::try_system().unwrap_or(TimeZone::UTC) })
    }

    /// What the zone is called, for the head of a table.
    pub(crate) fn name(&self) -> String {
        match self.0.iana_name() {
            Some("Etc/UTC" | "UTC" | "Etc/Universal" | "Universal" | "Zulu" | "Etc/Zulu") => "UTC".to_owned(),
            Some(name) => crate::text::safe::safe(name).into_owned(),
            None => "local".to_owned(),
        }
    }

    /// The day that a time lies on; `None` if it has none.
    pub(crate) fn day(&self, time: f64) -> Option<Date> {
        Some(self.0.to_datetime(timestamp(time)?).date())
    }

    /// When a day begins.
    pub(crate) fn start_of(&self, day: Date) -> Option<f64> {
        let time = self.0.to_timestamp(day.at(0, 0, 0, 0)).ok()?;
        #[expect(clippy::cast_precision_loss, reason = "days of jiff lie within 2^53 milliseconds")]
        let start = time.as_millisecond() as f64;
        Some(start)
    }

    /// To the second, with the offset from UTC.
    pub(crate) fn show(&self, time: f64) -> String {
        let Some(stamp) = timestamp(time) else { return odd(time) };
        let offset = self.0.to_offset(stamp);
        let text = offset.to_datetime(stamp).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        if offset.is_zero() {
            return format!("{text}Z");
        }
        let sign = if offset.is_negative() { '-' } else { '+' };
        let minutes = offset.seconds().abs() / 60;
        format!("{text}{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }

    /// To the second, for a column of times.
    pub(crate) fn show_plain(&self, time: f64) -> String {
        timestamp(time).map_or_else(
            || odd(time),
            |stamp| self.0.to_datetime(stamp).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        )
    }

    /// A time as typed. A whole day means its last millisecond if `at_end`, else its first.
    pub(crate) fn parse(&self, text: &str, at_end: bool, now: f64) -> Option<f64> {
        let word = text.trim();
        let day = |date: Date| {
            let start = self.start_of(date)?;
            if at_end { Some(self.start_of(date.checked_add(1.day()).ok()?)? - 1.0) } else { Some(start) }
        };
        match word {
            "now" => return Some(now),
            "today" => return day(self.day(now)?),
            "yesterday" => return day(self.day(now)?.checked_sub(1.day()).ok()?),
            _ => {}
        }
        if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()) {
            let number: f64 = word.parse().ok()?;
            let time = number * if word.len() <= 10 { 1000.0 } else { 1.0 };
            return (time <= MAX_TIME).then_some(time);
        }
        if let Some(span) = parse_span(word) {
            return Some(now - span).filter(|time| time.abs() <= MAX_TIME);
        }
        let stamp = match (word.len(), word.parse::<Timestamp>()) {
            (10, _) => return day(word.parse().ok()?),
            (_, Ok(stamp)) => stamp,
            (_, Err(_)) => self.0.to_timestamp(word.parse::<DateTime>().ok()?).ok()?,
        };
        #[expect(clippy::cast_precision_loss, reason = "times of jiff lie within 2^53 milliseconds")]
        let time = stamp.as_millisecond() as f64;
        Some(time)
    }
}

/// A time that lies on no day, as a column shows it.
fn odd(time: f64) -> String {
    if time.is_nan() { "–".to_owned() } else { crate::text::numbers::json(time) }
}

fn timestamp(time: f64) -> Option<Timestamp> {
    if time.is_nan() || time.abs() > MAX_TIME {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "its size was looked at")]
    Timestamp::from_millisecond(time.floor() as i64).ok()
}

/// Whether an event can have happened then: since 2015, and no more than a day ahead.
pub(crate) fn is_plausible(time: f64, now: f64) -> bool {
    (EARLIEST..=now + DAY_MS).contains(&time)
}

/// `90s`, `2h`, `1.5d`; a number alone is milliseconds.
pub(crate) fn parse_span(text: &str) -> Option<f64> {
    let text = text.trim();
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end)?;
    let starts = number.starts_with(|char: char| char.is_ascii_digit());
    if !starts || number.ends_with('.') {
        return None;
    }
    let unit = match unit.trim_start() {
        "" => "ms",
        unit => unit,
    };
    let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(number.parse::<f64>().ok()? * size).filter(|span| span.is_finite())
}

/// A span as people read it.
pub(crate) fn show_span(ms: f64) -> String {
    if ms < 0.0 {
        return format!("-{}", show_span(-ms));
    }
    let short = |value: f64, digits: usize| {
        let text = format!("{value:.digits$}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    };
    if ms < 1.0 {
        return format!("{:.0} µs", ms * 1000.0);
    }
    if ms < 1000.0 {
        return format!("{} ms", short(ms, if ms < 10.0 { 2 } else { 0 }));
    }
    if ms >= 2.0 * YEAR_MS {
        return format!("{:.1} y", ms / YEAR_MS);
    }
    let unit = ["d", "h", "m", "s"]
        .into_iter()
        .find_map(|name| UNITS.iter().find(|(unit, size)| *unit == name && ms >= *size));
    let (name, size) = unit.copied().unwrap_or(("s", 1000.0));
    format!("{} {name}", short(ms / size, 1))
}

#[cfg(test)]
mod tests {
    use super::{DAY_MS, Zone, is_plausible, parse_span, show_span};

    /// 2026-03-15 13:30 UTC.
    const NOW: f64 = 1_773_581_400_000.0;
    const TODAY: f64 = 1_773_532_800_000.0;
    const MARCH: f64 = 1_772_323_200_000.0;

    #[test]
    fn times_are_read_in_all_their_forms() {
        let zone = Zone::new(true);
        for (text, start, end) in [
            ("now", NOW, NOW),
            ("2h", NOW - 7_200_000.0, NOW - 7_200_000.0),
            ("1.5d", NOW - 1.5 * DAY_MS, NOW - 1.5 * DAY_MS),
            ("90s", NOW - 90_000.0, NOW - 90_000.0),
            ("2w", NOW - 14.0 * DAY_MS, NOW - 14.0 * DAY_MS),
            ("today", TODAY, TODAY + DAY_MS - 1.0),
            ("yesterday", TODAY - DAY_MS, TODAY - 1.0),
            ("2026-03-01", MARCH, MARCH + DAY_MS - 1.0),
            ("2026-03-01T12:00", MARCH + DAY_MS / 2.0, MARCH + DAY_MS / 2.0),
            ("2026-03-01T12:00:00Z", MARCH + DAY_MS / 2.0, MARCH + DAY_MS / 2.0),
            ("2026-03-01T12:00+02:00", MARCH + DAY_MS / 2.4, MARCH + DAY_MS / 2.4),
            ("1772323200", MARCH, MARCH),
            ("1772323200000", MARCH, MARCH),
        ] {
            assert_eq!(zone.parse(text, false, NOW), Some(start), "{text}");
            assert_eq!(zone.parse(text, true, NOW), Some(end), "{text}");
        }
        for text in
            ["", "2x", "-2h", "12:00", "2026-02-30", "2025-02-30T10:00", "2026-02-30T25:00", "March", "1."]
        {
            assert_eq!(zone.parse(text, false, NOW), None, "{text}");
        }
    }

    #[test]
    fn spans_are_read_and_shown() {
        let spans = ["5s", "250", "1m", "x"].map(parse_span);
        assert_eq!(spans, [Some(5000.0), Some(250.0), Some(60_000.0), None]);
        let shown = [0.5, 2.0, 1500.0, 5_400_000.0, -3000.0, 56.9 * 365.25 * DAY_MS].map(show_span);
        assert_eq!(shown, ["500 µs", "2 ms", "1.5 s", "1.5 h", "-3 s", "56.9 y"]);
    }

    #[test]
    fn times_are_shown_to_the_second_and_odd_ones_as_they_are() {
        let zone = Zone::new(true);
        assert_eq!(zone.show(MARCH + 999.0), "2026-03-01T00:00:00Z");
        assert_eq!(zone.show_plain(MARCH), "2026-03-01 00:00:00");
        assert_eq!([zone.show(f64::NAN), zone.show(1e300)], ["–", "1e+300"]);
        let plausible = [MARCH, NOW + DAY_MS, NOW + 2.0 * DAY_MS, NOW / 1000.0, f64::NAN];
        assert_eq!(plausible.map(|time| is_plausible(time, NOW)), [true, true, false, false, false]);
    }
}
