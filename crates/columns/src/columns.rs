//! The columns over lines: what is needed to choose events without parsing them.
//!
//! One row for each event in the order of the lines: where its line is, its time, task, rework lines and
//! violations. Ranges are found by binary search while the lines are in order, and no line is parsed that does
//! not match. A row costs about 60 bytes and the line itself is not kept.
//!
//! Invariant: rows are the events among the lines that were added, in that order; positions of lines are
//! whatever the caller says they are: offsets in a log, or in a text in memory.
//!
//! Lines can be added in parts; these are joined by renumbering their strings.

use std::ops::Range;

use event::identity::{event_key, is_string_task, with_task_key};
use event::line::{Event, Line, Scanner};

use crate::interner::Interner;
use crate::postings::Postings;

/// A violation in four bytes: the rule's number and whether it was corrected automatically.
#[derive(Clone, Copy)]
pub struct ViolationRow(u32);

impl ViolationRow {
    /// The rule's number.
    pub fn rule(self) -> u32 {
        self.0 >> 1
    }

    /// Whether it was corrected automatically.
    pub fn corrected(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Row numbers and columns. See the head of this file.
#[derive(Clone, Default)]
pub struct Columns {
    offsets: Vec<u64>,
    lengths: Vec<u32>,
    /// CRC-32 of the line, checked when the line is read again.
    checks: Vec<u32>,
    /// Identity of the event: a hash of its id, or of the line if it has none.
    keys: Vec<u64>,
    /// NaN where the timestamp is not a number: JSON has no NaN.
    times: Vec<f64>,
    tasks: Vec<u32>,
    /// NaN where it is not a number.
    rework: Vec<f64>,
    /// End of each row's violations in `violations`.
    violation_ends: Vec<u32>,
    violations: Vec<ViolationRow>,
    /// Rows whose timestamp is not a number.
    odd_times: Vec<u32>,
    /// Rows whose task id is not a string.
    odd_tasks: Vec<u32>,
    /// Rows that only JavaScript can sum up: violations or rework lines are not of the usual shape.
    irregular: Vec<u32>,
    /// Whether times never decrease and all are numbers.
    disordered: bool,
    task_names: Interner,
    rule_names: Interner,
    /// Lines that are neither events nor blank: offset and length.
    malformed: Vec<(u64, u64)>,
    /// Where a malformed line begins whose length shows where the next line begins: it may have been visited
    /// cut.
    unmeasured: Option<u64>,
}

impl Columns {
    /// Adds the line that starts at `offset`, without its newline. An event is added as a row.
    pub fn add_line(&mut self, scanner: &mut Scanner, offset: u64, line: &[u8]) {
        self.measure_malformed(offset);
        match scanner.scan(line) {
            Line::Event(event) => self.push(offset, line, &event),
            Line::Malformed => self.unmeasured = Some(offset),
            Line::Blank => {}
        }
    }

    /// To be called when the lines up to `end` were added.
    pub fn end_lines(&mut self, end: u64) {
        self.measure_malformed(end);
    }

    /// Records the last malformed line, now that it is known where the next one starts.
    fn measure_malformed(&mut self, next: u64) {
        if let Some(offset) = self.unmeasured.take() {
            self.malformed.push((offset, next - offset - 1));
        }
    }

    /// Number of events.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// Where the line of a row is, without surrounding white space.
    #[must_use]
    pub fn range(&self, row: usize) -> Range<u64> {
        let start = self.offsets.get(row).copied().unwrap_or(0);
        start..start + u64::from(self.lengths.get(row).copied().unwrap_or(0))
    }

    /// Whether `line` is what the row's line was when it was scanned.
    #[must_use]
    pub fn matches(&self, row: usize, line: &[u8]) -> bool {
        self.checks.get(row) == Some(&crc32fast::hash(line))
    }

    /// Identity of a row's event.
    #[must_use]
    pub fn key(&self, row: usize) -> u64 {
        self.keys.get(row).copied().unwrap_or(0)
    }

    /// Timestamp of a row; NaN if it is not a number.
    #[must_use]
    pub fn time(&self, row: usize) -> f64 {
        self.times.get(row).copied().unwrap_or(f64::NAN)
    }

    /// Rework lines of a row; NaN if they are not a number.
    #[must_use]
    pub fn rework(&self, row: usize) -> f64 {
        self.rework.get(row).copied().unwrap_or(f64::NAN)
    }

    /// Violations of a row.
    #[must_use]
    pub fn violations(&self, row: usize) -> &[ViolationRow] {
        let end_of = |row: usize| self.violation_ends.get(row).map_or(0, |&end| end as usize);
        let start = row.checked_sub(1).map_or(0, end_of);
        self.violations.get(start..end_of(row)).unwrap_or_default()
    }

    /// Name of a rule.
    #[must_use]
    pub fn rule_name(&self, rule: u32) -> &[u8] {
        self.rule_names.get(rule)
    }

    /// How many rules there are.
    #[must_use]
    pub fn rule_count(&self) -> usize {
        self.rule_names.len()
    }

    /// Keys of all tasks by first appearance.
    #[must_use]
    pub fn tasks(&self) -> &Interner {
        &self.task_names
    }

    /// Malformed lines: offset and length.
    #[must_use]
    pub fn malformed(&self) -> &[(u64, u64)] {
        &self.malformed
    }

    /// Rows that only JavaScript can sum up, ascending.
    #[must_use]
    pub fn irregular(&self) -> &[u32] {
        &self.irregular
    }

    /// The same as [`Columns::rows_in_range`] if the log is in the order of time; else `None`.
    #[must_use]
    pub fn span_in_range(&self, from: f64, to: f64) -> Option<Range<usize>> {
        let start = self.times.partition_point(|&time| time < from);
        let end = self.times.partition_point(|&time| time <= to);
        (!self.disordered).then_some(start..end.max(start))
    }

    /// Rows whose time lies in `[from, to]`, and all whose timestamp is not a number, ascending.
    #[must_use]
    pub fn rows_in_range(&self, from: f64, to: f64) -> Vec<u32> {
        if let Some(span) = self.span_in_range(from, to) {
            return span.filter_map(|row| u32::try_from(row).ok()).collect();
        }
        // A row that fails this comparison with NaN has a timestamp that is not a number.
        self.rows_where(|row| {
            let time = self.time(row);
            time.is_nan() || (time >= from && time <= to)
        })
    }

    /// Rows of a task, and all whose task id is not a string, ascending.
    #[must_use]
    pub fn rows_of_task(&self, task: &[u8]) -> Vec<u32> {
        let Some(number) = self.task_names.find(task) else { return self.odd_tasks.clone() };
        if self.odd_tasks.is_empty() {
            return positions_of(number, &self.tasks);
        }
        self.rows_where(|row| {
            self.tasks.get(row) == Some(&number)
                || u32::try_from(row).is_ok_and(|row| self.odd_tasks.binary_search(&row).is_ok())
        })
    }

    /// The rows of each task, gathered; `None` if the task of some row is not a string.
    pub(crate) fn postings(&self) -> Option<Postings> {
        self.odd_tasks.is_empty().then(|| Postings::new(&self.tasks, self.task_names.len()))
    }

    fn rows_where(&self, wanted: impl Fn(usize) -> bool) -> Vec<u32> {
        (0..self.len()).filter(|&row| wanted(row)).filter_map(|row| u32::try_from(row).ok()).collect()
    }

    /// The rows in the order of compaction: by time, those of equal time in file order, those without a time
    /// first.
    #[must_use]
    pub fn rows_by_time(&self) -> Vec<u32> {
        let mut rows = self.rows_where(|_| true);
        if self.disordered {
            rows.sort_by(|&a, &b| {
                let (a, b) = (self.time(a as usize), self.time(b as usize));
                // Both zeros are equal to JavaScript, and NaN stands for what comes first.
                let key = |time: f64| if time.is_nan() { f64::NEG_INFINITY } else { time + 0.0 };
                b.is_nan().cmp(&a.is_nan()).then(key(a).total_cmp(&key(b)))
            });
        }
        rows
    }

    /// The times of all rows; NaN where the timestamp is not a number.
    #[must_use]
    pub fn times(&self) -> &[f64] {
        &self.times
    }

    /// Adds a row. `line` starts at `offset` and contains the event's text.
    pub fn push(&mut self, offset: u64, line: &[u8], event: &Event<'_>) {
        // 2^32 rows would be 200 GB of columns; the rest would not be addressable.
        let Ok(row) = u32::try_from(self.offsets.len()) else { return };
        // Nothing that JavaScript trims contains a brace.
        let skipped = memchr::memchr(b'{', line).unwrap_or(0);
        self.offsets.push(offset + skipped as u64);
        self.lengths.push(u32::try_from(event.text.len()).unwrap_or(u32::MAX));
        self.checks.push(crc32fast::hash(event.text));
        self.keys.push(event_key(event));
        let time = event.timestamp.unwrap_or(f64::NAN);
        if time.is_nan() {
            self.odd_times.push(row);
        }
        self.note_order(time);
        self.times.push(time);
        let names = &mut self.task_names;
        let (task, is_string) = with_task_key(&event.task, |key| (names.intern(key), is_string_task(key)));
        self.tasks.push(task.unwrap_or(u32::MAX));
        if !is_string {
            self.odd_tasks.push(row);
        }
        self.rework.push(event.rework.unwrap_or(f64::NAN));
        match event.violations {
            Some(violations) if event.rework.is_some() => {
                for violation in violations {
                    let rule = self.rule_names.intern(&violation.rule.decode()).unwrap_or(u32::MAX >> 1);
                    self.violations.push(ViolationRow(rule << 1 | u32::from(violation.corrected)));
                }
            }
            _ => self.irregular.push(row),
        }
        self.violation_ends.push(u32::try_from(self.violations.len()).unwrap_or(u32::MAX));
    }

    fn note_order(&mut self, time: f64) {
        self.disordered |= time.is_nan() || self.times.last().is_some_and(|&before| before > time);
    }

    /// Removes the last row.
    pub fn pop(&mut self) {
        let Some(rows) = self.len().checked_sub(1) else { return };
        self.offsets.truncate(rows);
        self.lengths.truncate(rows);
        self.checks.truncate(rows);
        self.keys.truncate(rows);
        self.times.truncate(rows);
        self.tasks.truncate(rows);
        self.rework.truncate(rows);
        self.violation_ends.truncate(rows);
        self.violations.truncate(self.violation_ends.last().map_or(0, |&end| end as usize));
        for odd in [&mut self.odd_times, &mut self.odd_tasks, &mut self.irregular] {
            if odd.last().is_some_and(|&row| row as usize == rows) {
                odd.pop();
            }
        }
    }

    /// Adds the rows of the lines that follow.
    pub fn join(&mut self, part: Self) {
        if self.offsets.is_empty() {
            let mut malformed = std::mem::take(&mut self.malformed);
            malformed.extend(part.malformed);
            *self = Self { malformed, ..part };
            return;
        }
        let first_row = u32::try_from(self.len()).unwrap_or(u32::MAX);
        let renumber = |into: &mut Interner, from: &Interner| -> Vec<u32> {
            from.iter().map(|name| into.intern(name).unwrap_or(u32::MAX >> 1)).collect()
        };
        let task_numbers = renumber(&mut self.task_names, &part.task_names);
        let rule_numbers = renumber(&mut self.rule_names, &part.rule_names);
        let renumbered =
            |numbers: &[u32], number: u32| numbers.get(number as usize).copied().unwrap_or(number);

        if let Some(&time) = part.times.first() {
            self.note_order(time);
        }
        self.disordered |= part.disordered;
        self.offsets.extend(part.offsets);
        self.lengths.extend(part.lengths);
        self.checks.extend(part.checks);
        self.keys.extend(part.keys);
        self.times.extend(part.times);
        self.tasks.extend(part.tasks.iter().map(|&task| renumbered(&task_numbers, task)));
        self.rework.extend(part.rework);
        let before = u32::try_from(self.violations.len()).unwrap_or(u32::MAX);
        self.violation_ends.extend(part.violation_ends.iter().map(|&end| before.saturating_add(end)));
        self.violations.extend(part.violations.iter().map(|&violation| {
            let rule = renumbered(&rule_numbers, violation.rule());
            ViolationRow(rule << 1 | u32::from(violation.corrected()))
        }));
        self.odd_times.extend(part.odd_times.iter().map(|&row| first_row + row));
        self.odd_tasks.extend(part.odd_tasks.iter().map(|&row| first_row + row));
        self.irregular.extend(part.irregular.iter().map(|&row| first_row + row));
        self.malformed.extend(part.malformed);
    }

    /// Gives back what the columns' growth reserved, if it is much.
    pub fn shrink(&mut self) {
        if self.offsets.capacity() > self.offsets.len() + self.offsets.len() / 8 + 1024 {
            self.offsets.shrink_to_fit();
            self.lengths.shrink_to_fit();
            self.checks.shrink_to_fit();
            self.keys.shrink_to_fit();
            self.times.shrink_to_fit();
            self.tasks.shrink_to_fit();
            self.rework.shrink_to_fit();
            self.violation_ends.shrink_to_fit();
            self.violations.shrink_to_fit();
        }
    }
}

/// Where `wanted` occurs, ascending. Looks at many numbers with few instructions: whether it occurs among them at all
/// is found without a branch, which compilers turn into vectors.
fn positions_of(wanted: u32, numbers: &[u32]) -> Vec<u32> {
    const TOGETHER: usize = 128;
    let mut found = Vec::new();
    for (start, together) in (0_u32..).step_by(TOGETHER).zip(numbers.chunks(TOGETHER)) {
        if together.iter().fold(0, |occurs, &number| occurs | u32::from(number == wanted)) != 0 {
            let rows = (start..).zip(together).filter(|&(_, &number)| number == wanted);
            found.extend(rows.map(|(row, _)| row));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::positions_of;

    #[test]
    fn a_number_is_found_wherever_it_stands() {
        for length in [0_u32, 1, 127, 128, 129, 1000] {
            let numbers: Vec<u32> = (0..length).map(|n| n * n % 7).collect();
            for wanted in 0..8 {
                let naive: Vec<u32> = (0..)
                    .zip(&numbers)
                    .filter(|&(_, &number)| number == wanted)
                    .map(|(row, _)| row)
                    .collect();
                assert_eq!(positions_of(wanted, &numbers), naive, "{wanted} of {length}");
            }
        }
    }
}
