//! Which events a command is about.
//!
//! Invariant: an event is chosen if it satisfies every condition; a condition on a field that is missing or of another
//! type is not satisfied.

use event::needle::Needle;

use super::fields::{Fields, strings};
use crate::json::value::Value;

/// Outcome of a task.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Outcome {
    Accepted,
    Rejected,
    Open,
}

/// `--where KEY=VALUE`.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Condition {
    /// The names that lead to the value.
    pub(crate) path: Vec<String>,
    /// The value as JSON text.
    pub(crate) value: Vec<u8>,
}

/// All conditions.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) since: Option<f64>,
    pub(crate) until: Option<f64>,
    pub(crate) task: Option<String>,
    pub(crate) session: Option<String>,
    pub(crate) intent: Option<String>,
    pub(crate) tool: Option<String>,
    pub(crate) file: Option<String>,
    pub(crate) rule: Option<String>,
    pub(crate) agent: Option<String>,
    pub(crate) guidance: Option<String>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) conditions: Vec<Condition>,
    /// Whether the archive is read as well.
    pub(crate) archive: bool,
}

impl Filter {
    /// The same; whether the archive is read as well.
    pub(crate) fn with_archive(self, archive: bool) -> Self {
        Self { archive, ..self }
    }

    /// Whether an event is chosen. Each condition is named, so that the compiler reports one that is left out.
    pub(crate) fn matches(&self, event: &Fields<'_>) -> bool {
        let Self {
            since,
            until,
            task,
            session,
            intent,
            tool,
            file,
            rule,
            agent,
            guidance,
            outcome,
            conditions,
            archive: _,
        } = self;
        in_time(*since, *until, event)
            && is(task.as_deref(), event.task)
            && is(session.as_deref(), event.session)
            && is(intent.as_deref(), event.intent)
            && is(guidance.as_deref(), event.guidance)
            && (is(agent.as_deref(), event.agent) || is(agent.as_deref(), event.agent_type))
            && has(tool.as_deref(), || strings(event.tools))
            && has(rule.as_deref(), || event.rules())
            && file.as_ref().is_none_or(|glob| strings(event.files).any(|path| glob_matches(glob, &path)))
            && outcome.is_none_or(|outcome| outcome == outcome_of(event))
            && conditions.iter().all(|condition| condition.holds(event))
    }

    /// Whether there is no condition.
    pub(crate) fn is_empty(&self) -> bool {
        self.clone().with_archive(false) == Self::default()
    }

    /// Bytes without which no event is chosen.
    pub(crate) fn needle(&self) -> Option<Needle> {
        self.words().find_map(|word| Needle::new(word.as_bytes()))
    }

    /// Strings that some value must be, the most selective first.
    fn words(&self) -> impl Iterator<Item = &String> {
        [&self.task, &self.session, &self.agent, &self.rule, &self.guidance, &self.tool, &self.intent]
            .into_iter()
            .flatten()
    }
}

impl Condition {
    fn holds(&self, event: &Fields<'_>) -> bool {
        let mut value = Value(event.text);
        for name in &self.path {
            match value.get(name.as_bytes()) {
                Some(member) => value = member,
                None => return false,
            }
        }
        same(value, Value(&self.value))
    }
}

/// Whether two values are the same one: strings by their characters, numbers by their size, others by their text.
fn same(a: Value<'_>, b: Value<'_>) -> bool {
    match (a.string(), b.string(), a.number(), b.number()) {
        (Some(a), Some(b), ..) => a == b,
        (None, None, Some(x), Some(y)) => a == b || x.total_cmp(&y).is_eq(),
        (None, None, None, None) => a == b,
        _ => false,
    }
}

fn in_time(since: Option<f64>, until: Option<f64>, event: &Fields<'_>) -> bool {
    if since.is_none() && until.is_none() {
        return true;
    }
    let time = event.time();
    !time.is_nan() && since.is_none_or(|since| time >= since) && until.is_none_or(|until| time <= until)
}

fn is(wanted: Option<&str>, value: Option<Value<'_>>) -> bool {
    wanted.is_none_or(|wanted| value.is_some_and(|value| value.is_string(wanted.as_bytes())))
}

