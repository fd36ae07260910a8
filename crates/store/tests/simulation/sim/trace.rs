//! The story of a run, call by call. Written only when a failed run is repeated: it costs more than the run.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use super::disk::Pid;

/// The story, or nothing.
#[derive(Default)]
pub(crate) struct Trace(Option<Story>);

#[derive(Default)]
struct Story {
    text: String,
    /// The last lines, to notice that a process does the same again and again.
    recent: VecDeque<(Pid, String)>,
    repeated: u64,
}

/// How many lines make up a round that is told once.
const ROUND: usize = 12;

impl Trace {
    pub(crate) fn on() -> Self {
        Self(Some(Story::default()))
    }

    pub(crate) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn add(&mut self, call: u64, clock: Duration, pid: Pid, text: impl FnOnce() -> String) {
        let Some(story) = &mut self.0 else { return };
        let line = (pid, text());
        if story.recent.contains(&line) {
            story.repeated += 1;
            return;
        }
        if story.repeated > 0 {
            let _ = writeln!(story.text, "      … {} lines like those before", story.repeated);
            story.repeated = 0;
        }
        let ms = clock.as_secs_f64() * 1000.0 - 1_000_000.0;
        let _ = writeln!(story.text, "{call:>5} {ms:>10.3} ms  {:1$}P{pid} {2}", "", pid * 2, line.1);
        story.recent.push_back(line);
        if story.recent.len() > ROUND {
            story.recent.pop_front();
        }
    }

    pub(crate) fn text(&self) -> &str {
        self.0.as_ref().map_or("(run the seed again for the trace)", |story| &story.text)
    }
}
