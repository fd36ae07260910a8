//! `doctor`: does the store work here, how fast, and does another process hold the folder?
//!
//! Invariant: the folder is left as it was; what is tried is tried in a folder beside its files that is removed
//! afterwards, whatever fails.

mod file_system;
mod finding;
mod holders;
mod hooks;
mod trials;

use std::fs;
use std::path::{Path, PathBuf};

use crate::context::Context;
use crate::engine::{LOG, StoreFile};
use crate::exit::{Exit, Failure, Result};
use crate::folder::shown;
use crate::json::compose::{Object, array};
use crate::place::executable;
use crate::text::columns::pad;
use crate::text::numbers::{bytes, float};

use finding::{Finding, Verdict};

pub(crate) use trials::hold_lock;

pub(crate) fn run(mut context: Context) -> Result<Exit> {
    let mut findings = Vec::new();
    let mut failed = false;
    examine(&context.folder.path.clone(), &mut |finding| {
        failed |= finding.verdict == Verdict::Failed;
        if !context.json {
            let mark = match finding.verdict {
                Verdict::Fine => context.paint.green("✓"),
                Verdict::Warning => context.paint.yellow("!"),
                Verdict::Failed => context.paint.red("✗"),
            };
            let text = finding.text.replace('\n', &format!("\n{}", " ".repeat(16)));
            context.out.line(&format!("{mark} {}  {text}", pad(finding.name, 12)))?;
            context.out.flush()?;
        }
        findings.push(finding);
        Ok(())
    })?;
    if context.json {
        let mut said = Object::new();
        said.string("folder", &context.folder.path.to_string_lossy()).boolean("ok", !failed);
        said.raw("findings", array(findings.iter().map(Finding::json)));
        context.out.json(&said.text())?;
        context.out.flush()?;
    }
    Ok(Exit::found(failed))
}

fn examine(folder: &Path, say: &mut dyn FnMut(Finding) -> Result<()>) -> Result<()> {
    say(platform())?;
    say(attempt("binary", || Ok(Finding::fine("binary", shown(&executable()?)))))?;
    let ground = ground_of(folder);
    say(attempt("folder", || folder_mode(folder)))?;
    say(attempt("log", || log(folder)))?;
    say(attempt("file system", || file_system_finding(&ground)))?;
    say(attempt(".events.lk", || holders::writers(folder)))?;
    say(attempt(".lock", || holders::rewriters(folder)))?;
    let place = match Place::make(&ground) {
        Ok(place) => place,
        Err(failure) => return say(Finding::failed("writing", &failure)),
    };
    say(Finding::fine("writing", "a file can be made here".to_owned()))?;
    say(attempt("fsync", || trials::fsync(&place.0)))?;
    say(attempt("lock", || trials::lock(&place.0)))?;
    say(attempt("append", || trials::append(&place.0)))?;
    drop(place);
    hooks::findings(folder).into_iter().try_for_each(say)
}

fn attempt(name: &'static str, test: impl FnOnce() -> Result<Finding>) -> Finding {
    test().unwrap_or_else(|failure| Finding::failed(name, &failure))
}

fn platform() -> Finding {
    let libc = if cfg!(target_env = "musl") {
        ", musl"
    } else if cfg!(target_env = "gnu") {
        ", glibc"
    } else {
        ""
    };
    let text = format!(
        "{}, {}{libc}; guidance-ledger {}",
        std::env::consts::OS,
        std::env::consts::ARCH,
        env!("CARGO_PKG_VERSION")
    );
    Finding::fine("platform", text)
}

/// Whether the log can be read and added to.
fn log(folder: &Path) -> Result<Finding> {
    let Some(log) = StoreFile::open(folder, LOG)? else {
        return Ok(Finding::fine("log", format!("{LOG}, which is not there yet")));
    };
    let (_, size) = log.stat()?;
    StoreFile::open_to_append(folder, LOG)?;
    Ok(Finding::fine("log", format!("{LOG}, {}", bytes(size))).with("bytes", float(size)))
}

fn folder_mode(folder: &Path) -> Result<Finding> {
    let path = shown(folder);
    let Ok(metadata) = fs::metadata(folder) else {
        return Ok(Finding::fine("folder", format!("{path}, which is not there yet")));
    };
    if !metadata.is_dir() {
        return Err(Failure::System(format!("{path} is not a folder")));
    }
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        let others =
            if mode & 0o002 != 0 { Some("everybody") } else { (mode & 0o020 != 0).then_some("the group") };
        if let Some(others) = others {
            let text = format!("{path}: {others} may write there, and so change what was recorded");
            return Ok(Finding::warning("folder", text));
        }
    }
    Ok(Finding::fine("folder", path))
}

fn file_system_finding(ground: &Path) -> Result<Finding> {
    let found = file_system::of(ground)?;
    let free = found.free.map_or_else(String::new, |free| format!(", {} free", bytes(free)));
    let text = format!("{}{free}", found.kind);
    Ok(match found.concern() {
        Some(concern) => Finding::warning("file system", format!("{text}; {concern}")),
        None => Finding::fine("file system", text),
    })
}

/// The nearest folder that is there.
fn ground_of(path: &Path) -> PathBuf {
    path.ancestors()
        .find(|folder| folder.is_dir())
        .map(|folder| folder.canonicalize().unwrap_or_else(|_| folder.to_owned()))
        .unwrap_or_default()
}

/// A folder for trials, removed when it is dropped.
struct Place(PathBuf);

impl Place {
    fn make(ground: &Path) -> Result<Self> {
        let path = ground.join(format!(".doctor-{}", uuid::Uuid::new_v4()));
        fs::create_dir(&path).map_err(|error| Failure::io("mkdir", &path, &error))?;
        Ok(Self(path))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
