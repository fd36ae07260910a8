//! What a command works with.

use std::path::{Path, PathBuf};

use crate::call::commands::CommonArgs;
use crate::exit::{Failure, Result};
use crate::folder::{Folder, shown};
use crate::place::tool;
use crate::report::Output;
use crate::text::paint::Paint;
use crate::text::times::Zone;

/// The folder, the outputs, and how to show things.
pub(crate) struct Context {
    pub(crate) folder: Folder,
    pub(crate) json: bool,
    pub(crate) zone: Zone,
    pub(crate) paint: Paint,
    pub(crate) out: Output,
    /// The tool and the command, for hints.
    pub(crate) call: String,
    given: Option<PathBuf>,
    /// The word that names the folder, if one does.
    word: Option<String>,
}

impl Context {
    /// For a command of this name, on the folder that the call names.
    pub(crate) fn new(common: &CommonArgs, name: &str, word: Option<&Path>) -> Result<Self> {
        let call = format!("{} {name}", tool());
        let folder = Folder::chosen(common.dir.as_deref(), word, &call)?;
        Ok(Self {
            folder,
            json: common.json,
            zone: Zone::new(common.utc),
            paint: Paint::for_stdout(common.no_color),
            out: Output::new(),
            call,
            given: common.dir.as_deref().or(word).map(Path::to_owned),
            word: word.map(shown),
        })
    }

    /// Refuses a folder that is not there. A word that names none was perhaps meant as something else.
    pub(crate) fn must_exist(&self) -> Result<()> {
        self.must_exist_with("")
    }

    /// The same for a call that takes these words beside the folder.
    pub(crate) fn must_exist_with(&self, words: &str) -> Result<()> {
        self.folder.not_a_file(&self.call)?;
        if self.folder.exists {
            return Ok(());
        }
        let message =
            format!("There is no folder {}. Another one is chosen with --dir.", self.folder.shown());
        let word = self.word.as_deref().unwrap_or_default();
        let is_number = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let meant = match self.call.rsplit(' ').next().unwrap_or_default() {
            "compact" if is_number => format!("--max-events {word}"),
            "tail" if is_number => format!("-n {word}"),
            "export" if word.contains('.') && !word.starts_with('.') => format!("--out {}", quoted(word)),
            "query" if !word.is_empty() && !word.contains('/') => format!("--task {}", quoted(word)),
            _ if words.is_empty() => "--dir DIR".to_owned(),
            _ => format!("{words} --dir DIR"),
        };
        Err(Failure::usage(message, format!("{} {meant}", self.call)))
    }

    /// The call with these options, on the same folder.
    pub(crate) fn call_with(&self, options: &str) -> String {
        match &self.given {
            Some(dir) => format!("{} --dir {} {options}", self.call, quoted(&shown(dir))),
            None => format!("{} {options}", self.call),
        }
    }
}

/// A word as a shell takes it.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || "-_./:=@%+,~\\".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if cfg!(windows) { format!("\"{word}\"") } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
