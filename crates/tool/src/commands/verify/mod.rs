//! `verify`: looks at every line; with `--repair` it puts right what can be.
//!
//! Invariant: a repair removes nothing. A log that has to be changed is copied first; lines that are not events, half a
//! line at the end among them, are moved aside, and `index.json` is written anew. Which of two events with one id is
//! the right one, no program can tell: they stay.

mod finding;
mod repair;
mod survey;

use std::thread;
use std::time::{Duration, SystemTime};

use crate::call::keeping::VerifyArgs;
use crate::context::Context;
use crate::engine::{Engine, LOG, Report};
use crate::exit::{Exit, Result};
use crate::folder::shown;
use crate::json::compose::{Object, array, string};
use crate::report::note;
use crate::text::numbers::counted;
use crate::text::question::confirm;

use finding::{Finding, Kind, findings_of};
use survey::Survey;

/// A log that changed within this time is probably being written.
const BUSY: Duration = Duration::from_secs(2);
/// Time in which a writer ends its line and brings `index.json` up to date.
const MOMENT: Duration = Duration::from_secs(1);

/// What is in the log, and what of it is not in order.
struct Examined {
    report: Report,
    survey: Survey,
    findings: Vec<Finding>,
}

impl Examined {
    /// Half a line at the end, or an `index.json` that is behind, may be the work of this very moment; so a log that is
    /// being written is looked at twice, and what has moved on meanwhile is not a finding.
    fn inspect(context: &Context, engine: &Engine) -> Result<Self> {
        // Two looks at the same log, side by side.
        let folder = &context.folder.path;
        let (first, survey) = thread::scope(|scope| {
            let survey = scope.spawn(|| Survey::of(folder));
            (engine.verify(), survey.join())
        });
        let first = first?;
        let survey = survey.unwrap_or_else(|_| Survey::of(folder))?;
        let passing = first.torn_tail.is_some() || first.index.as_ref().is_some_and(|index| index.drift);
        if !passing || !is_busy(context) {
            return Self::of(context, first, survey);
        }
        thread::sleep(MOMENT);
        let second = engine.verify()?;
        let grown = second.lines != first.lines || second.events != first.events;
        let count = |report: &Report| report.index.as_ref().and_then(|index| index.event_count);
        let index_moved = grown || count(&second) != count(&first);
        let place = |report: &Report| report.torn_tail.map(|tail| tail.offset);
        let tail_moved = place(&second) != place(&first);
        let mut examined = Self::of(context, second, Survey::of(folder)?)?;
        examined.findings.retain(|finding| match finding.kind {
            Kind::IndexDrift => !index_moved,
            Kind::TornTail => !tail_moved,
            _ => true,
        });
        Ok(examined)
    }

    fn of(context: &Context, report: Report, survey: Survey) -> Result<Self> {
        let findings = findings_of(context, &report, &survey)?;
        Ok(Self { report, survey, findings })
    }

    /// As one JSON object: the findings, what the survey found, and the engine's report; `more` at the end.
    fn json(&self, more: &Object) -> Vec<u8> {
        let mut said = Object::new();
        said.raw(
            "findings",
            array(self.findings.iter().map(|finding| string(finding.kind.name().as_bytes()))),
        )
        .count("implausibleTimes", self.survey.implausible)
        .count("differingDuplicates", self.survey.differing());
        let report = self.report.to_json();
        let mut text = said.text();
        text.pop();
        text.push(b',');
        text.extend_from_slice(report.trim_start_matches('{').trim_end_matches('}').as_bytes());
        // A report ends with an object or null, whose brace is not the report's.
        if report.ends_with("}}") {
            text.push(b'}');
        }
        let more = more.text();
        if more.len() > 2 {
            text.push(b',');
            text.extend_from_slice(more.get(1..more.len() - 1).unwrap_or_default());
        }
        text.push(b'}');
        text
    }

    fn show(&self, context: &mut Context, title: &str) -> Result<()> {
        let paint = context.paint;
        let clean = match self.findings.len() {
            0 => paint.green("in order"),
            some => paint.yellow(&counted(crate::text::numbers::long(some), "finding")),
        };
        let (lines, events) = (counted(self.report.lines, "line"), counted(self.report.events, "event"));
        let archived = match &self.report.archive {
            Some(archive) => format!(", {} in the archive", counted(archive.events, "event")),
            None => String::new(),
        };
        context.out.line(&format!("{title}: {lines}, {events}{archived}; {clean}"))?;
        for finding in &self.findings {
            context.out.line(&format!("{} {}", paint.yellow("!"), finding.text))?;
            for line in &finding.more {
                context.out.line(&format!("    {line}"))?;
            }
        }
        context.out.flush()
    }

    fn is_repairable(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind.is_repairable())
    }
}

pub(crate) fn run(mut context: Context, args: &VerifyArgs) -> Result<Exit> {
    context.must_exist()?;
    let engine = Engine::at(&context.folder.path);
    let before = Examined::inspect(&context, &engine)?;
    let found = !before.findings.is_empty();
    if !args.repair || !before.is_repairable() {
        if context.json {
            context.out.json(&before.json(&Object::new()))?;
            context.out.flush()?;
        } else {
            before.show(&mut context, "The log")?;
        }
        if args.repair && found {
            note("There is nothing here that a repair puts right.");
        } else if before.is_repairable() && !context.json {
            note(&format!("Next: {}", context.call_with("--repair")));
        }
        return Ok(Exit::found(found));
    }
    if !context.json {
        before.show(&mut context, "The log")?;
    }
    let changes_log = before
        .findings
        .iter()
        .any(|finding| finding.kind.is_repairable() && finding.kind != Kind::IndexDrift);
    let question = if changes_log {
        format!("Repair the log in {}? It is copied first.", context.folder.shown())
    } else {
        format!("Write index.json in {} anew?", context.folder.shown())
    };
    if !confirm(&question, args.yes.yes, context.call_with("--repair --yes"))? {
        note("Nothing was changed.");
        return Ok(Exit::Findings);
    }
    let wait = Duration::from_secs_f64(args.lock.lock_timeout / 1000.0);
    let (backup, rejected) = repair::repair(&context.folder, &engine, wait, changes_log)?;
    let after = Examined::inspect(&context, &engine)?;
    if context.json {
        let mut repaired = Object::new();
        repaired.count("rejected", rejected);
        match &backup {
            Some(backup) => repaired.string("backup", &backup.to_string_lossy()),
            None => repaired.raw("backup", "null"),
        };
        repaired.raw("before", before.report.to_json());
        context.out.json(&after.json(Object::new().object("repaired", &repaired)))?;
        context.out.flush()?;
    } else {
        match &backup {
            None => context.out.line("Wrote index.json anew.")?,
            Some(backup) => {
                let lines = counted(rejected, "line");
                context.out.line(&format!("Copied the log to {}; set {lines} aside.", shown(backup)))?;
            }
        }
        after.show(&mut context, "Now")?;
    }
    Ok(Exit::found(!after.findings.is_empty()))
}

fn is_busy(context: &Context) -> bool {
    let modified = std::fs::metadata(context.folder.file(LOG)).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|then| match SystemTime::now().duration_since(then) {
        Ok(age) => age < BUSY,
        Err(ahead) => ahead.duration() < BUSY,
    })
}
