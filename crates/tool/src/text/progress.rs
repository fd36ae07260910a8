//! A counter on stderr while something takes long.
//!
//! Invariant: it shows nothing unless stderr is a terminal and the work takes a moment, and leaves nothing behind.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Counted before the terminal is looked at again.
const STEP: u64 = 512;

/// What takes no longer needs no counter.
const MOMENT: Duration = Duration::from_millis(200);

/// A counter.
pub(crate) struct Progress {
    label: &'static str,
    visible: bool,
    start: Instant,
    bar: Option<ProgressBar>,
    count: u64,
}

impl Progress {
    pub(crate) fn new(label: &'static str) -> Self {
        let visible =
            std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        Self { label, visible, start: Instant::now(), bar: None, count: 0 }
    }

    /// One more.
    pub(crate) fn step(&mut self) {
        self.count += 1;
        if self.visible && self.count.is_multiple_of(STEP) && self.start.elapsed() >= MOMENT {
            let label = self.label;
            self.bar.get_or_insert_with(|| bar(label)).set_position(self.count);
        }
    }

    /// Takes the counter away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(label: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
    if let Ok(style) = ProgressStyle::with_template("{msg} {human_pos} …") {
        bar.set_style(style);
    }
    bar.set_message(label);
    bar
}
