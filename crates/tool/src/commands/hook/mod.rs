//! `hook`: one event for each tool call of a coding agent.
//!
//! The agent runs this command at each tool call and waits for it. So it does as little as can be: reads stdin, takes
//! the folder's lock, appends one line. It has a folder of its own, since an event for each call would dilute the
//! metrics of a guidance module and push its runs out at an eviction.
//!
//! Invariants: nothing here fails the host (the exit code is 0, stdout stays empty, no wait is longer than two
//! seconds), and prompts, commands, contents of files and the environment are not recorded.

mod error_log;
mod guidance;
mod input;
mod shape;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::commands::fleet::on_demand::start_shipper;
use crate::commands::record::SHORT_WAIT;
use crate::engine::Engine;
use crate::exit::{Failure, Result};
use crate::place::{current_folder, project_root};
use crate::report::note;

pub(crate) use error_log::{ERROR_LOG, last_failures};

/// Where hook events go, below the project's root.
const FOLDER: &str = ".guidance-ledger/hooks";
/// The most that is read of stdin.
const LONGEST: u64 = 256 << 20;

/// The folder of a project's hook events.
pub(crate) fn folder_of(root: &Path) -> PathBuf {
    root.join(FOLDER)
}

/// Records what the hook of an agent gives on stdin. `dir` is another folder than the project's.
pub(crate) fn run(dir: Option<&Path>) {
    let mut text = Vec::new();
    let read = io::stdin().lock().take(LONGEST).read_to_end(&mut text);
    let input = input::HookInput::read(&text);
    let cwd = input.as_ref().and_then(|input| input.cwd.clone()).map_or_else(current_folder, Ok);
    let root = cwd.map(|cwd| project_root(&cwd)).unwrap_or_default();
    let folder = dir.map_or_else(|| folder_of(&root), Path::to_owned);
    let folder = std::path::absolute(&folder).unwrap_or(folder);
    let result = match (read, &input) {
        (Err(error), _) => Err(Failure::io("read", Path::new("stdin"), &error)),
        (Ok(_), None) => Err(Failure::System("stdin is not a JSON object, as hooks give one".to_owned())),
        (Ok(_), Some(input)) => store(input, &root, &folder, dir.is_none()),
    };
    if let Err(failure) = result {
        let message = failure.message().unwrap_or_default();
        note(&format!("guidance-ledger: {message}"));
        error_log::add(&folder, &message);
    }
}

fn store(input: &input::HookInput<'_>, root: &Path, folder: &Path, own: bool) -> Result<()> {
    let Some(event) = shape::event(input, root)? else { return Ok(()) };
    let new = !folder.exists();
    let mut line = event.text();
    line.push(b'\n');
    let engine = Engine::at(folder);
    engine.append_within(line, SHORT_WAIT)?;
    if let Some(parent) = folder.parent().filter(|_| new && own) {
        // A folder that appears in a repository by itself must not be committed by accident.
        let ignore = parent.join(".gitignore");
        if !ignore.exists() {
            std::fs::write(&ignore, "*\n").map_err(|error| Failure::io("write", &ignore, &error))?;
        }
    }
    start_shipper(&engine, folder)
}
