//! One event as one line for a reader: when, which agent, which task, what was done, what became of it.
//!
//! Invariant: in a terminal the line fits its width, from 40 columns on: cells become shorter, then those that say
//! least are left out. In a file or a pipe nothing but overlong names is cut.

use super::columns::{cut, cut_start, pad, width};
use super::numbers::{count, counted, rate, whole};
use super::paint::Paint;
use super::safe::safe_bytes;
use super::times::{Zone, show_span};
use crate::json::value::Value;
use crate::log::fields::{Fields, strings};
use crate::log::filter::{Outcome, outcome_of};

/// How lines look.
#[derive(Clone)]
pub(crate) struct LineStyle {
    pub(crate) zone: Zone,
    pub(crate) paint: Paint,
    /// Columns of the terminal, if there is one.
    pub(crate) room: Option<usize>,
}

/// Rules that a line names.
const NAMED: usize = 3;
const GAP: usize = 2;

impl LineStyle {
    /// The line of an event.
    pub(crate) fn line(&self, event: &Fields<'_>) -> String {
        let room = self.room.unwrap_or(usize::MAX);
        let wide = self.room.is_none_or(|room| room >= 96);
        let time = self.time(event, room);
        let (outcome, painted) = self.outcome(event);
        let mut cells = vec![self.paint.dim(&time)];
        let mut used = width(&time);
        let add = |cells: &mut Vec<String>, used: &mut usize, text: &str, columns: usize| {
            let cell = pad(text, columns);
            *used += GAP + width(&cell);
            cells.push(cell);
        };
        if room >= 72 {
            let columns = if wide { 12 } else { 8 };
            add(&mut cells, &mut used, &cut(&who(event), columns), columns);
        }
        if room >= 56 {
            let columns = if wide { 16 } else { 10 };
            let longest = if self.room.is_none() { 60 } else { columns };
            add(&mut cells, &mut used, &cut(&shown(event.task), longest), columns);
        }
        let rest = self.rest(event);
        let free = room.saturating_sub(used + GAP + width(&outcome) + GAP);
        // Where there is little room, what was done says more than the rest.
        let part = if room < 56 { free } else { free / 5 * 3 };
        let columns = if self.room.is_none() { 28 } else { part.clamp(8, 40).min(free) };
        let longest = if self.room.is_none() { 120 } else { columns };
        add(&mut cells, &mut used, &what(event, longest), columns);
        used += GAP + width(&outcome);
        cells.push(painted);
        let mut line = cells.join("  ");
        for (text, paint) in rest {
            let free = room.saturating_sub(used + GAP);
            if free < 6 && width(&text) > free {
                break;
            }
            let text = cut(&text, free);
            used += GAP + width(&text);
            line.push_str("  ");
            line.push_str(&paint(self.paint, &text));
        }
        line.trim_end().to_owned()
    }

    fn time(&self, event: &Fields<'_>, room: usize) -> String {
        let plain = match event.timestamp {
            Some(value) if value.number().is_none() => cut(&shown(event.timestamp), 19),
            _ => self.zone.show_plain(event.time()),
        };
        if room >= 80 {
            return pad(&cut(&plain, 19), 19);
        }
        // Of a whole time, what says most: month to minute, or the clock alone.
        let short = if room >= 64 { plain.get(5..16) } else { plain.get(11..19) };
        let columns = if room >= 64 { 11 } else { 8 };
        let whole = plain.len() == 19 && plain.is_ascii();
        pad(&cut(short.filter(|_| whole).unwrap_or(&plain), columns), columns)
    }

    fn outcome(&self, event: &Fields<'_>) -> (String, String) {
        let failed = event.failed.and_then(Value::boolean) == Some(true);
        match outcome_of(event) {
            _ if failed => ("failed  ".to_owned(), self.paint.red("failed  ")),
            Outcome::Accepted => ("accepted".to_owned(), self.paint.green("accepted")),
            Outcome::Rejected => ("rejected".to_owned(), self.paint.red("rejected")),
            Outcome::Open => ("open    ".to_owned(), self.paint.dim("open    ")),
        }
    }

    /// What else there is to say, the most important first.
    #[expect(clippy::unused_self, reason = "it belongs to the line")]
    fn rest(&self, event: &Fields<'_>) -> Vec<(String, Brush)> {
        let mut rest: Vec<(String, Brush)> = Vec::new();
        if let Some(broken) = broken_rules(event) {
            rest.push((broken, Paint::yellow));
        }
        if let Some((passed, failed)) = event.test_counts() {
            rest.push(if failed > 0.0 {
                let all = counted(whole(passed + failed), "test");
                (format!("{} of {all} failed", count(whole(failed))), Paint::red)
            } else {
                (format!("{} passed", counted(whole(passed), "test")), plain)
            });
        }
        let number = |value: Option<Value<'_>>| value.and_then(Value::number).filter(|number| *number > 0.0);
        if let Some(rework) = number(event.rework) {
            rest.push((format!("rework {}", rate(rework)), plain));
        }
        let lines = |name: &[u8]| number(event.diff.and_then(|diff| diff.get(name))).map_or(0, whole);
        let (added, removed) = (lines(b"linesAdded"), lines(b"linesRemoved"));
        if added + removed > 0 {
            rest.push((format!("+{} −{}", count(added), count(removed)), plain));
        }
        if let Some(duration) = number(event.duration) {
            rest.push((show_span(duration), plain));
        }
        rest
    }
}

