//! How far off a rate may be: intervals that hold the true one in 19 of 20 cases.
//!
//! A mean gets Student's interval, a share Wilson's, and the difference of two shares Newcombe's. Where nothing was
//! counted, the upper end is that of a Poisson count of zero, so that "none in three events" is not read as "never".

/// Lower and upper end.
pub(crate) type Interval = (f64, f64);

const NORMAL: f64 = 1.959_964;
/// The upper end of a Poisson count of zero.
const NONE_SEEN: f64 = 3.688_879;
/// Student's quantiles for 1 to 20 degrees of freedom.
const STUDENT: [f64; 20] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086,
];

/// A mean with what is needed to judge it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mean {
    pub(crate) count: f64,
    pub(crate) sum: f64,
    pub(crate) squares: f64,
}

impl Mean {
    fn value(self) -> f64 {
        self.sum / self.count
    }

    /// Variance of the mean.
    fn variance(self) -> f64 {
        let spread = (self.squares - self.sum * self.sum / self.count).max(0.0);
        spread / (self.count - 1.0) / self.count
    }

    /// The interval; `None` for fewer than two events.
    pub(crate) fn interval(self) -> Option<Interval> {
        if self.count < 2.0 {
            return None;
        }
        if self.sum == 0.0 {
            return Some((0.0, NONE_SEEN / self.count));
        }
        let reach = student(self.count - 1.0) * self.variance().sqrt();
        Some(((self.value() - reach).max(0.0), self.value() + reach))
    }

    /// The interval of `after` minus `self`.
    pub(crate) fn change(self, after: Self) -> Option<Interval> {
        if self.count < 2.0 || after.count < 2.0 {
            return None;
        }
        // Where nothing was seen, one may have been missed.
        let unseen =
            |mean: Self| if mean.sum == 0.0 { 1.0 / mean.count / mean.count } else { mean.variance() };
        let freedom = self.count.min(after.count) - 1.0;
        let reach = student(freedom) * (unseen(self) + unseen(after)).sqrt();
        let difference = after.value() - self.value();
        Some((difference - reach, difference + reach))
    }
}

fn student(freedom: f64) -> f64 {
    let index = usize::try_from(crate::text::numbers::whole(freedom)).unwrap_or(usize::MAX);
    STUDENT.get(index.saturating_sub(1)).copied().unwrap_or(NORMAL + 2.6 / freedom.max(1.0))
}

/// A share: `part` of a whole that is as telling as `count` single looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) count: f64,
    pub(crate) share: f64,
}

impl Share {
    /// The interval; `None` where nothing was looked at.
    pub(crate) fn interval(self) -> Option<Interval> {
        if self.count < 1.0 {
            return None;
        }
        let (n, p, z) = (self.count, self.share, NORMAL);
        let scale = 1.0 + z * z / n;
        let middle = (p + z * z / (2.0 * n)) / scale;
        let reach = z / scale * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).max(0.0).sqrt();
        Some(((middle - reach).max(0.0), (middle + reach).min(1.0)))
    }

    /// The interval of `after` minus `self`.
    pub(crate) fn change(self, after: Self) -> Option<Interval> {
        let ((low, high), (low_after, high_after)) = (self.interval()?, after.interval()?);
        let difference = after.share - self.share;
        let down = (after.share - low_after).hypot(high - self.share);
        let up = (high_after - after.share).hypot(self.share - low);
        Some((difference - down, difference + up))
    }
}

#[cfg(test)]
mod tests {
    use super::{Mean, Share};

    fn close(found: Option<(f64, f64)>, low: f64, high: f64) -> bool {
        found.is_some_and(|found| (found.0 - low).abs() < 1e-3 && (found.1 - high).abs() < 1e-3)
    }

    #[test]
    fn intervals_are_those_of_the_books() {
        // Student: 1, 2, 3, 4, 5.
        let five = Mean { count: 5.0, sum: 15.0, squares: 55.0 };
        assert!(close(five.interval(), 1.037, 4.963), "{:?}", five.interval());
        // Wilson: 8 of 10.
        let eight = Share { count: 10.0, share: 0.8 };
        assert!(close(eight.interval(), 0.490, 0.943), "{:?}", eight.interval());
        // Newcombe's example: 56 of 70 and 48 of 80.
        let (many, fewer) = (Share { count: 70.0, share: 0.8 }, Share { count: 80.0, share: 0.6 });
        assert!(close(fewer.change(many), 0.0524, 0.3339), "{:?}", fewer.change(many));
    }

    #[test]
    fn little_data_says_little() {
        let none = Mean { count: 3.0, sum: 0.0, squares: 0.0 };
        assert!(close(none.interval(), 0.0, 1.2296));
        assert_eq!(Mean { count: 1.0, sum: 2.0, squares: 4.0 }.interval(), None);
        assert_eq!(Share { count: 0.0, share: f64::NAN }.interval(), None);
        let change = none.change(Mean { count: 3.0, sum: 2.0, squares: 2.0 });
        assert!(change.is_some_and(|(low, high)| low < 0.0 && high > 0.0), "{change:?}");
    }
}
