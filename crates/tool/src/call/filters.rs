//! The conditions on events, as commands take them.

use clap::Args;

use super::values;
use crate::exit::{Failure, Result};
use crate::log::filter::{Condition, Filter, Outcome};
use crate::text::safe::safe;
use crate::text::times::{Zone, now_ms};

/// Conditions on time.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Conditions")]
pub(crate) struct TimeArgs {
    /// From then on: '2h', '7d', 'today', '2026-03-01', a Unix time
    #[arg(long, value_name = "TIME", value_parser = values::some)]
    since: Option<String>,
    /// Up to then, inclusive; a day counts as a whole
    #[arg(long, value_name = "TIME", value_parser = values::some)]
    until: Option<String>,
}

/// Conditions on everything.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Conditions")]
pub(crate) struct FilterArgs {
    #[command(flatten)]
    time: TimeArgs,
    /// Only events of this task
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// Only events of this session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only this kind of work, as 'bug-fix'
    #[arg(long, value_name = "KIND")]
    intent: Option<String>,
    /// Only events that used this tool
    #[arg(long, value_name = "NAME")]
    tool: Option<String>,
    /// Only events that touched such a file, as '*.rs' or 'src/**'
    #[arg(long, value_name = "GLOB")]
    file: Option<String>,
    /// Only events that broke this rule
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// Only this outcome
    #[arg(long, value_name = "OUTCOME", value_enum)]
    outcome: Option<Outcome>,
    /// Only events of this agent: its id or its type
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
    /// Only events under this guidance
    #[arg(long, value_name = "HASH")]
    guidance: Option<String>,
    /// Only where a property has this value; dots lead inwards, as 'diffSummary.linesAdded=3'
    #[arg(long = "where", value_name = "KEY=VALUE", value_parser = values::pair)]
    conditions: Vec<(String, Vec<u8>)>,
}

impl TimeArgs {
    fn bounds(&self, zone: &Zone, call: &str) -> Result<(Option<f64>, Option<f64>)> {
        let now = now_ms();
        let read = |flag: &str, text: &Option<String>, at_end: bool| match text {
            None => Ok(None),
            Some(text) => zone.parse(text, at_end, now).map(Some).ok_or_else(|| {
                let forms = "a span ('2h', '7d'), 'today', an ISO time ('2026-03-01T12:00') or a Unix time";
                let message = format!("{flag} takes {forms}; got '{}'", safe(text));
                Failure::usage(message, format!("{call} {flag} 2h"))
            }),
        };
        let bounds = (read("--since", &self.since, false)?, read("--until", &self.until, true)?);
        if let (Some(since), Some(until)) = bounds
            && since > until
        {
            return Err(Failure::usage(
                "--since is later than --until",
                format!("{call} --since 2h --until now"),
            ));
        }
        Ok(bounds)
    }
}

impl FilterArgs {
    /// Whether there is any condition.
    pub(crate) fn any(&self) -> bool {
        !self.words().is_empty()
    }

    /// The conditions, with times read in a zone. `call` is the tool and the command, for hints.
    pub(crate) fn filter(&self, zone: &Zone, call: &str) -> Result<Filter> {
        let (since, until) = self.time.bounds(zone, call)?;
        let dotted = |(key, value): &(String, Vec<u8>)| Condition {
            path: key.split('.').map(str::to_owned).collect(),
            value: value.clone(),
        };
        Ok(Filter {
            since,
            until,
            task: self.task.clone(),
            session: self.session.clone(),
            intent: self.intent.clone(),
            tool: self.tool.clone(),
            file: self.file.clone(),
            rule: self.rule.clone(),
            agent: self.agent.clone(),
            guidance: self.guidance.clone(),
            outcome: self.outcome,
            conditions: self.conditions.iter().map(dotted).collect(),
            archive: false,
        })
    }

    /// The time from which on, if that is the only condition.
    pub(crate) fn only_since(&self, zone: &Zone, call: &str) -> Result<Option<f64>> {
        let rest = Self { time: TimeArgs { since: None, ..self.time.clone() }, ..self.clone() };
        if rest.any() {
            return Err(Failure::usage("this takes no condition but --since", format!("{call} --since 2h")));
        }
        Ok(self.time.bounds(zone, call)?.0)
    }

    /// The conditions in words, for the head of a page. Each field is named, so that the compiler reports one that is
    /// left out.
    pub(crate) fn words(&self) -> Vec<String> {
        let Self { time, task, session, intent, tool, file, rule, outcome, agent, guidance, conditions } =
            self;
        let TimeArgs { since, until } = time;
        let outcome = outcome.map(|outcome| format!("{outcome:?}").to_lowercase());
        let texts = [
            ("since", since),
            ("until", until),
            ("task", task),
            ("session", session),
            ("kind of work", intent),
            ("tool", tool),
            ("file", file),
            ("rule", rule),
            ("outcome", &outcome),
            ("agent", agent),
            ("guidance", guidance),
        ];
        let texts = texts.into_iter().filter_map(|(name, text)| Some((name, text.as_ref()?)));
        let pairs = conditions.iter().map(|(key, value)| (key, String::from_utf8_lossy(value)));
        let texts = texts.map(|(name, text)| format!("{name} {}", safe(text)));
        texts.chain(pairs.map(|(key, value)| format!("{} = {}", safe(key), safe(&value)))).collect()
    }
}
