//! Colours, for terminals only.
//!
//! Invariant: nothing is painted where stdout is not a terminal, where `NO_COLOR` is set, where the terminal is dumb
//! or where the call says no.

use std::io::{self, IsTerminal};

/// Whether output is painted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Paint(bool);

impl Paint {
    /// For stdout, unless `refused`.
    pub(crate) fn for_stdout(refused: bool) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self(!refused && !set("NO_COLOR") && !dumb && io::stdout().is_terminal())
    }

    fn with(self, on: u8, off: u8, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\u{1b}[{on}m{text}\u{1b}[{off}m") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with(1, 22, text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with(2, 22, text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.with(31, 39, text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.with(32, 39, text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.with(33, 39, text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.with(36, 39, text)
    }
}

/// Columns of the terminal that stdout is, 40 at least; `None` if it is a file or a pipe, where nothing is wrapped.
pub(crate) fn room() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    Some(columns().filter(|&columns| columns > 0).map_or(80, |columns| columns.max(40)))
}

#[cfg(unix)]
fn columns() -> Option<usize> {
    // A terminal may know its columns and not its rows.
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn columns() -> Option<usize> {
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}
