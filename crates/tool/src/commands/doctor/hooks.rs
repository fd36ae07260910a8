//! What doctor says about the hook: whether its last calls failed.

use std::path::{Path, PathBuf};

use super::finding::Finding;
use crate::commands::hook::{ERROR_LOG, folder_of, last_failures};
use crate::folder::shown;
use crate::place::{current_folder, project_root};

/// Failures of hooks in this folder and in the project's folder of hook events. Without a log of failures there is
/// nothing to say.
pub(crate) fn findings(folder: &Path) -> Vec<Finding> {
    let project: Option<PathBuf> = current_folder().ok().map(|cwd| folder_of(&project_root(&cwd)));
    let mut folders = vec![folder.to_owned()];
    folders.extend(project.filter(|project| project != folder));
    folders
        .iter()
        .filter_map(|folder| {
            let (count, last) = last_failures(folder)?;
            let path = shown(&folder.join(ERROR_LOG));
            let text = format!("{count} failures in {path}; the last one: {last}");
            Some(Finding::warning("hook", text))
        })
        .collect()
}
