//! The last whole week beside the one before.
//!
//! Invariant: only whole days count. The day that is not over yet belongs to no week, so that a constant rate shows no
//! change at noon.

use jiff::civil::Date;

use super::tallies::{Tallies, days_between, plus_days};
use super::tally::Tally;

const WEEK: i32 = 7;

/// Two weeks of whole days.
pub(crate) struct Weeks {
    pub(crate) before: Tally,
    pub(crate) last: Tally,
    /// The last whole day.
    pub(crate) end: Date,
}

/// The last two whole weeks; `None` if there are none, or if one of them is empty. `today` is the day that is not over.
pub(crate) fn last_weeks(tallies: &Tallies, today: Date) -> Option<Weeks> {
    let (first, last) = tallies.span()?;
    let end = last.min(today.yesterday().ok()?);
    if days_between(first, end) + 1 < 2 * WEEK {
        return None;
    }
    let sum = |from: Date, to: Date| {
        let mut sum = Tally::default();
        for (_, tally) in tallies.days.range(from..=to) {
            sum.merge(tally);
        }
        sum
    };
    let middle = plus_days(end, -WEEK);
    let weeks =
        Weeks { before: sum(plus_days(middle, 1 - WEEK), middle), last: sum(plus_days(middle, 1), end), end };
    (weeks.before.events > 0.0 && weeks.last.events > 0.0).then_some(weeks)
}

#[cfg(test)]
mod tests {
    use super::last_weeks;
    use crate::log::fields::Fields;
    use crate::metrics::tallies::Tallies;
    use crate::text::times::{DAY_MS, Zone};

    const NOW: f64 = 1_773_581_400_000.0;

    #[test]
    fn the_day_that_is_not_over_belongs_to_no_week() {
        let mut tallies = Tallies::new(&Zone::new(true), NOW);
        for day in 0..20 {
            for _ in 0..if day == 0 { 3 } else { 10 } {
                let time = NOW - f64::from(day) * DAY_MS;
                let text = format!("{{\"violations\":[],\"reworkLines\":0,\"timestamp\":{time}}}");
                tallies.add(&Fields::of(text.as_bytes()));
            }
        }
        let today = Zone::new(true).day(NOW);
        let weeks = today.and_then(|today| last_weeks(&tallies, today));
        let counts = weeks.map(|weeks| (weeks.before.events.to_string(), weeks.last.events.to_string()));
        assert_eq!(counts, Some(("70".to_owned(), "70".to_owned())));
    }
}
