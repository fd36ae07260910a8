//! A real folder.
//!
//! Invariant: no name is followed through a symbolic link, and nothing but a regular file is opened, so that
//! a planted link, pipe or device can neither redirect a write nor hang us. New files are readable by their
//! owner only: events may hold prompts and secrets.

#![expect(clippy::disallowed_methods, reason = "the seam to the disk")]

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::facts::stat_of_path;
use super::file::{RealFile, retry};
use super::{Disk, File, FileId, Open, Stat};
use crate::wait::Time;
use crate::wait::shared::Shared;
use crate::wait::system::SystemTimeAndThreads;

/// Permission bits of files that we create.
#[cfg(unix)]
const FILE_MODE: u32 = 0o600;
/// Permission bits of folders that we create.
#[cfg(unix)]
const FOLDER_MODE: u32 = 0o700;

/// How long a file that another program holds is tried again.
const HELD_PATIENCE: Duration = Duration::from_secs(1);
/// How long an attempt to open is repeated where access is denied: a file that is just being removed is gone within
/// moments.
const OPEN_PATIENCE: Duration = Duration::from_millis(100);
/// The first and longest pause between two attempts.
const HELD_PAUSE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(100));

/// A folder on disk, by its absolute path.
pub struct RealFolder {
    path: PathBuf,
    shown: String,
    /// Folders whose entry was made by us and is not yet known to be durable.
    made: Shared<Vec<PathBuf>>,
}

impl RealFolder {
    /// The folder at `path`, which need not exist. Touches no disk.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), shown: path.to_string_lossy().into_owned(), made: Shared::default() }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Calls again, for about a second, while another program holds a file for a moment: virus scanners and indexers
    /// on Windows do, with any file that was just written.
    ///
    /// Where access is denied, which may mean a lack of rights, it is no longer than `denied`.
    fn patiently<T>(denied: Duration, mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let mut pause = HELD_PAUSE.0;
        let time = SystemTimeAndThreads::new();
        loop {
            let result = call();
            let patience = match result.as_ref().map_err(holding) {
                Err(Holding::Surely) => HELD_PATIENCE,
                Err(Holding::Perhaps) => denied,
                _ => return result,
            };
            let waited = time.monotonic();
            if waited >= patience {
                return result;
            }
            time.sleep(pause.min(patience.saturating_sub(waited)));
            pause = (pause * 2).min(HELD_PAUSE.1);
        }
    }

    /// Gives a file that root has just made in another user's folder to that user, who could not use the folder
    /// any more otherwise. Only an empty file that has no other name.
    #[cfg(unix)]
    fn give_to_owner(&self, file: &fs::File, metadata: &fs::Metadata) {
        use std::os::unix::fs::{MetadataExt, fchown};
        if metadata.uid() != 0 || metadata.len() > 0 || metadata.nlink() != 1 {
            return;
        }
        if let Ok(folder) = fs::metadata(&self.path)
            && folder.uid() != 0
        {
            // A file system without owners has nothing to give.
            let _ = fchown(file, Some(folder.uid()), Some(folder.gid()));
        }
    }
}

impl Disk for RealFolder {
    fn path(&self) -> &str {
        &self.shown
    }

