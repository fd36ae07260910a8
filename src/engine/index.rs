//! The columns of a log in memory: what is needed to choose events without parsing them.
//!
//! One row for each event in file order: where its line is, its time, task, rework lines and violations.
//! Ranges are found by binary search while the log is in order, and no line is parsed that does not match. A
//! row costs about 60 bytes and the line itself is not kept.
//!
//! Invariant: rows are the events of the whole lines of `[0, mark.offset)`, and one more for an unterminated
//! last line if that is a complete event (then `tail` is set and the next refresh takes it back).
//!
//! A large log is scanned in parts; they are joined by renumbering their strings.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::bytes::for_each_line;
use super::interner::Interner;
use super::line::{Event, Line, Scanner};
use super::parts::in_parts;
use super::storage::{File, Stat};
use super::summary::{Mark, Summary, is_string_task, with_task_key};

/// A violation in four bytes: the rule's number and whether it was corrected by itself.
#[derive(Clone, Copy)]
pub(crate) struct ViolationRow(u32);

impl ViolationRow {
    /// The rule's number.
    pub(crate) fn rule(self) -> u32 {
        self.0 >> 1
    }

    /// Whether it was corrected by itself.
    pub(crate) fn corrected(self) -> bool {
        self.0 & 1 == 1
    }
}

/// Row numbers and columns. See the head of this file.
#[derive(Clone, Default)]
pub(crate) struct Index {
    /// What is covered.
    pub(crate) mark: Mark,
    /// Whether the last row is an unterminated line behind the mark.
    tail: bool,
    offsets: Vec<u64>,
    lengths: Vec<u32>,
    /// CRC-32 of the line, for those who read it later.
    checks: Vec<u32>,
    /// Identity of the event: a hash of its id, or of the line if it has none.
    keys: Vec<u64>,
    /// NaN where the timestamp is no number: JSON has no NaN.
    times: Vec<f64>,
    tasks: Vec<u32>,
    /// NaN where it is no number.
    rework: Vec<f64>,
    /// End of each row's violations in `violations`.
    violation_ends: Vec<u32>,
    violations: Vec<ViolationRow>,
    /// Rows whose timestamp is no number.
    odd_times: Vec<u32>,
    /// Rows whose task id is no string.
    odd_tasks: Vec<u32>,
    /// Rows that only JavaScript can sum up: violations or rework lines are not of the usual shape.
    irregular: Vec<u32>,
    /// Whether times never decrease and all are numbers.
    disordered: bool,
    task_names: Interner,
    rule_names: Interner,
    /// Lines that are neither events nor blank: offset and length.
    malformed: Vec<(u64, u64)>,
}

impl Index {
    /// Brings the columns up to the end of the log, and starts anew if the log is not the one they are of.
    pub(crate) fn refresh(&mut self, log: &dyn File) -> io::Result<()> {
        let stat = log.stat()?;
        if self.is_current(log, &stat)? {
            return Ok(());
        }
        if !self.mark.recognises(log, &stat)? {
            *self = Self::default();
        }
        self.drop_tail();
        let mut whole = self.mark.offset;
        let mut tail = Vec::new();
        let scan = |from, to| scan_part(log, from, to);
        for part in in_parts(log, self.mark.offset, stat.size, &scan)? {
            whole = part.whole;
            tail = part.tail;
            self.join(part.index);
        }
        self.mark = Mark::new(log, &stat, whole)?;
        if let Line::Event(event) = Scanner::new().scan(&tail) {
            self.push(whole, &tail, &event);
            self.tail = true;
        }
        self.shrink();
        Ok(())
    }

    /// Whether these are the columns of all of the log.
    pub(crate) fn is_current(&self, log: &dyn File, stat: &Stat) -> io::Result<bool> {
        let whole = self.mark.offset == stat.size && self.mark.modified_ns != 0;
        Ok(whole && self.mark.recognises(log, stat)?)
    }

    /// The same without the row of an unterminated line.
    pub(crate) fn without_tail(mut index: Arc<Self>) -> Arc<Self> {
        if index.tail {
            Arc::make_mut(&mut index).drop_tail();
        }
        index
    }

    /// Number of events.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Where the line of a row is, without surrounding white space.
    pub(crate) fn range(&self, row: usize) -> Range<u64> {
        let start = self.offsets.get(row).copied().unwrap_or(0);
        start..start + u64::from(self.lengths.get(row).copied().unwrap_or(0))
    }

    /// Whether `line` is what the row's line was when it was scanned.
    pub(crate) fn matches(&self, row: usize, line: &[u8]) -> bool {
        self.checks.get(row) == Some(&crc32fast::hash(line))
    }

    /// Identity of a row's event.
    pub(crate) fn key(&self, row: usize) -> u64 {
        self.keys.get(row).copied().unwrap_or(0)
    }

    /// Timestamp of a row; NaN if it is no number.
    pub(crate) fn time(&self, row: usize) -> f64 {
        self.times.get(row).copied().unwrap_or(f64::NAN)
    }

    /// Rework lines of a row; NaN if they are no number.
    pub(crate) fn rework(&self, row: usize) -> f64 {
        self.rework.get(row).copied().unwrap_or(f64::NAN)
    }

    /// Violations of a row.
    pub(crate) fn violations(&self, row: usize) -> &[ViolationRow] {
        let end_of = |row: usize| self.violation_ends.get(row).map_or(0, |&end| end as usize);
        let start = row.checked_sub(1).map_or(0, end_of);
        self.violations.get(start..end_of(row)).unwrap_or_default()
    }

