//! The rates: what they are called, which way is better, how they are shown, and what a change of them means.

use super::interval::{Interval, Mean, Share};
use super::tally::Tally;
use crate::text::numbers::{rate, share};

/// Which way is better.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Better {
    Less,
    More,
    Neither,
}

/// How a change is to be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Better,
    Worse,
    Changed,
    Noise,
    TooFew,
}

impl Verdict {
    /// The verdict in words.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Changed => "changed",
            Self::Noise => "within the noise",
            Self::TooFew => "too few events to tell",
        }
    }
}

enum Base {
    Mean(Mean),
    Share(Share),
}

/// One rate.
#[derive(Clone, Copy)]
pub(crate) struct Measure {
    /// Its name in JSON.
    pub(crate) key: &'static str,
    pub(crate) label: &'static str,
    /// For the head of a table.
    pub(crate) short: &'static str,
    pub(crate) better: Better,
    /// Whether it is a share, between 0 and 1.
    pub(crate) is_share: bool,
    scale: f64,
    base: fn(&Tally) -> Base,
}

const fn part(of: f64, count: f64, looks: f64) -> Base {
    Base::Share(Share { count: looks, share: of / count })
}

/// The rates of runs.
pub(crate) const MEASURES: [Measure; 5] = [
    Measure {
        key: "violationsPer10",
        label: "Violations per 10 events",
        short: "Violations/10",
        better: Better::Less,
        is_share: false,
        scale: 10.0,
        base: |t| Base::Mean(Mean { count: t.events, sum: t.violations, squares: t.violation_squares }),
    },
    Measure {
        key: "correctedRate",
        label: "Corrected automatically",
        short: "Corrected",
        better: Better::More,
        is_share: true,
        scale: 1.0,
        base: |t| part(t.corrected, t.violations, t.violations),
    },
    Measure {
        key: "reworkPerEvent",
        label: "Rework lines per event",
        short: "Rework/event",
        better: Better::Less,
        is_share: false,
        scale: 1.0,
        base: |t| Base::Mean(Mean { count: t.events, sum: t.rework, squares: t.rework_squares }),
    },
    Measure {
        key: "acceptedRate",
        label: "Outcomes accepted",
        short: "Accepted",
        better: Better::More,
        is_share: true,
        scale: 1.0,
        base: |t| part(t.accepted, t.judged, t.judged),
    },
    Measure {
        key: "testsPassedRate",
        label: "Tests passed",
        short: "Tests passed",
        better: Better::More,
        is_share: true,
        scale: 1.0,
        // Tests of one event stand or fall together: an event is one look.
        base: |t| part(t.tests_passed, t.tests_run, t.tested),
    },
];

/// The rates that hook events give.
pub(crate) const CALL_MEASURES: [Measure; 3] = [
    Measure {
        key: "failuresPer100Calls",
        label: "Failures per 100 calls",
        short: "Failures/100",
        better: Better::Less,
        is_share: false,
        scale: 100.0,
        base: |t| part(t.failures, t.calls, t.calls),
    },
    Measure {
        key: "editedAgainRate",
        label: "Edits of a file edited before in the session",
        short: "Edited again",
        better: Better::Less,
        is_share: true,
        scale: 1.0,
        base: |t| part(t.edits_again, t.edits, t.edits),
    },
    Measure {
        key: "linesPerCall",
        label: "Lines changed per call",
        short: "Lines/call",
        better: Better::Neither,
        is_share: false,
        scale: 1.0,
        base: |t| Base::Mean(Mean { count: t.calls, sum: t.lines, squares: t.line_squares }),
    },
];

impl Measure {
    /// The rate; `None` where there is nothing to count.
    pub(crate) fn value(&self, tally: &Tally) -> Option<f64> {
        let value = match (self.base)(tally) {
            Base::Mean(mean) if mean.count > 0.0 => mean.sum / mean.count,
            Base::Share(share) if share.count > 0.0 => share.share,
            _ => return None,
        };
        Some(value * self.scale).filter(|value| value.is_finite())
    }

    /// How far off it may be.
    pub(crate) fn interval(&self, tally: &Tally) -> Option<Interval> {
        let (low, high) = match (self.base)(tally) {
            Base::Mean(mean) => mean.interval()?,
            Base::Share(share) => share.interval()?,
        };
        Some((low * self.scale, high * self.scale))
    }

    /// The interval of the change from one tally to another.
    pub(crate) fn change(&self, before: &Tally, after: &Tally) -> Option<Interval> {
        let (low, high) = match ((self.base)(before), (self.base)(after)) {
            (Base::Mean(before), Base::Mean(after)) => before.change(after)?,
            (Base::Share(before), Base::Share(after)) => before.change(after)?,
            _ => return None,
        };
        Some((low * self.scale, high * self.scale))
    }

    /// What a change means.
    pub(crate) fn verdict(&self, before: &Tally, after: &Tally) -> Verdict {
        let Some((low, high)) = self.change(before, after) else { return Verdict::TooFew };
        if low <= 0.0 && high >= 0.0 {
            return Verdict::Noise;
        }
        match (self.better, low > 0.0) {
            (Better::Neither, _) => Verdict::Changed,
            (Better::More, true) | (Better::Less, false) => Verdict::Better,
            _ => Verdict::Worse,
        }
    }

    /// The value for a reader.
    pub(crate) fn show(&self, value: Option<f64>) -> String {
        match value {
            None => "–".to_owned(),
            Some(value) if self.is_share => share(value),
            Some(value) => rate(value),
        }
    }

    /// The interval for a reader: `1.2 to 3.4`.
    pub(crate) fn show_interval(&self, interval: Option<Interval>) -> String {
        interval.map_or_else(
            || "–".to_owned(),
            |(low, high)| format!("{} to {}", self.show(Some(low)), self.show(Some(high))),
        )
    }

    /// A difference for a reader; shares differ by points.
    pub(crate) fn show_difference(&self, difference: f64) -> String {
        let sign = if difference < 0.0 { "−" } else { "+" };
        if self.is_share {
            let points = (difference * 100.0).abs();
            let digits = usize::from(points < 9.95);
            return format!("{sign}{points:.digits$} points");
        }
        format!("{sign}{}", rate(difference.abs()))
    }
}

/// The rates that a tally can give: those of calls only if there are any.
pub(crate) fn measures_of(tally: &Tally) -> Vec<Measure> {
    let calls = CALL_MEASURES.into_iter().filter(|_| tally.calls > 0.0);
    // Where all events are calls, the rates of runs have nothing to say.
    let runs = MEASURES.into_iter().filter(|measure| {
        tally.calls < tally.events
            || tally.events == 0.0
            || (measure.key == "violationsPer10" && tally.violations > 0.0)
    });
    runs.chain(calls).collect()
}
