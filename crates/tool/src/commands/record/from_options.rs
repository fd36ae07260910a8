//! An event from the options of a call: complete, with a new id, at this moment.

use crate::call::recording::RecordArgs;
use crate::exit::{Failure, Result};
use crate::json::compose::{Object, array, string};
use crate::text::numbers::{float, long};
use crate::text::safe::safe;
use crate::text::times::now_ms;

const CALL: &str = "guidance-ledger record";
const SEVERITIES: [&str; 5] = ["critical", "high", "medium", "low", "info"];

/// The fields that every event has, in the library's order, with the values that say nothing.
pub(crate) fn blank_event(task: &str) -> Object {
    let mut event = Object::new();
    event
        .string("eventId", &uuid::Uuid::new_v4().to_string())
        .string("taskId", task)
        .string("guidanceHash", "none")
        .raw("retrievedRuleIds", "[]")
        .raw("toolsUsed", "[]")
        .raw("filesTouched", "[]")
        .object("diffSummary", &diff(0, 0, 0))
        .object("testResults", &tests(false, 0, 0, 0))
        .raw("violations", "[]")
        .raw("outcomeAccepted", "null")
        .count("reworkLines", 0)
        .string("intent", "general")
        .number("timestamp", now_ms())
        .count("durationMs", 0);
    event
}

/// The size of a change.
pub(crate) fn diff(added: u64, removed: u64, files: u64) -> Object {
    let mut diff = Object::new();
    diff.count("linesAdded", added).count("linesRemoved", removed).count("filesChanged", files);
    diff
}

fn tests(ran: bool, passed: u64, failed: u64, skipped: u64) -> Object {
    let mut tests = Object::new();
    tests.boolean("ran", ran).count("passed", passed).count("failed", failed).count("skipped", skipped);
    tests
}

/// A JSON array of strings.
pub(crate) fn list<T: AsRef<str>>(texts: &[T]) -> Vec<u8> {
    array(texts.iter().map(|text| string(text.as_ref().as_bytes())))
}

/// The event that options describe; `None` if none does.
pub(crate) fn event(args: &RecordArgs) -> Result<Option<Object>> {
    let described = [&args.task, &args.session, &args.agent, &args.intent, &args.guidance, &args.tests]
        .iter()
        .any(|text| text.is_some())
        || [&args.tool, &args.file, &args.rule, &args.violation].iter().any(|list| !list.is_empty())
        || [args.rework, args.added, args.removed].iter().any(Option::is_some)
        || args.duration.is_some()
        || args.accepted
        || args.rejected
        || !args.set.is_empty();
    if !described {
        return Ok(None);
    }
    let Some(task) = &args.task else {
        return Err(Failure::usage("an event needs its --task", format!("{CALL} --task ID")));
    };
    let mut event = blank_event(task);
    if let Some(guidance) = &args.guidance {
        event.string("guidanceHash", guidance);
    }
    event
        .raw("retrievedRuleIds", list(&args.rule))
        .raw("toolsUsed", list(&args.tool))
        .raw("filesTouched", list(&args.file))
        .object(
            "diffSummary",
            &diff(args.added.unwrap_or(0), args.removed.unwrap_or(0), long(args.file.len())),
        );
    if let Some(counts) = &args.tests {
        event.object("testResults", &read_tests(counts)?);
    }
    let violations: Vec<Vec<u8>> =
        args.violation.iter().map(|text| read_violation(text)).collect::<Result<_>>()?;
    event.raw("violations", array(violations));
    if args.accepted || args.rejected {
        event.boolean("outcomeAccepted", args.accepted);
    }
    event.number("reworkLines", float(args.rework.unwrap_or(0)));
    event.string("intent", args.intent.as_deref().unwrap_or("general"));
    event.number("durationMs", args.duration.unwrap_or(0.0));
    if let Some(session) = &args.session {
        event.string("sessionId", session);
    }
    if let Some(agent) = &args.agent {
        event.string("agentId", agent);
    }
    for (key, value) in &args.set {
        event.raw(key, value.clone());
    }
    Ok(Some(event))
}

fn read_tests(text: &str) -> Result<Object> {
    let wrong = || {
        let message = format!("--tests takes passed=N,failed=N,skipped=N; got '{}'", safe(text));
        Failure::usage(message, format!("{CALL} --task ID --tests passed=12,failed=0"))
    };
    let mut counts = [0, 0, 0];
    for part in text.split(',') {
        let (name, number) = part.split_once('=').ok_or_else(wrong)?;
        let at = ["passed", "failed", "skipped"]
            .iter()
            .position(|known| *known == name.trim())
            .ok_or_else(wrong)?;
        let number = crate::call::values::count(number.trim()).map_err(|_| wrong())?;
        if let Some(count) = counts.get_mut(at) {
            *count = number;
        }
    }
    let [passed, failed, skipped] = counts;
    Ok(tests(true, passed, failed, skipped))
}

fn read_violation(text: &str) -> Result<Vec<u8>> {
    let wrong = |what: &str| {
        let message =
            format!("--violation takes rule=ID[,severity=LEVEL][,location=WHERE][,text=WHAT][,auto]; {what}");
        Failure::usage(message, format!("{CALL} --task ID --violation rule=R-7,severity=high"))
    };
    let (mut rule, mut severity, mut location, mut words, mut auto) = (None, "medium", None, "", false);
    for part in text.split(',') {
        match part.split_once('=') {
            None if part.trim() == "auto" => auto = true,
            Some(("rule", id)) if !id.is_empty() => rule = Some(id),
            Some(("severity", level)) if SEVERITIES.contains(&level) => severity = level,
            Some(("severity", level)) => {
                return Err(wrong(&format!("'{}' is not one of {}", safe(level), SEVERITIES.join(", "))));
            }
            Some(("location", place)) => location = Some(place),
            Some(("text", what)) => words = what,
            _ => return Err(wrong(&format!("got '{}'", safe(text)))),
        }
    }
    let rule = rule.ok_or_else(|| wrong("the rule is missing"))?;
    let mut violation = Object::new();
    violation.string("ruleId", rule).string("description", words).string("severity", severity);
    if let Some(place) = location {
        violation.string("location", place);
    }
    Ok(violation.boolean("autoCorrected", auto).text())
}
