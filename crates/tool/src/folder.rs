//! Which folder a command works on.
//!
//! `--dir`, else a word of the call, else `$GUIDANCE_LEDGER_DIR`, else `.claude-flow/guidance`.

use std::path::{Path, PathBuf};

use crate::exit::{Failure, Result};
use crate::text::safe::safe;

/// The folder that the guidance module uses.
pub(crate) const DEFAULT_DIR: &str = ".claude-flow/guidance";
/// The variable that names another.
pub(crate) const DIR_VARIABLE: &str = "GUIDANCE_LEDGER_DIR";

/// A folder, by its absolute path.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) exists: bool,
}

impl Folder {
    /// The folder that a call names. `call` is the tool and the command, for hints.
    pub(crate) fn chosen(dir: Option<&Path>, word: Option<&Path>, call: &str) -> Result<Self> {
        if let (Some(_), Some(word)) = (dir, word) {
            let message = format!("unexpected argument '{}': --dir names the folder already", shown(word));
            return Err(Failure::usage(message, format!("{call} --help")));
        }
        let variable = std::env::var_os(DIR_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        let given = dir.or(word).map(Path::to_owned).or(variable);
        Self::at(&given.unwrap_or_else(|| DEFAULT_DIR.into()))
    }

    /// The folder at a path.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let path = std::path::absolute(path).map_err(|error| Failure::io("getcwd", path, &error))?;
        // `a/b/.` and `a/b/` are `a/b`.
        let path: PathBuf = path.components().collect();
        let exists = path.exists();
        Ok(Self { path, exists })
    }

    /// The path, fit to be shown.
    pub(crate) fn shown(&self) -> String {
        shown(&self.path)
    }

    /// Refuses a file in the folder's place.
    pub(crate) fn not_a_file(&self, call: &str) -> Result<()> {
        if self.exists && !self.path.is_dir() {
            let message = format!("{} is a file; events lie in a folder", self.shown());
            return Err(Failure::usage(message, format!("{call} --dir DIR")));
        }
        Ok(())
    }

    /// The path of one of its files.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether a path is one of the store's own files: nothing else may be written there.
    pub(crate) fn owns(&self, path: &Path) -> bool {
        let Some(name) = path.file_name().map(|name| name.to_string_lossy()) else { return false };
        let ours = ["events.ndjson", "index.json", ".lock"].contains(&&*name)
            || ["events.rejected.", "events.unshipped.", "events.tmp.", ".events."]
                .iter()
                .any(|start| name.starts_with(start));
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        ours && parent.is_some() && parent == self.path.canonicalize().ok()
    }
}

/// A path, fit to be shown.
pub(crate) fn shown(path: &Path) -> String {
    safe(&path.to_string_lossy()).into_owned()
}