    /// Name of a rule.
    pub(crate) fn rule_name(&self, rule: u32) -> &[u8] {
        self.rule_names.get(rule)
    }

    /// How many rules there are.
    pub(crate) fn rule_count(&self) -> usize {
        self.rule_names.len()
    }

    /// Keys of all tasks by first appearance.
    pub(crate) fn tasks(&self) -> &Interner {
        &self.task_names
    }

    /// Malformed lines: offset and length.
    pub(crate) fn malformed(&self) -> &[(u64, u64)] {
        &self.malformed
    }

    /// Rows that only JavaScript can sum up, ascending.
    pub(crate) fn irregular(&self) -> &[u32] {
        &self.irregular
    }

    /// The same as [`Index::rows_in_range`] if the log is in the order of time; else `None`.
    pub(crate) fn span_in_range(&self, from: f64, to: f64) -> Option<Range<usize>> {
        let start = self.times.partition_point(|&time| time < from);
        let end = self.times.partition_point(|&time| time <= to);
        (!self.disordered).then_some(start..end.max(start))
    }

    /// Rows whose time lies in `[from, to]`, and all whose timestamp is no number, ascending.
    pub(crate) fn rows_in_range(&self, from: f64, to: f64) -> Vec<u32> {
        if let Some(span) = self.span_in_range(from, to) {
            return span.filter_map(|row| u32::try_from(row).ok()).collect();
        }
        // Whoever fails this comparison with NaN has no number for a timestamp.
        self.rows_where(|row| {
            let time = self.time(row);
            time.is_nan() || (time >= from && time <= to)
        })
    }

    /// Rows of a task, and all whose task id is no string, ascending.
    pub(crate) fn rows_of_task(&self, task: &[u8]) -> Vec<u32> {
        let Some(number) = self.task_names.find(task) else { return self.odd_tasks.clone() };
        if self.odd_tasks.is_empty() {
            return (0_u32..)
                .zip(&self.tasks)
                .filter(|&(_, &task)| task == number)
                .map(|(row, _)| row)
                .collect();
        }
        self.rows_where(|row| {
            self.tasks.get(row) == Some(&number)
                || u32::try_from(row).is_ok_and(|row| self.odd_tasks.binary_search(&row).is_ok())
        })
    }

    fn rows_where(&self, wanted: impl Fn(usize) -> bool) -> Vec<u32> {
        (0..self.len()).filter(|&row| wanted(row)).filter_map(|row| u32::try_from(row).ok()).collect()
    }

    /// The rows in the order of compaction: by time, those of equal time in file order, those without a time
    /// first.
    pub(crate) fn rows_by_time(&self) -> Vec<u32> {
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

    /// The sums over all whole lines.
    pub(crate) fn summary(&self) -> Summary {
        let mut summary = Summary { mark: self.mark, ..Summary::empty() };
        summary.events = self.whole_rows() as u64;
        for &time in self.times.iter().take(self.whole_rows()) {
            summary.add_time(time);
        }
        // Task names are in the order of their first appearance, but the tail's may be among them.
        if self.tail {
            for &task in self.tasks.iter().take(self.whole_rows()) {
                summary.add_task(self.task_names.get(task));
            }
        } else {
            for name in self.task_names.iter() {
                summary.add_task(name);
            }
        }
        summary
    }

    fn whole_rows(&self) -> usize {
        self.len() - usize::from(self.tail)
    }

    /// Adds a row. `line` starts at `offset` and contains the event's text.
    fn push(&mut self, offset: u64, line: &[u8], event: &Event<'_>) {
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

    /// Takes the row of an unterminated line back: the line may have grown, or got its newline.
    fn drop_tail(&mut self) {
        if !std::mem::take(&mut self.tail) {
            return;
        }
        let rows = self.len() - 1;
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

    /// Adds the rows of the part of the log that follows.
    fn join(&mut self, part: Self) {
        if self.offsets.is_empty() {
            let mut malformed = std::mem::take(&mut self.malformed);
            malformed.extend(part.malformed);
            *self = Self { mark: self.mark, malformed, ..part };
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
    fn shrink(&mut self) {
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

/// Identity of an event: a hash of its id, or of its whole text if it has none.
pub(crate) fn event_key(event: &Event<'_>) -> u64 {
    static HASHER: OnceLock<RandomState> = OnceLock::new();
    let hasher = HASHER.get_or_init(RandomState::new);
    match &event.id {
        Some(id) => hasher.hash_one((true, &*id.decode())),
        None => hasher.hash_one((false, event.text)),
    }
}

/// What one thread scanned.
struct Part {
    index: Index,
    whole: u64,
    tail: Vec<u8>,
}

fn scan_part(log: &dyn File, from: u64, to: u64) -> io::Result<Part> {
    let mut index = Index::default();
    let mut scanner = Scanner::new();
    let mut last: Option<u64> = None;
    let walked = for_each_line(log, from, to, |offset, line| {
        close_malformed(&mut index.malformed, &mut last, offset);
        match scanner.scan(line) {
            Line::Event(event) => index.push(offset, line, &event),
            Line::Malformed => last = Some(offset),
            Line::Blank => {}
        }
    })?;
    close_malformed(&mut index.malformed, &mut last, walked.whole);
    Ok(Part { index, whole: walked.whole, tail: walked.tail })
}

/// Records a malformed line once it is known where the next one starts.
fn close_malformed(malformed: &mut Vec<(u64, u64)>, last: &mut Option<u64>, next: u64) {
    if let Some(offset) = last.take() {
        malformed.push((offset, next - offset - 1));
    }
}