fn has<'a, I: Iterator<Item = std::borrow::Cow<'a, [u8]>>>(
    wanted: Option<&str>,
    list: impl Fn() -> I,
) -> bool {
    wanted.is_none_or(|wanted| list().any(|item| *item == *wanted.as_bytes()))
}

/// What became of the task.
pub(crate) fn outcome_of(event: &Fields<'_>) -> Outcome {
    match event.outcome.and_then(Value::boolean) {
        Some(true) => Outcome::Accepted,
        Some(false) => Outcome::Rejected,
        None => Outcome::Open,
    }
}

/// Whether a path matches: as a whole, or, if the pattern names no folder, by its last part.
fn glob_matches(glob: &str, path: &[u8]) -> bool {
    let path: Vec<u8> = path.iter().map(|&byte| if byte == b'\\' { b'/' } else { byte }).collect();
    if fast_glob::glob_match(glob, &path) {
        return true;
    }
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    !glob.contains('/') && fast_glob::glob_match(glob, name)
}

#[cfg(test)]
mod tests {
    use super::{Condition, Filter, Outcome, glob_matches};
    use crate::log::fields::Fields;

    const EVENT: &[u8] = br#"{"taskId":"t","sessionId":"s","intent":"docs","toolsUsed":["Edit","Read"],
        "filesTouched":["src/a/b.rs"],"violations":[{"ruleId":"R-1"}],"outcomeAccepted":false,"timestamp":1000,
        "agentType":"Explore","guidanceHash":"h","diffSummary":{"linesAdded":3.0},"mode":"\u0061"}"#;

    fn chosen(change: impl FnOnce(&mut Filter)) -> bool {
        let mut filter = Filter::default();
        change(&mut filter);
        filter.matches(&Fields::of(EVENT))
    }

    #[test]
    fn each_condition_chooses() {
        let text = |text: &str| Some(text.to_owned());
        assert!(chosen(|_| {}));
        assert!(chosen(|f| f.task = text("t")) && !chosen(|f| f.task = text("x")));
        assert!(chosen(|f| f.session = text("s")) && !chosen(|f| f.session = text("t")));
        assert!(chosen(|f| f.intent = text("docs")) && !chosen(|f| f.intent = text("doc")));
        assert!(chosen(|f| f.tool = text("Read")) && !chosen(|f| f.tool = text("Write")));
        assert!(chosen(|f| f.rule = text("R-1")) && !chosen(|f| f.rule = text("R-2")));
        assert!(chosen(|f| f.agent = text("Explore")) && !chosen(|f| f.agent = text("s")));
        assert!(chosen(|f| f.guidance = text("h")) && !chosen(|f| f.guidance = text("")));
        assert!(chosen(|f| f.since = Some(1000.0)) && !chosen(|f| f.since = Some(1000.5)));
        assert!(chosen(|f| f.until = Some(1000.0)) && !chosen(|f| f.until = Some(999.0)));
        assert!(
            chosen(|f| f.outcome = Some(Outcome::Rejected)) && !chosen(|f| f.outcome = Some(Outcome::Open))
        );
        assert!(chosen(|f| f.file = text("**/*.rs")) && !chosen(|f| f.file = text("*.ts")));
    }

    #[test]
    fn a_where_compares_values() {
        let holds = |path: &[&str], value: &str| {
            let path = path.iter().map(|name| (*name).to_owned()).collect();
            chosen(|f| f.conditions = vec![Condition { path, value: value.as_bytes().to_vec() }])
        };
        assert!(
            holds(&["diffSummary", "linesAdded"], "3") && !holds(&["diffSummary", "linesAdded"], "\"3\"")
        );
        assert!(holds(&["mode"], "\"a\"") && holds(&["outcomeAccepted"], "false"));
        assert!(!holds(&["mode", "x"], "1") && !holds(&["missing"], "null"));
    }

    #[test]
    fn a_pattern_without_a_folder_matches_the_last_part() {
        for (glob, path, matches) in [
            ("*.rs", "src/a.rs", true),
            ("src/*.rs", "src/a.rs", true),
            ("src/*.rs", "src/b/a.rs", false),
            ("src/**/*.rs", "src/b/a.rs", true),
            ("a.rs", "src\\a.rs", true),
            ("b", "a/b/c", false),
        ] {
            assert_eq!(glob_matches(glob, path.as_bytes()), matches, "{glob} {path}");
        }
    }
}