    fn open(&self, name: &str, how: Open) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        match how {
            Open::Read => options.read(true),
            Open::Side => options.read(true).write(true).create(true),
            Open::Append => options.read(true).append(true).create(true),
            Open::New => options.read(true).write(true).create_new(true),
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            // O_NONBLOCK: a pipe under our name must not block us; it means nothing for regular files.
            options.mode(FILE_MODE).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
        }
        let file =
            Self::patiently(OPEN_PATIENCE, || retry(|| options.open(self.at(name)))).map_err(|error| {
                // Windows says that access is denied.
                let is_folder = cfg!(windows) && self.at(name).is_dir();
                if is_folder { io::ErrorKind::IsADirectory.into() } else { error }
            })?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        #[cfg(unix)]
        if how != Open::Read {
            self.give_to_owner(&file, &metadata);
        }
        Ok(Box::new(RealFile(file)))
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        let path = self.at(name);
        match fs::symlink_metadata(&path).and_then(|metadata| stat_of_path(&path, &metadata)) {
            Ok(stat) => Ok(Some(stat)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        fs::hard_link(self.at(from), self.at(to))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        Self::patiently(HELD_PATIENCE, || fs::rename(self.at(from), self.at(to)))
    }

    #[cfg_attr(
        not(target_os = "linux"),
        expect(unused_variables, reason = "other systems have no such call")
    )]
    fn exchange(&self, one: &str, other: &str) -> io::Result<bool> {
        #[cfg(target_os = "linux")]
        return super::sys::exchange(&self.at(one), &self.at(other));
        #[cfg(not(target_os = "linux"))]
        return Ok(false);
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        Self::patiently(HELD_PATIENCE, || fs::remove_file(self.at(name)))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn create_folder(&self) -> io::Result<()> {
        let mut made = Vec::new();
        let result = create_with_ancestors(&self.path, &mut made);
        self.made.with(|all| all.append(&mut made));
        result
    }

    fn identity(&self) -> io::Result<Option<FileId>> {
        match fs::metadata(&self.path).and_then(|metadata| stat_of_path(&self.path, &metadata)) {
            Ok(stat) => Ok(Some(stat.id)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn resolved(&self) -> Arc<dyn Disk> {
        let path = fs::canonicalize(&self.path).unwrap_or_else(|_| self.path.clone());
        Arc::new(Self { made: Shared::new(self.made.take()), ..Self::new(&path) })
    }

    fn elsewhere(&self, path: &str) -> Arc<dyn Disk> {
        Arc::new(Self::new(&self.path.join(path)))
    }

    fn sync_folder(&self) -> io::Result<()> {
        let made = self.made.take();
        for (number, folder) in made.iter().enumerate() {
            let synced = folder.parent().map_or(Ok(()), sync_folder);
            if synced.is_err() {
                self.made.with(|all| all.extend(made.iter().skip(number).cloned()));
                return synced;
            }
        }
        sync_folder(&self.path)
    }

    #[cfg(target_os = "linux")]
    fn watch(&self) -> io::Result<Option<Arc<dyn super::Watch>>> {
        Ok(Some(Arc::new(super::watch::FolderWatch::new(&self.path)?)))
    }

    fn boot(&self) -> u64 {
        static BOOT: LazyLock<u64> = LazyLock::new(|| {
            let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
            uuid::Uuid::try_parse(id.trim()).map_or(0, |id| id.as_u64_pair().0)
        });
        *BOOT
    }

    fn random(&self) -> u128 {
        uuid::Uuid::new_v4().as_u128()
    }
}

/// Whether another program has the file and may let go of it within moments.
#[cfg_attr(
    not(windows),
    expect(dead_code, reason = "only Windows keeps files from being opened or replaced")
)]
enum Holding {
    Surely,
    /// Or this user lacks the right: Windows says the same of both.
    Perhaps,
    No,
}

#[cfg(windows)]
fn holding(error: &io::Error) -> Holding {
    const ACCESS_DENIED: i32 = 5;
    const SHARING_VIOLATION: i32 = 32;
    const LOCK_VIOLATION: i32 = 33;
    match error.raw_os_error() {
        Some(SHARING_VIOLATION | LOCK_VIOLATION) => Holding::Surely,
        Some(ACCESS_DENIED) => Holding::Perhaps,
        _ => Holding::No,
    }
}

#[cfg(not(windows))]
fn holding(_error: &io::Error) -> Holding {
    Holding::No
}

/// Creates a folder and its missing ancestors, and adds to `made` which.
///
/// Up to the nearest ancestor that is there, then down again, each folder tried once: some file systems say that a
/// name does not exist though its parent does (`/proc`), and would say so for ever.
fn create_with_ancestors(path: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut missing = Vec::new();
    for folder in path.ancestors() {
        match create_folder(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(folder),
            created => {
                finish_creation(folder, created, made)?;
                break;
            }
        }
    }
    missing.into_iter().rev().try_for_each(|folder| finish_creation(folder, create_folder(folder), made))
}

/// What an attempt to create a folder means.
fn finish_creation(path: &Path, created: io::Result<()>, made: &mut Vec<PathBuf>) -> io::Result<()> {
    match created {
        Ok(()) => {
            made.push(path.to_owned());
            Ok(())
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(io::Error::new(io::ErrorKind::NotADirectory, error))
        }
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn create_folder(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().mode(FOLDER_MODE).create(path)
}

#[cfg(not(unix))]
fn create_folder(path: &Path) -> io::Result<()> {
    fs::create_dir(path)
}

#[cfg_attr(not(unix), expect(clippy::unnecessary_wraps, reason = "it can fail on Unix"))]
fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    match fs::File::open(path)?.sync_all() {
        // File systems that know no fsync of folders have nothing to make durable by it.
        Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOTSUP)) => {}
        other => other?,
    }
    // Windows has no call for it; NTFS journals names.
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
