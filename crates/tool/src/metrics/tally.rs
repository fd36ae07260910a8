//! The sums over some events.
//!
//! The sums of the rates are added in the order of the log, as the library adds them, so that they are equal to the
//! last digit.

use super::run::Run;

/// See the head of this file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tally {
    pub(crate) events: f64,
    pub(crate) violations: f64,
    pub(crate) violation_squares: f64,
    pub(crate) corrected: f64,
    pub(crate) rework: f64,
    pub(crate) rework_squares: f64,
    pub(crate) judged: f64,
    pub(crate) accepted: f64,
    /// Events whose tests ran.
    pub(crate) tested: f64,
    pub(crate) tests_passed: f64,
    pub(crate) tests_run: f64,
    pub(crate) calls: f64,
    pub(crate) failures: f64,
    pub(crate) edits: f64,
    /// Edits of a file that was edited before in the same session.
    pub(crate) edits_again: f64,
    pub(crate) lines: f64,
    pub(crate) line_squares: f64,
    /// Earliest and latest plausible time.
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            events: 0.0,
            violations: 0.0,
            violation_squares: 0.0,
            corrected: 0.0,
            rework: 0.0,
            rework_squares: 0.0,
            judged: 0.0,
            accepted: 0.0,
            tested: 0.0,
            tests_passed: 0.0,
            tests_run: 0.0,
            calls: 0.0,
            failures: 0.0,
            edits: 0.0,
            edits_again: 0.0,
            lines: 0.0,
            line_squares: 0.0,
            from: f64::INFINITY,
            to: f64::NEG_INFINITY,
        }
    }
}

impl Tally {
    /// Adds an event. `again`: its edit is not the first of this file in its session; `dated`: its time is plausible.
    pub(crate) fn add(&mut self, run: &Run, again: bool, dated: bool) {
        let one = |is: bool| if is { 1.0 } else { 0.0 };
        self.events += 1.0;
        self.violations += run.violations;
        self.violation_squares += run.violations * run.violations;
        self.corrected += run.corrected;
        self.rework += run.rework;
        self.rework_squares += run.rework * run.rework;
        if let Some(accepted) = run.accepted {
            self.judged += 1.0;
            self.accepted += one(accepted);
        }
        if let Some((passed, ran)) = run.tests {
            self.tested += 1.0;
            self.tests_passed += passed;
            self.tests_run += ran;
        }
        if let Some(failed) = run.call {
            self.calls += 1.0;
            self.failures += one(failed);
            self.lines += run.lines;
            self.line_squares += run.lines * run.lines;
        }
        if run.edit.is_some() {
            self.edits += 1.0;
            self.edits_again += one(again);
        }
        if dated {
            self.from = self.from.min(run.time);
            self.to = self.to.max(run.time);
        }
    }

    /// Adds other sums.
    pub(crate) fn merge(&mut self, more: &Self) {
        for (sum, more) in [
            (&mut self.events, more.events),
            (&mut self.violations, more.violations),
            (&mut self.violation_squares, more.violation_squares),
            (&mut self.corrected, more.corrected),
            (&mut self.rework, more.rework),
            (&mut self.rework_squares, more.rework_squares),
            (&mut self.judged, more.judged),
            (&mut self.accepted, more.accepted),
            (&mut self.tested, more.tested),
            (&mut self.tests_passed, more.tests_passed),
            (&mut self.tests_run, more.tests_run),
            (&mut self.calls, more.calls),
            (&mut self.failures, more.failures),
            (&mut self.edits, more.edits),
            (&mut self.edits_again, more.edits_again),
            (&mut self.lines, more.lines),
            (&mut self.line_squares, more.line_squares),
        ] {
            *sum += more;
        }
        self.from = self.from.min(more.from);
        self.to = self.to.max(more.to);
    }

    /// Earliest and latest time, if any event has one.
    pub(crate) fn span(&self) -> (Option<f64>, Option<f64>) {
        let finite = |time: f64| time.is_finite().then_some(time);
        (finite(self.from), finite(self.to))
    }
}
