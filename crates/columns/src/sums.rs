//! Sums and rankings over rows of the columns.
//!
//! Invariant: they are what the original's loops give over the same events in the same order, if the order of
//! adding makes no difference; [`Sums::exact`] says whether it does.

use event::text::write_json_string;

use crate::columns::Columns;

/// Sums of integers up to this are exact in any order, and still are with as much again from live events.
const EXACT: f64 = 4_503_599_627_370_496.0;

/// Sums over events of regular shape.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Sums {
    /// Number of events.
    pub events: f64,
    /// Number of violations.
    pub violations: f64,
    /// … that were corrected automatically.
    pub corrected: f64,
    /// Sum of rework lines.
    pub rework: f64,
    /// Whether the order of adding made no difference: all rework lines are integers and no sum leaves the
    /// exact ones.
    pub exact: bool,
}

/// One rule's violations.
#[derive(Clone, Copy)]
pub(crate) struct Ranked {
    rule: u32,
    frequency: f64,
    rework: f64,
    first: (u32, u32),
}

/// Sums over some rows.
pub(crate) fn sum(columns: &Columns, rows: impl Iterator<Item = u32>) -> Sums {
    let mut sums = Sums { exact: true, ..Sums::default() };
    let mut magnitude = 0.0;
    for row in rows {
        let row = row as usize;
        let violations = columns.violations(row);
        sums.events += 1.0;
        for violation in violations {
            sums.violations += 1.0;
            sums.corrected += if violation.corrected() { 1.0 } else { 0.0 };
        }
        let rework = columns.rework(row);
        sums.rework += rework;
        // A ranking adds the rework lines once for each violation.
        #[expect(clippy::cast_precision_loss, reason = "there are never 2^53 violations")]
        let times = violations.len().max(1) as f64;
        magnitude += rework.abs() * times;
        sums.exact &= rework.fract() == 0.0;
    }
    sums.exact &= magnitude <= EXACT;
    sums
}

/// The rules that occur in some rows, by first occurrence; each row comes with its position in the ledger.
pub(crate) fn rank(columns: &Columns, rows: impl Iterator<Item = (u32, u32)>) -> Vec<Ranked> {
    let mut place: Vec<Option<usize>> = vec![None; columns.rule_count()];
    let mut ranking: Vec<Ranked> = Vec::new();
    for (position, row) in rows {
        let row = row as usize;
        for (number, violation) in (0..).zip(columns.violations(row)) {
            let rule = violation.rule();
            let Some(place) = place.get_mut(rule as usize) else { continue };
            let place = *place.get_or_insert_with(|| {
                ranking.push(Ranked { rule, frequency: 0.0, rework: 0.0, first: (position, number) });
                ranking.len() - 1
            });
            if let Some(ranked) = ranking.get_mut(place) {
                ranked.frequency += 1.0;
                ranked.rework += columns.rework(row);
            }
        }
    }
    ranking
}

/// JSON text of `[[ruleId, frequency, totalRework, firstPosition, firstIndexInEvent], …]`.
pub(crate) fn ranking_text(columns: &Columns, ranking: &[Ranked]) -> Vec<u8> {
    let mut out = vec![b'['];
    for (number, ranked) in ranking.iter().enumerate() {
        out.extend_from_slice(if number == 0 { b"[" } else { b",[" });
        write_json_string(columns.rule_name(ranked.rule), &mut out);
        let (position, at) = ranked.first;
        out.extend_from_slice(format!(",{},{},{position},{at}]", ranked.frequency, ranked.rework).as_bytes());
    }
    out.push(b']');
    out
}
