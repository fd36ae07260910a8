//! Where things are: this executable, the project, the user's home.

use std::path::{Path, PathBuf};

use crate::exit::{Failure, Result};

/// This executable's absolute path, without links.
pub(crate) fn executable() -> Result<PathBuf> {
    let path = std::env::current_exe()
        .map_err(|error| Failure::io("readlink", Path::new("/proc/self/exe"), &error))?;
    let real = path.canonicalize().unwrap_or(path);
    // Windows' canonical form is one that few programs take.
    let plain = real.to_str().and_then(|text| text.strip_prefix(r"\\?\")).map(PathBuf::from);
    Ok(plain.unwrap_or(real))
}

/// How a person calls this tool: as npm does, if npm runs this process or has installed the executable. Its folder is
/// not on PATH then.
pub(crate) fn tool() -> &'static str {
    let by_npm = ["npm_execpath", "npm_command"].iter().any(|name| std::env::var_os(name).is_some());
    let installed =
        || executable().is_ok_and(|path| path.components().any(|part| part.as_os_str() == "node_modules"));
    if by_npm || installed() { "npx guidance-ledger" } else { "guidance-ledger" }
}

/// The root of the project that work in `cwd` belongs to: what the agent says, else the repository, else `cwd`.
pub(crate) fn project_root(cwd: &Path) -> PathBuf {
    if let Some(root) = std::env::var_os("CLAUDE_PROJECT_DIR").filter(|root| !root.is_empty()) {
        return root.into();
    }
    cwd.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(cwd).to_owned()
}

/// The user's home.
pub(crate) fn home() -> Option<PathBuf> {
    let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
    std::env::var_os(name).filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// The folder that this process works in.
pub(crate) fn current_folder() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| Failure::io("getcwd", Path::new("."), &error))
}
