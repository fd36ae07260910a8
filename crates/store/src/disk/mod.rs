//! What the engine needs of a disk, and nothing more.
//!
//! A [`Disk`] is one folder of one process: flat file names in, bytes and facts out. Two implementations
//! exist: [`folder`] for real ones, and the simulated one in `tests/simulation/sim`, which fails, tears, kills and cuts
//! power on command. Every byte the engine reads or writes passes through here, and each clock, thread and pause
//! through [`Time`](crate::wait::Time), so what the simulation has seen is the whole of what the engine does.
//!
//! Invariant: an implementation buffers nothing, remembers nothing but which folders it has made, and retries nothing
//! but `EINTR`, and on Windows what another program holds for a moment. Loops over short writes, ordering and recovery
//! belong to the callers, where the simulation can break them.

pub(crate) mod bytes;
mod facts;
mod file;
pub mod folder;
pub mod lines;
#[cfg(target_os = "linux")]
mod sys;
#[cfg(target_os = "linux")]
mod watch;

use std::io;
use std::sync::Arc;
use std::time::Duration;

/// Identity of a file. Inode numbers are reused at once, so the time of birth is part of it; on file systems
/// that keep none, an identity means something only while a descriptor pins the inode.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct FileId {
    /// Device number.
    pub device: u64,
    /// Inode number.
    pub inode: u64,
    /// Nanoseconds since 1970 at which the file was created, as coarse as a clock tick; 0 where the file
    /// system does not say.
    pub born_ns: u64,
}

/// Facts about a file at one instant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stat {
    /// Which file this is.
    pub id: FileId,
    /// Length in bytes.
    pub size: u64,
    /// Number of names; 0 once the last one was removed.
    pub links: u64,
    /// Permission bits.
    pub mode: u32,
    /// User and group that it belongs to; zeros where the system knows none.
    pub owner: (u32, u32),
    /// Time of the last change of content, nanoseconds since 1970, as coarse as the file system keeps it.
    pub modified_ns: u64,
    /// Whether it is a regular file, rather than a link, a folder, a pipe or a device.
    pub regular: bool,
}

/// How to open a file. No mode follows a symbolic link in the last component, and all insist on a regular
/// file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Open {
    /// For reading; the file must exist.
    Read,
    /// For reading and writing at positions; created empty if missing.
    Side,
    /// For reading and for appending: each write goes to the end of the file as it is at that moment. Created
    /// empty if missing.
    Append,
    /// A new file for reading and writing; fails with `AlreadyExists` if the name is taken, by a link too.
    New,
}

/// An open file. Closing is dropping.
pub trait File: Send + Sync {
    /// Facts about the open file.
    ///
    /// # Errors
    /// Whatever `fstat` says.
    fn stat(&self) -> io::Result<Stat>;

    /// Length in bytes: half the price of [`File::stat`].
    ///
    /// # Errors
    /// Whatever `lseek` says.
    fn size(&self) -> io::Result<u64>;

    /// Reads at `offset` without moving anything; fewer bytes than asked for is not an error, 0 is the end.
    ///
    /// # Errors
    /// Whatever `pread` says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// One `write` at the end ([`Open::Append`]) — may be short.
    ///
    /// # Errors
    /// Whatever `write` says.
    fn append(&self, bytes: &[u8]) -> io::Result<usize>;

    /// One `pwrite` ([`Open::Side`], [`Open::New`]) — may be short.
    ///
    /// # Errors
    /// Whatever `pwrite` says.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize>;

    /// Cuts or extends the file ([`Open::Side`], [`Open::New`]).
    ///
    /// # Errors
    /// Whatever `ftruncate` says.
    fn set_len(&self, size: u64) -> io::Result<()>;

    /// Content (and the metadata needed to read it back) to stable storage. Never call it again on the same
    /// file after it failed: the kernel forgets the error and the pages.
    ///
    /// # Errors
    /// Whatever `fdatasync` says.
    fn sync(&self) -> io::Result<()>;

    /// Gives it the permission bits of another file, and, if this process may, its owner.
    ///
    /// # Errors
    /// Whatever `fchmod` says.
    fn set_access(&self, like: &Stat) -> io::Result<()>;

