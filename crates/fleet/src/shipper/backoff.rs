//! How long to wait before the next attempt.
//!
//! Invariant: clients that failed together do not come back together: a pause is any time up to its limit.

use std::time::Duration;

use crate::error::Class;

const LONGEST: Duration = Duration::from_secs(60);

/// The pause where a person is needed: rights come back without a restart.
pub(super) const PERSON: Duration = Duration::from_secs(300);

/// The first pause at most, after what passes by itself.
pub(super) const FIRST: Duration = Duration::from_millis(250);

/// The pause after so many failures in a row; `None` if waiting alone does not help.
pub(super) fn pause(class: Class, failures: u32, first: Duration) -> Option<Duration> {
    let first = match class {
        Class::Passing | Class::Moved => first,
        // A server that is short of something needs longer.
        Class::Busy => first.saturating_mul(20),
        Class::Person | Class::Batch => return None,
    };
    let limit = first.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1))).min(LONGEST);
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    // The top 32 bits are random; the version stands below.
    Some(limit.mul_f64(f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX)))
}

/// About as long, give or take a fifth.
pub(super) fn about(pause: Duration) -> Duration {
    let (random, _) = uuid::Uuid::new_v4().as_u64_pair();
    let share = f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX);
    pause.mul_f64(0.8 + 0.4 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_differ() {
        for failures in 1..40 {
            let pause = pause(Class::Passing, failures, FIRST).unwrap();
            assert!(pause <= LONGEST && pause <= Duration::from_millis(250 << (failures - 1).min(20)));
        }
        let all: std::collections::HashSet<_> = (0..20).map(|_| pause(Class::Busy, 9, FIRST)).collect();
        assert!(all.len() > 15);
        assert_eq!(pause(Class::Person, 1, FIRST), None);
        let second = Duration::from_secs(1);
        for pause in (0..50).map(|_| about(second)) {
            assert!((Duration::from_millis(799)..=Duration::from_millis(1201)).contains(&pause));
        }
    }
}