type Brush = fn(Paint, &str) -> String;

fn plain(_: Paint, text: &str) -> String {
    text.to_owned()
}

/// A value fit to be shown: a string by its characters, others by their text.
pub(crate) fn shown(value: Option<Value<'_>>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) => match value.string() {
            Some(text) => safe_bytes(&text).into_owned(),
            None if value.is_array() => "[…]".to_owned(),
            None if value.is_object() => "{…}".to_owned(),
            None => safe_bytes(value.0).into_owned(),
        },
    }
}

/// The agent, or the session.
fn who(event: &Fields<'_>) -> String {
    match event.agent_type.or(event.agent).or(event.session) {
        None => String::new(),
        value => shown(value),
    }
}

/// The tool and the file; the kind of work if there is no tool.
fn what(event: &Fields<'_>, columns: usize) -> String {
    let tools: Vec<String> = strings(event.tools).map(|tool| safe_bytes(&tool).into_owned()).collect();
    let files: Vec<String> = strings(event.files).map(|file| safe_bytes(&file).into_owned()).collect();
    let act = match (tools.is_empty(), event.hook) {
        (false, _) => tools.join(", "),
        (true, Some(hook)) => shown(Some(hook)),
        (true, None) => shown(event.intent),
    };
    let Some(file) = files.first() else { return cut(&act, columns) };
    let more = if files.len() > 1 { format!(" +{}", files.len() - 1) } else { String::new() };
    let act = cut(&act, (columns / 2).max(4));
    let free = columns.saturating_sub(width(&act) + 1 + width(&more));
    cut(&format!("{act} {}{more}", cut_start(file, free)), columns)
}

/// `broke R-1 ×2, R-2`.
fn broken_rules(event: &Fields<'_>) -> Option<String> {
    let mut rules: Vec<(String, u64)> = Vec::new();
    for violation in event.violations.into_iter().flat_map(Value::elements) {
        let rule = cut(&shown(violation.get(b"ruleId")), 40);
        match rules.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, times)) => *times += 1,
            None => rules.push((rule, 1)),
        }
    }
    let named: Vec<String> = rules
        .iter()
        .take(NAMED)
        .map(|(rule, times)| if *times > 1 { format!("{rule} ×{times}") } else { rule.clone() })
        .collect();
    let more = rules.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(", {more} more") } else { String::new() };
    (!rules.is_empty()).then(|| format!("broke {}{more}", named.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::{Fields, LineStyle};
    use crate::text::columns::width;
    use crate::text::paint::Paint;
    use crate::text::times::Zone;

    fn line(event: &str, room: Option<usize>) -> String {
        let style = LineStyle { zone: Zone::new(true), paint: Paint::default(), room };
        style.line(&Fields::of(event.as_bytes()))
    }

    const RUN: &str = r#"{"timestamp":1767225600000,"taskId":"task-1","intent":"feature","toolsUsed":["Edit","Bash"],
        "filesTouched":["src/a/long/path/to/file.rs","b"],"violations":[{"ruleId":"r1"},{"ruleId":"r1"},{"ruleId":"r2"}],
        "testResults":{"ran":true,"passed":8,"failed":2},"reworkLines":12,"durationMs":1500,"outcomeAccepted":false}"#;

    #[test]
    fn a_line_says_what_people_look_for() {
        assert_eq!(
            line(RUN, None),
            "2026-01-01 00:00:00                task-1            Edit, Bash src/a/long/path/to/file.rs +1  rejected  \
             broke r1 ×2, r2  2 of 10 tests failed  rework 12.0  1.5 s"
        );
        let hook = r#"{"timestamp":1767225600000,"taskId":"p","sessionId":"s","toolsUsed":["Write"],"filesTouched":["a.rs"],
            "toolFailed":true,"hookEvent":"PostToolUseFailure","diffSummary":{"linesAdded":3,"linesRemoved":0}}"#;
        assert_eq!(
            line(hook, None),
            "2026-01-01 00:00:00  s             p                 Write a.rs                    failed    +3 −0"
        );
    }

    #[test]
    fn a_line_fits_every_width() {
        for room in [40, 56, 64, 72, 80, 96, 120, 200] {
            for event in [
                RUN,
                "{}",
                r#"{"timestamp":"soon","taskId":"日本日本日本日本日本日本日本日本日本","intent":5}"#,
            ] {
                let line = line(event, Some(room));
                assert!(width(&line) <= room, "{room}: {line}");
                assert!(!line.contains("undefined"), "{line}");
            }
        }
        assert!(line(RUN, Some(40)).starts_with("00:00:00  Edit, Ba"), "{}", line(RUN, Some(40)));
    }
}
