//! The fields of an event that people ask for, found in its text.
//!
//! An event may have any shape: a field of a wrong type is a value like any other, and the caller says what it must be.

use std::borrow::Cow;

use crate::json::value::Value;

/// The members of an event by name; where a name occurs twice, the last one counts.
#[derive(Default, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) id: Option<Value<'a>>,
    pub(crate) task: Option<Value<'a>>,
    pub(crate) guidance: Option<Value<'a>>,
    pub(crate) retrieved: Option<Value<'a>>,
    pub(crate) tools: Option<Value<'a>>,
    pub(crate) files: Option<Value<'a>>,
    pub(crate) diff: Option<Value<'a>>,
    pub(crate) tests: Option<Value<'a>>,
    pub(crate) violations: Option<Value<'a>>,
    pub(crate) outcome: Option<Value<'a>>,
    pub(crate) rework: Option<Value<'a>>,
    pub(crate) intent: Option<Value<'a>>,
    pub(crate) timestamp: Option<Value<'a>>,
    pub(crate) duration: Option<Value<'a>>,
    pub(crate) session: Option<Value<'a>>,
    pub(crate) agent: Option<Value<'a>>,
    pub(crate) agent_type: Option<Value<'a>>,
    pub(crate) hook: Option<Value<'a>>,
    pub(crate) failed: Option<Value<'a>>,
}

impl<'a> Fields<'a> {
    /// The fields of a text that the scanner took for an event.
    pub(crate) fn of(text: &'a [u8]) -> Self {
        let mut fields = Self { text, ..Self::default() };
        for (key, value) in Value(text).members() {
            let name = match key.0 {
                [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => Cow::Borrowed(inner),
                _ => key.string().unwrap_or_default(),
            };
            if let Some(place) = fields.place(&name) {
                *place = Some(value);
            }
        }
        fields
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut Option<Value<'a>>> {
        Some(match name {
            b"eventId" => &mut self.id,
            b"taskId" => &mut self.task,
            b"guidanceHash" => &mut self.guidance,
            b"retrievedRuleIds" => &mut self.retrieved,
            b"toolsUsed" => &mut self.tools,
            b"filesTouched" => &mut self.files,
            b"diffSummary" => &mut self.diff,
            b"testResults" => &mut self.tests,
            b"violations" => &mut self.violations,
            b"outcomeAccepted" => &mut self.outcome,
            b"reworkLines" => &mut self.rework,
            b"intent" => &mut self.intent,
            b"timestamp" => &mut self.timestamp,
            b"durationMs" => &mut self.duration,
            b"sessionId" => &mut self.session,
            b"agentId" => &mut self.agent,
            b"agentType" => &mut self.agent_type,
            b"hookEvent" => &mut self.hook,
            b"toolFailed" => &mut self.failed,
            _ => return None,
        })
    }

    /// The timestamp; NaN if it is not a number.
    pub(crate) fn time(&self) -> f64 {
        self.timestamp.and_then(Value::number).unwrap_or(f64::NAN)
    }

    /// The rules that the event broke, as WTF-8.
    pub(crate) fn rules(&self) -> impl Iterator<Item = Cow<'a, [u8]>> {
        self.violations
            .into_iter()
            .flat_map(Value::elements)
            .filter_map(|violation| violation.get(b"ruleId").and_then(Value::string))
    }

    /// What the tests said: how many passed and failed; `None` if none ran.
    pub(crate) fn test_counts(&self) -> Option<(f64, f64)> {
        let tests = self.tests?;
        if tests.get(b"ran").and_then(Value::boolean) != Some(true) {
            return None;
        }
        let count = |name: &[u8]| tests.get(name).and_then(Value::number).filter(|count| count.is_finite());
        Some((count(b"passed")?, count(b"failed")?))
    }
}

/// The strings of an array; other elements are left out.
pub(crate) fn strings(list: Option<Value<'_>>) -> impl Iterator<Item = Cow<'_, [u8]>> {
    list.into_iter().flat_map(Value::elements).filter_map(Value::string)
}
