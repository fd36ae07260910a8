//! `init`: writes the hook into an agent's settings.
//!
//! Invariants: what the settings hold already stays, in its order and with its bytes; they are copied before they are
//! changed and replaced as a whole; running it twice changes nothing. The command is this executable's absolute path,
//! so that neither Node nor a shell wrapper runs at a tool call.

mod settings;

use std::fs;
use std::path::{Path, PathBuf};

use crate::call::commands::CommonArgs;
use crate::call::recording::InitArgs;
use crate::context::quoted;
use crate::exit::{Exit, Failure, Result};
use crate::folder::shown;
use crate::json::compose::Object;
use crate::place::{current_folder, executable, home, project_root, tool};
use crate::report::{Output, note};
use crate::text::question::confirm;
use crate::text::times::{Zone, now_ms};

const CALL: &str = "guidance-ledger init";

pub(crate) fn run(common: &CommonArgs, args: &InitArgs) -> Result<Exit> {
    let command = hook_command(&executable()?, common.dir.as_deref())?;
    let (path, scope) = settings_path(args)?;
    let before = match fs::read(&path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(Failure::io("read", &path, &error)),
    };
    let old = before.as_deref().map(event::text::trim).filter(|text| !text.is_empty()).unwrap_or(b"{}");
    let Some(new) = settings::with_hook(old, &command) else {
        let message =
            format!("{} is not what settings are: an object, its hooks lists of objects", shown(&path));
        return Err(Failure::System(format!(
            "{message}. Put it right, then run init again; nothing was written"
        )));
    };
    let mut out = Output::new();
    let changed = new != old;
    if args.print {
        out.bytes(&new)?;
        out.line("")?;
        out.flush()?;
        return Ok(Exit::Done);
    }
    if args.project {
        note(
            "These settings are shared with a team, and the path of this executable is this machine's: --local \
              writes to your own.",
        );
    }
    if changed {
        let question = format!("Write the hook into {}?", shown(&path));
        let yes = format!("{CALL} {scope} --yes");
        if !confirm(&question, args.yes, yes)? {
            note("Nothing was written.");
            return Ok(Exit::Findings);
        }
    }
    let backup = if changed { write(&path, before.as_deref(), &new)? } else { None };
    let undo = match (&backup, &before) {
        (Some(backup), _) => format!("put {} back in its place", shown(backup)),
        (None, None) if changed => format!("remove {}", shown(&path)),
        _ => "remove the hooks whose command is guidance-ledger from the file".to_owned(),
    };
    if common.json {
        let mut said = Object::new();
        said.string("settings", &path.to_string_lossy())
            .boolean("changed", changed)
            .string("command", &command);
        match &backup {
            Some(backup) => said.string("backup", &backup.to_string_lossy()),
            None => said.raw("backup", "null"),
        };
        out.json(&said.text())?;
    } else if changed {
        out.line(&format!("Each tool call is recorded from the agent's next start on: {}", shown(&path)))?;
        out.line(&format!("To undo it, {undo}."))?;
        out.line(&format!("Look at it with: {} tail .guidance-ledger/hooks", tool()))?;
    } else {
        out.line(&format!("The hook is there already: {}", shown(&path)))?;
        out.line(&format!("To undo it, {undo}."))?;
    }
    out.flush()?;
    Ok(Exit::Done)
}

/// What the agent runs at each tool call.
fn hook_command(executable: &Path, dir: Option<&Path>) -> Result<String> {
    if executable.components().any(|part| part.as_os_str() == "_npx") {
        let message = format!(
            "{} lies in the cache of npx, which is emptied at any time: install the package first",
            shown(executable)
        );
        return Err(Failure::usage(message, "npm install guidance-ledger && npx guidance-ledger init"));
    }
    let Some(path) = executable.to_str() else {
        return Err(Failure::System(format!(
            "{} is not UTF-8; settings hold nothing else",
            shown(executable)
        )));
    };
    // The agent's shell takes forward slashes on every system.
    let path = if cfg!(windows) { path.replace('\\', "/") } else { path.to_owned() };
    let dir = match dir {
        None => String::new(),
        Some(dir) => {
            let dir = std::path::absolute(dir).map_err(|error| Failure::io("getcwd", dir, &error))?;
            format!(" --dir {}", quoted(&dir.to_string_lossy()))
        }
    };
    Ok(format!("{} hook{dir}", quoted(&path)))
}

/// The file, and the option that names it.
fn settings_path(args: &InitArgs) -> Result<(PathBuf, &'static str)> {
    if args.user {
        let set = std::env::var_os("CLAUDE_CONFIG_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        let folder = set.or_else(|| home().map(|home| home.join(".claude")));
        let folder =
            folder.ok_or_else(|| Failure::System("this user has no home: HOME is not set".to_owned()))?;
        return Ok((folder.join("settings.json"), "--user"));
    }
    let folder = project_root(&current_folder()?).join(".claude");
    Ok(if args.project {
        (folder.join("settings.json"), "--project")
    } else {
        (folder.join("settings.local.json"), "--local")
    })
}

/// Replaces the file as a whole, after a copy. Returns the copy's path.
fn write(path: &Path, before: Option<&[u8]>, text: &[u8]) -> Result<Option<PathBuf>> {
    // Settings may be a link into a folder that is kept elsewhere: the link stays.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = real.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(|error| Failure::io("mkdir", folder, &error))?;
    let name = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let backup = if before.is_some() {
        let time = Zone::new(true).show(now_ms()).replace(':', "-");
        let backup = folder.join(format!("{name}.{time}.backup"));
        fs::copy(&real, &backup).map_err(|error| Failure::io("copy", &backup, &error))?;
        Some(backup)
    } else {
        None
    };
    let temporary = folder.join(format!(".{name}.{}.tmp", uuid::Uuid::new_v4()));
    let written = fs::write(&temporary, [text, b"\n"].concat())
        .and_then(|()| match fs::metadata(&real) {
            Ok(metadata) => fs::set_permissions(&temporary, metadata.permissions()),
            Err(_) => Ok(()),
        })
        .and_then(|()| fs::rename(&temporary, &real));
    written.map_err(|error| {
        let _ = fs::remove_file(&temporary);
        Failure::io("write", &real, &error)
    })?;
    Ok(backup)
}