    /// Takes the exclusive lock of this open file if no other has it. Freed by [`File::unlock`], by
    /// closing, and by the death of the process.
    ///
    /// # Errors
    /// Whatever `flock` says, but not that the lock is taken.
    fn try_lock(&self) -> io::Result<bool>;

    /// The process that has the lock, where the system says so.
    fn lock_holder(&self) -> Option<u32> {
        None
    }

    /// Gives the lock up.
    ///
    /// # Errors
    /// Whatever `flock` says.
    fn unlock(&self) -> io::Result<()>;

    /// Whether no process has this file open for writing. `None` where the system cannot say.
    ///
    /// # Errors
    /// Whatever the system says.
    fn has_no_writer(&self) -> io::Result<Option<bool>>;
}

/// What a watch reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sign {
    /// The file in question may have changed.
    Changed,
    /// Something else in the folder has.
    Other,
    /// The time is over.
    Nothing,
    /// There will be no more signs.
    Gone,
}

/// Says when files of a folder change, as well as the system can. Closing is dropping.
pub trait Watch: Send + Sync {
    /// Blocks until something changes, or the time is over.
    ///
    /// # Errors
    /// Whatever the system says; the watch is of no use then.
    fn wait(&self, name: &str, time: Duration) -> io::Result<Sign>;

    /// Ends the wait of another thread, and all later ones.
    fn wake(&self);
}

/// One folder, as one process sees it. Names are flat: no separators.
pub trait Disk: Send + Sync {
    /// The folder's path, for messages.
    fn path(&self) -> &str;

    /// Opens a file of the folder.
    ///
    /// # Errors
    /// Whatever `open` says; `IsADirectory` if it is a folder, `InvalidInput` if it is not a regular file.
    fn open(&self, name: &str, how: Open) -> io::Result<Box<dyn File>>;

    /// Facts about a name, without following links; `None` if there is none.
    ///
    /// # Errors
    /// Whatever `lstat` says, but not that the name is missing.
    fn stat(&self, name: &str) -> io::Result<Option<Stat>>;

    /// Gives the file a second name; fails with `AlreadyExists` if it is taken.
    ///
    /// # Errors
    /// Whatever `link` says.
    fn link(&self, from: &str, to: &str) -> io::Result<()>;

    /// Renames, replacing the target.
    ///
    /// # Errors
    /// Whatever `rename` says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Exchanges what two names lead to, at once. `false` where the system cannot.
    ///
    /// # Errors
    /// Whatever `renameat2` says, but not that there is no such call.
    fn exchange(&self, one: &str, other: &str) -> io::Result<bool>;

    /// Removes a name; a missing one is an error of kind `NotFound`.
    ///
    /// # Errors
    /// Whatever `unlink` says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// The names in the folder, in no order.
    ///
    /// # Errors
    /// Whatever `readdir` says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Creates the folder and what leads to it; does nothing if it exists. The next [`Disk::sync_folder`] makes
    /// these durable too.
    ///
    /// # Errors
    /// Whatever `mkdir` says.
    fn create_folder(&self) -> io::Result<()>;

    /// Identity of the folder itself; `None` if there is none.
    ///
    /// # Errors
    /// Whatever `stat` says, but not that the folder is missing.
    fn identity(&self) -> io::Result<Option<FileId>>;

    /// The same folder by its real path: a link that leads to it today may lead elsewhere tomorrow.
    fn resolved(&self) -> Arc<dyn Disk>;

    /// Another folder, by an absolute path or by one relative to this folder. Touches no disk.
    fn elsewhere(&self, path: &str) -> Arc<dyn Disk>;

    /// Makes creations, renames and removals in this folder durable.
    ///
    /// # Errors
    /// Whatever `fsync` says.
    fn sync_folder(&self) -> io::Result<()>;

    /// Watches the folder for changes. `None` where the system knows no such thing.
    ///
    /// # Errors
    /// Whatever the system says: there may be no folder, or no more watches.
    fn watch(&self) -> io::Result<Option<Arc<dyn Watch>>> {
        Ok(None)
    }

    /// A number that changes when the machine starts anew; 0 where the system does not say. What was written
    /// before and not synced may be gone then, in any order.
    fn boot(&self) -> u64;

    /// 128 random bits.
    fn random(&self) -> u128;
}
