//! Ticks of an axis.
//!
//! Invariant: the highest tick is at least the largest value, ticks stand at equal distances from zero on, and counts
//! have whole numbers only.

use crate::text::numbers::{count, rate, share, whole};

/// What an axis measures.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Unit {
    Count,
    Rate,
    Share,
}

/// The top of an axis and its labels, from the top to zero.
pub(crate) struct Axis {
    pub(crate) top: f64,
    pub(crate) labels: Vec<String>,
}

impl Axis {
    /// For values up to `largest`.
    pub(crate) fn new(largest: f64, unit: Unit) -> Self {
        if unit == Unit::Share {
            let labels = [1.0, 0.75, 0.5, 0.25, 0.0].map(share).to_vec();
            return Self { top: 1.0, labels };
        }
        let least = if unit == Unit::Count { 1.0 } else { f64::MIN_POSITIVE };
        let step = step_for(if largest > 0.0 { largest } else { 1.0 }).max(least);
        let steps = (largest / step).ceil().max(1.0);
        let top = steps * step;
        let label = |value: f64| if unit == Unit::Count { count(whole(value)) } else { plain(value, step) };
        let mut labels = Vec::new();
        let mut at = steps;
        while at >= 0.0 {
            labels.push(label(at * step));
            at -= 1.0;
        }
        Self { top, labels }
    }
}

/// A step of 1, 2 or 5 times a power of ten, with three to five steps.
fn step_for(largest: f64) -> f64 {
    let rough = largest / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
    factor * power
}

/// A value with as many digits as the step has.
fn plain(value: f64, step: f64) -> String {
    if value >= 1000.0 {
        return rate(value);
    }
    let digits = usize::try_from(whole((-step.log10().floor()).max(0.0))).unwrap_or(0).min(6);
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::{Axis, Unit};

    #[test]
    fn ticks_are_whole_for_counts_and_reach_the_largest_value() {
        for (largest, labels) in [
            (1.0, vec!["1", "0"]),
            (3.0, vec!["3", "2", "1", "0"]),
            (12_345.0, vec!["15,000", "10,000", "5,000", "0"]),
            (0.0, vec!["1", "0"]),
        ] {
            assert_eq!(Axis::new(largest, Unit::Count).labels, labels, "{largest}");
        }
        assert_eq!(Axis::new(0.7, Unit::Rate).labels, ["0.8", "0.6", "0.4", "0.2", "0.0"]);
        assert_eq!(Axis::new(3.0, Unit::Share).labels, ["100 %", "75 %", "50 %", "25 %", "0 %"]);
        for largest in [0.013, 0.9, 7.0, 99.0, 1e6, 3e9] {
            for unit in [Unit::Count, Unit::Rate] {
                let axis = Axis::new(largest, unit);
                assert!(axis.top >= largest && axis.labels.len() <= 7, "{largest} {:?}", axis.labels);
            }
        }
    }
}
