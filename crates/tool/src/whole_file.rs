//! A file that is there whole or not at all, or a stream that is open already.
//!
//! A file is written under another name beside its place, brought to the disk, and then renamed. While it is written
//! it is locked, so that the next writer knows what a process that died left behind, and removes it.
//!
//! Invariants: whatever ends the process leaves the old file as it was; a signal removes what is half done; devices,
//! folders and the store's own files are never written to; an open stream is appended to and never truncated.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::engine::sync_folder;
use crate::exit::{Failure, Result};
use crate::folder::{Folder, shown};
use crate::report::Output;
use crate::signals::Signals;

/// Events may hold secrets: a new file is its owner's.
#[cfg(unix)]
const MODE: u32 = 0o600;
const BLOCK: usize = 64 << 10;

/// The file that `path` names, which the engine will write; `None` if that is an open stream. `flag` is the option that
/// named it; the files of `store` are refused.
pub(crate) fn place_for_engine(path: &Path, flag: &str, store: &Folder) -> Result<Option<PathBuf>> {
    if stream_of(path).is_some() { Ok(None) } else { place_of(path, flag, store).map(Some) }
}

/// Where data goes that a call names a file for.
pub(crate) enum Target {
    /// Our own stdout.
    Stdout(Output),
    /// Another stream that is open already.
    Stream(BufWriter<Box<dyn Write>>, PathBuf),
    /// A file in the making.
    File(Draft),
}

impl Target {
    /// Opens what `path` names. `flag` is the option that named it; the files of `store` are refused.
    pub(crate) fn open(path: &Path, flag: &str, store: &Folder) -> Result<Self> {
        match stream_of(path) {
            Some(Stream::Stdout) => return Ok(Self::Stdout(Output::new())),
            Some(Stream::Stderr) => {
                return Ok(Self::Stream(BufWriter::new(Box::new(io::stderr())), path.to_owned()));
            }
            Some(Stream::Other) => return Self::open_stream(path, flag),
            None => {}
        }
        Draft::begin(path, flag, store).map(Self::File)
    }

    fn open_stream(path: &Path, flag: &str) -> Result<Self> {
        if fs::metadata(path).is_ok_and(|metadata| metadata.is_file()) {
            let message = format!("{flag} {} is a file that another program has open", shown(path));
            return Err(Failure::usage(message, format!("{flag} -, with stdout led there")));
        }
        let file =
            OpenOptions::new().append(true).open(path).map_err(|error| Failure::io("open", path, &error))?;
        Ok(Self::Stream(BufWriter::with_capacity(BLOCK, Box::new(file)), path.to_owned()))
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Stdout(out) => out.bytes(bytes),
            Self::Stream(stream, path) => {
                stream.write_all(bytes).map_err(|error| stream_failed(path, &error))
            }
            Self::File(draft) => draft.bytes(bytes),
        }
    }

    /// Brings all of it to its place.
    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush(),
            Self::Stream(mut stream, path) => stream.flush().map_err(|error| stream_failed(&path, &error)),
            Self::File(draft) => draft.finish(),
        }
    }
}

fn stream_failed(path: &Path, error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        Failure::ReaderGone
    } else {
        Failure::io("write", path, error)
    }
}

enum Stream {
    Stdout,
    Stderr,
    Other,
}

