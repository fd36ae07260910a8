//! A counter on stderr while something takes long.
//!
//! Invariant: it shows nothing unless stderr is a terminal, and leaves nothing behind.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Counted before the terminal is looked at again.
const STEP: u64 = 512;

/// A counter.
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    count: u64,
}

impl Progress {
    pub(crate) fn new(label: &'static str) -> Self {
        let visible =
            std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let bar = visible.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template("{msg} {human_pos} …") {
                bar.set_style(style);
            }
            bar.set_message(label);
            bar
        });
        Self { bar, count: 0 }
    }

    /// One more.
    pub(crate) fn step(&mut self) {
        self.count += 1;
        if let Some(bar) = self.bar.as_ref().filter(|_| self.count.is_multiple_of(STEP)) {
            bar.set_position(self.count);
        }
    }

    /// Takes the counter away.
    pub(crate) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
