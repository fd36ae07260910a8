//! The folder of a store as the rest of the engine has it: the seam to the disk, the seam to time, and the words
//! for what fails there.
//!
//! Invariant: an open that finds no descriptor free is tried once more after idle stores of this process gave
//! theirs back.

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::disk::{Disk, File, Open};
use crate::error::{Error, Obstacle, Result};
use crate::paths::LOG;
use crate::wait::background::Background;
use crate::wait::patience::{Caller, Patience, Pauses};

/// Called when no descriptor is free: gives back what is not in use just now.
pub type Relief = Arc<dyn Fn() + Send + Sync>;

/// A handle to a folder; clones are the same folder.
#[derive(Clone)]
pub struct Folder {
    disk: Arc<dyn Disk>,
    background: Arc<Background>,
    relief: Option<Relief>,
    /// When a caller last gave up waiting for the folder, in microseconds of the monotonic clock.
    gave_up: Arc<AtomicU64>,
}

/// Pauses between two tries while no descriptor is free.
const DESCRIPTOR_PAUSES: Pauses = Pauses(Duration::from_millis(1), Duration::from_millis(50));

/// How often a file is made that others remove at once: not for ever.
const CREATIONS: usize = 100;

/// Giving up after so long says something about the folder.
const LONG: Duration = Duration::from_secs(1);