/// The open stream that a path stands for.
fn stream_of(path: &Path) -> Option<Stream> {
    let text = path.to_str()?;
    let number = ["/dev/fd/", "/proc/self/fd/"].iter().find_map(|start| text.strip_prefix(start));
    match (text, number) {
        ("-" | "/dev/stdout", _) | (_, Some("1")) => Some(Stream::Stdout),
        ("/dev/stderr", _) | (_, Some("2")) => Some(Stream::Stderr),
        (_, Some(number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => Some(Stream::Other),
        _ => None,
    }
}

/// A file in the making.
pub(crate) struct Draft {
    file: BufWriter<File>,
    temporary: PathBuf,
    real: PathBuf,
    signals: Signals,
    done: bool,
}

impl Draft {
    fn begin(path: &Path, flag: &str, store: &Folder) -> Result<Self> {
        let real = place_of(path, flag, store)?;
        let name = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Self::at(real, &|left| left == name)
    }

    /// A file that is to be at `real`, in a folder that is there. What writers that died left of files that are
    /// `ours` by name is removed.
    pub(crate) fn at(real: PathBuf, ours: &dyn Fn(&str) -> bool) -> Result<Self> {
        let folder = real.parent().unwrap_or(Path::new(".")).to_owned();
        let name = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        remove_dead(&folder, ours);
        let signals = Signals::watch();
        loop {
            let temporary = folder.join(format!(".{name}.{}.part", uuid::Uuid::new_v4()));
            let mut options = OpenOptions::new();
            options.write(true).create_new(true);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, MODE);
            let file = options.open(&temporary).map_err(|error| Failure::io("open", &temporary, &error))?;
            // Another writer may take an unlocked one for a dead one's, and remove it.
            let locked = file.try_lock().is_ok() || cfg!(windows);
            if !locked || !temporary.exists() {
                continue;
            }
            if let Ok(old) = fs::metadata(&real) {
                file.set_permissions(old.permissions())
                    .map_err(|error| Failure::io("chmod", &temporary, &error))?;
            }
            let file = BufWriter::with_capacity(BLOCK, file);
            return Ok(Self { file, temporary, real, signals, done: false });
        }
    }

    fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.check()?;
        self.file.write_all(bytes).map_err(|error| Failure::io("write", &self.temporary, &error))
    }

    /// Fails if a signal asked for the end.
    pub(crate) fn check(&self) -> Result<()> {
        self.signals.check()
    }

    /// Brings it to the disk and to its place.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.signals.check()?;
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|error| Failure::io("write", &self.temporary, &error))?;
        self.signals.check()?;
        fs::rename(&self.temporary, &self.real).map_err(|error| Failure::io("rename", &self.real, &error))?;
        self.done = true;
        sync_folder(self.real.parent().unwrap_or(Path::new(".")))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.done {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// The place that is really written: the target of a link, and never a device, a pipe, a folder or a store's file.
fn place_of(path: &Path, flag: &str, store: &Folder) -> Result<PathBuf> {
    let full = std::path::absolute(path).map_err(|error| Failure::io("getcwd", path, &error))?;
    let parent = full.parent().unwrap_or(Path::new("/"));
    if !parent.is_dir() {
        let (code, what) =
            if parent.exists() { ("ENOTDIR", "is not a folder") } else { ("ENOENT", "is not there") };
        return Err(Failure::System(format!("{code}: {}, where {flag} would be, {what}", shown(parent))));
    }
    let found = fs::metadata(&full).ok();
    let call = format!("{flag} FILE");
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        return Err(Failure::usage(
            format!("{flag} must be an ordinary file; {} is not one", shown(path)),
            call,
        ));
    }
    let real = if found.is_some() { full.canonicalize().unwrap_or(full) } else { full };
    if store.owns(&real) {
        return Err(Failure::usage(
            format!("{flag} must not be a file of the store; got {}", shown(path)),
            call,
        ));
    }
    Ok(real)
}

/// Removes what writers of files of such names left behind when they died: what is not locked.
fn remove_dead(folder: &Path, ours: &dyn Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let found = entry.file_name().to_string_lossy().into_owned();
        let hidden = found.strip_prefix('.').and_then(|rest| rest.strip_suffix(".part"));
        let Some((name, id)) = hidden.and_then(|hidden| hidden.rsplit_once('.')) else { continue };
        if !ours(name) || uuid::Uuid::try_parse(id).is_err() {
            continue;
        }
        if let Ok(file) = OpenOptions::new().write(true).open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}
