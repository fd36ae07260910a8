//! The story of a run, call by call. Written only when a failed run is repeated: it costs more than the run.

use std::fmt::Write;
use std::time::Duration;

use super::disk::Pid;

/// Lines of the story, or nothing.
#[derive(Default)]
pub(crate) struct Trace(Option<String>);

impl Trace {
    pub(crate) fn on() -> Self {
        Self(Some(String::new()))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn add(&mut self, call: u64, clock: Duration, pid: Pid, text: impl FnOnce() -> String) {
        if let Some(story) = &mut self.0 {
            let ms = clock.as_secs_f64() * 1000.0 - 1_000_000.0;
            let _ = writeln!(story, "{call:>5} {ms:>10.3} ms  {:1$}P{pid} {2}", "", pid * 2, text());
        }
    }

    pub(crate) fn text(&self) -> &str {
        self.0.as_deref().unwrap_or("(run the seed again for the trace)")
    }
}