impl Folder {
    /// The folder behind `disk`, in the process whose threads `background` are.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, background: &Arc<Background>) -> Self {
        Self { disk, background: Arc::clone(background), relief: None, gave_up: Arc::default() }
    }

    /// The same, with something to call when no descriptor is free.
    #[must_use]
    pub fn with_relief(self, relief: Relief) -> Self {
        Self { relief: Some(relief), ..self }
    }

    /// Opens a file of the folder; see [`Disk::open`].
    ///
    /// # Errors
    /// As [`Disk::open`].
    pub fn open(&self, name: &str, how: Open) -> io::Result<Box<dyn File>> {
        self.relieved(|| self.disk.open(name, how))
    }

    /// Makes a file of a new name, has it prepared, and locks it, which distinguishes it from what a crash left.
    /// Returns its name, the random number that its name was made of, and the file.
    ///
    /// Until it is locked, a process that cleans up may take it for such a thing and remove it. It is made anew then,
    /// under another name: the first one is taken until it is gone.
    pub(crate) fn create_locked(
        &self,
        name_of: impl Fn(u128) -> String,
        prepare: impl Fn(&dyn File) -> io::Result<()>,
    ) -> io::Result<(String, u128, Box<dyn File>)> {
        for _ in 0..CREATIONS {
            let random = self.random();
            let name = name_of(random);
            let file = self.open(&name, Open::New)?;
            let kept = prepare(&*file)
                .and_then(|()| file.try_lock())
                .and_then(|locked| Ok(locked && self.stat(&name)?.is_some()));
            if matches!(kept, Ok(true)) {
                return Ok((name, random, file));
            }
            let _ = self.remove(&name);
            kept?;
        }
        Err(io::ErrorKind::ResourceBusy.into())
    }

    /// The names in the folder; see [`Disk::list`].
    ///
    /// # Errors
    /// As [`Disk::list`].
    pub fn list(&self) -> io::Result<Vec<String>> {
        self.relieved(|| self.disk.list())
    }

    /// Opens the log for reading; `None` if there is none.
    ///
    /// # Errors
    /// Whatever `open` says, but not that the name is missing.
    pub fn open_log(&self) -> Result<Option<Box<dyn File>>> {
        self.open_existing(LOG)
    }

    /// Opens a file for reading; `None` if there is none.
    ///
    /// # Errors
    /// As [`Folder::open_log`].
    pub(crate) fn open_existing(&self, name: &str) -> Result<Option<Box<dyn File>>> {
        match self.open(name, Open::Read) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed("open", name, &error)),
        }
    }

    /// Makes the names in the folder durable; see [`Disk::sync_folder`]. That needs a descriptor: as long as none is
    /// free, it is tried again until the patience is over.
    ///
    /// # Errors
    /// As [`Disk::sync_folder`].
    pub fn make_names_durable(&self, patience: &Patience) -> io::Result<()> {
        self.with_descriptors(patience, is_out_of_descriptors, || self.relieved(|| self.disk.sync_folder()))
    }

    /// The result of `work`, which is done anew as long as no descriptor is free and the patience lasts: what has them
    /// now gives them back. Work that `lacks` a descriptor must have changed nothing.
    pub(crate) fn with_descriptors<T, E>(
        &self,
        patience: &Patience,
        lacks: impl Fn(&E) -> bool,
        work: impl Fn() -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let done = patience.poll(&*self.background.time, DESCRIPTOR_PAUSES, || match work() {
            Err(error) if lacks(&error) => Ok(None),
            other => other.map(Some),
        })?;
        // The last try has the last word.
        done.map_or_else(work, Ok)
    }

    fn relieved<T>(&self, call: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let result = call();
        match (&result, &self.relief) {
            (Err(error), Some(relief)) if is_out_of_descriptors(error) => {
                relief();
                call()
            }
            _ => result,
        }
    }

    /// Another folder; see [`Disk::elsewhere`].
    #[must_use]
    pub(crate) fn elsewhere(&self, path: &str) -> Self {
        Self { disk: self.disk.elsewhere(path), gave_up: Arc::default(), ..self.clone() }
    }

    /// The threads of this process.
    #[must_use]
    pub fn background(&self) -> &Arc<Background> {
        &self.background
    }

    /// A clock that never goes back.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.background.time.monotonic()
    }

    /// Wall clock, milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.background.time.now_ms()
    }

    /// Patience for `wait` from now on.
    #[must_use]
    pub fn patience(&self, wait: Duration) -> Patience {
        Patience::new(&*self.background.time, wait)
    }

    /// Patience of a caller for `wait` from now on. Calls that come while another gives up on the folder do not
    /// wait as long once more, one after the other: they have no patience left.
    #[must_use]
    pub fn patience_of(&self, caller: &Caller, wait: Duration) -> Patience {
        let gave_up = Duration::from_micros(self.gave_up.load(Ordering::Relaxed));
        let wait = if caller.since() < gave_up { Duration::ZERO } else { wait };
        caller.patience(&*self.background.time, wait)
    }

    /// The path of a file of the folder, for messages.
    #[must_use]
    pub fn path_of(&self, name: &str) -> String {
        let folder = self.disk.path().trim_end_matches(std::path::is_separator);
        format!("{folder}{}{name}", std::path::MAIN_SEPARATOR)
    }

    /// A failed system call on a file of the folder.
    #[must_use]
    pub fn failed(&self, syscall: &'static str, name: &str, error: &io::Error) -> Error {
        Error::io(syscall, self.path_of(name), error)
    }

    /// What to say if `patience` for a file of the folder is over.
    #[must_use]
    pub fn busy(&self, name: &str, patience: &Patience, by: Obstacle) -> Error {
        let path = self.path_of(name);
        if patience.has_ended() {
            return Error::Closed { path };
        }
        let waited = patience.waited(&*self.background.time);
        if waited >= LONG {
            let now = u64::try_from(self.monotonic().as_micros()).unwrap_or(u64::MAX);
            self.gave_up.store(now, Ordering::Relaxed);
        }
        Error::Busy { path, waited_ms: u64::try_from(waited.as_millis()).unwrap_or(u64::MAX).max(1), by }
    }
}

impl Deref for Folder {
    type Target = dyn Disk;

    fn deref(&self) -> &Self::Target {
        &*self.disk
    }
}

#[cfg(unix)]
fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

#[cfg(not(unix))]
fn is_out_of_descriptors(_error: &io::Error) -> bool {
    false
}

/// Whether a write failed because nothing more can be stored.
pub(crate) fn is_out_of_room(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), FileTooLarge | QuotaExceeded | StorageFull)
}
