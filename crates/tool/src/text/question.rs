//! A question before something is removed.
//!
//! Invariant: without a clear yes nothing is done. Where no answer can be given, the call must have said `--yes`.

use std::io::{self, IsTerminal, Write};

use crate::exit::{Failure, Result};
use crate::report::note;

/// Asks. `call` is the call that needs no answer.
pub(crate) fn confirm(question: &str, yes: bool, call: String) -> Result<bool> {
    if yes {
        return Ok(true);
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Failure::usage(format!("{question} Without a terminal to ask in, say --yes"), call));
    }
    let mut stderr = io::stderr();
    // A terminal that takes no question gives no answer either.
    let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    match io::stdin().read_line(&mut answer) {
        Ok(0) | Err(_) => {
            note(""); // Ctrl-D ends no line.
            Ok(false)
        }
        Ok(_) => Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")),
    }
}
