//! What doctor found, for people and as JSON.

use crate::exit::Failure;
use crate::json::compose::Object;

/// Whether it is as it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Fine,
    Warning,
    Failed,
}

/// One finding, with the numbers that were measured.
pub(crate) struct Finding {
    pub(crate) name: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) text: String,
    measured: Vec<(&'static str, f64)>,
}

impl Finding {
    fn new(name: &'static str, verdict: Verdict, text: String) -> Self {
        Self { name, verdict, text, measured: Vec::new() }
    }

    pub(crate) fn fine(name: &'static str, text: String) -> Self {
        Self::new(name, Verdict::Fine, text)
    }

    pub(crate) fn warning(name: &'static str, text: String) -> Self {
        Self::new(name, Verdict::Warning, text)
    }

    pub(crate) fn failed(name: &'static str, failure: &Failure) -> Self {
        Self::new(name, Verdict::Failed, failure.message().unwrap_or_default())
    }

    /// The same with a number.
    pub(crate) fn with(mut self, name: &'static str, number: f64) -> Self {
        self.measured.push((name, number));
        self
    }

    pub(crate) fn json(&self) -> Vec<u8> {
        let verdict = match self.verdict {
            Verdict::Fine => "ok",
            Verdict::Warning => "warning",
            Verdict::Failed => "failed",
        };
        let mut said = Object::new();
        said.string("name", self.name).string("verdict", verdict).string("text", &self.text);
        for (name, number) in &self.measured {
            said.number(name, *number);
        }
        said.text()
    }
}
