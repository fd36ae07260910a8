//! A file system as POSIX promises it and no better: one folder, in memory, with what a power cut would
//! leave.
//!
//! Each inode has the content that programs see and the content that the medium holds; in between are the
//! pages that were written since the last `fsync`. The folder has the entries that programs see, and the
//! changes since the last `fsync` of the folder. Descriptors belong to processes, as do the locks that they
//! carry. Which of the unsynced pages and changes survive a power cut is decided in [`super::image`].
//!
//! Nothing here yields, fails by chance or waits: that is [`super::scheduler`]'s.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use store::disk::{FileId, Open, Stat};

use super::errno::{EACCES, EBADF, EEXIST, EIO, ENOENT, ENOSPC, EROFS, Errno};
use super::inode::{Inode, PAGE, Unsynced, apply};

/// Names an inode for good. The number that programs see is reused at once.
pub(crate) type Key = usize;
/// Names an open description for good.
pub(crate) type Description = usize;
/// Names a process for good.
pub(crate) type Pid = usize;

/// File times advance with the kernel's tick.
const TICK_NS: u64 = 4_000_000;

/// A change of the folder that the medium need not hold.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Add { name: String, key: Key },
    Remove { name: String, key: Key },
    Rename { from: String, to: String, key: Key },
    Exchange { one: String, other: String, keys: (Key, Key) },
}

#[derive(Debug)]
struct Opened {
    owner: Pid,
    key: Key,
    how: Open,
    failures_seen: u64,
}

/// The folder and all who have files of it open.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent traits of a file system")]
pub(crate) struct Disk {
    pub(crate) inodes: Vec<Inode>,
    pub(crate) names: BTreeMap<String, Key>,
    pub(crate) durable_names: BTreeMap<String, Key>,
    pub(crate) changes: Vec<Change>,
    pub(crate) folder: bool,
    opened: BTreeMap<Description, Opened>,
    next_description: Description,
    numbers: BTreeSet<u64>,
    /// Bytes by which files may still grow.
    pub(crate) room: Option<usize>,
    pub(crate) read_only: bool,
    /// The call at which `room` and `read_only` are lifted.
    pub(crate) heals_at: Option<u64>,
    pub(crate) now_ns: u64,
    /// How often the machine was started.
    pub(crate) boot: u64,
    /// A file system that does not keep times of birth.
    pub(crate) no_births: bool,
    /// A system that cannot tell who has a file open.
    pub(crate) no_leases: bool,
}

type Result<T> = std::result::Result<T, Errno>;

impl Disk {
    /// A disk with the given files, all of it durable.
    pub(crate) fn with_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut disk = Self { folder: true, ..Self::default() };
        for (name, bytes) in files {
            let inode = Inode { number: disk.free_number(), mode: 0o644, ..Inode::default() };
            disk.put_survivor(&[name], &inode, bytes.to_vec());
        }
        disk
    }

    /// An empty disk of the same file system, after the machine started anew.
    pub(crate) fn empty_twin(&self) -> Self {
        let &Self { folder, now_ns, boot, no_births, no_leases, .. } = self;
        Self { folder, now_ns, boot: boot + 1, no_births, no_leases, ..Self::default() }
    }

    /// Puts a file onto the medium: the same inode, with the content that is left of it.
    pub(crate) fn put_survivor(&mut self, names: &[&str], inode: &Inode, content: Vec<u8>) {
        let &Inode { mode, born_ns, modified_ns, .. } = inode;
        let key = self.inodes.len();
        // A removal that did not survive and a file that took its number: one of them has to give way.
        let taken = self.numbers.contains(&inode.number);
        let number = if taken { self.free_number() } else { inode.number };
        self.numbers.insert(number);
        let durable = content.clone();
        self.inodes.push(Inode { number, content, durable, mode, born_ns, modified_ns, ..Inode::default() });
        for name in names {
            self.names.insert((*name).to_owned(), key);
            self.durable_names.insert((*name).to_owned(), key);
        }
    }

    /// What programs see under a name.
    pub(crate) fn content(&self, name: &str) -> Option<&[u8]> {
        self.names.get(name).map(|&key| self.inodes[key].content.as_slice())
    }

    fn coarse_now(&self) -> u64 {
        self.now_ns - self.now_ns % TICK_NS
    }

    fn free_number(&self) -> u64 {
        (11..u64::MAX).find(|number| !self.numbers.contains(number)).unwrap_or(0)
    }

    fn new_inode(&mut self, mode: u32) -> Key {
        let number = self.free_number();
        self.numbers.insert(number);
        let modified_ns = self.coarse_now();
        let born_ns = if self.no_births { 0 } else { modified_ns };
        self.inodes.push(Inode { number, mode, born_ns, modified_ns, ..Inode::default() });
        self.inodes.len() - 1
    }

    fn links(&self, key: Key) -> usize {
        self.names.values().filter(|&&other| other == key).count()
    }

    /// Gives the number back once neither name nor descriptor holds the inode.
    fn forget_if_free(&mut self, key: Key) {
        if self.links(key) == 0 && !self.opened.values().any(|opened| opened.key == key) {
            self.numbers.remove(&self.inodes[key].number);
        }
    }

    fn stat_key(&self, key: Key) -> Stat {
        let inode = &self.inodes[key];
        Stat {
            id: FileId { device: 1, inode: inode.number, born_ns: inode.born_ns },
            size: inode.content.len() as u64,
            links: self.links(key) as u64,
            mode: inode.mode,
            owner: (0, 0),
            modified_ns: inode.modified_ns,
            regular: true,
        }
    }

    fn at(&self, description: Description) -> Result<&Opened> {
        self.opened.get(&description).ok_or(EBADF)
    }

    fn key(&self, name: &str) -> Result<Key> {
        self.names.get(name).copied().ok_or(ENOENT)
    }

    fn may_write(&self) -> Result<()> {
        if self.read_only { Err(EROFS) } else { Ok(()) }
    }

    fn add(&mut self, name: &str, key: Key) {
        self.names.insert(name.to_owned(), key);
        self.changes.push(Change::Add { name: name.to_owned(), key });
    }

    pub(crate) fn open(&mut self, owner: Pid, name: &str, how: Open) -> Result<Description> {
        if !self.folder {
            return Err(ENOENT);
        }
        let existing = self.names.get(name).copied();
        let key = match (existing, how) {
            (Some(_), Open::New) => return Err(EEXIST),
            (None, Open::Read) => return Err(ENOENT),
            (Some(key), _) => {
                if how != Open::Read {
                    self.may_write()?;
                }
                key
            }
            (None, _) => {
                self.may_write()?;
                if self.room == Some(0) {
                    return Err(ENOSPC);
                }
                let key = self.new_inode(0o600);
                self.add(name, key);
                key
            }
        };
        if self.inodes[key].mode & 0o200 == 0 && how != Open::Read {
            return Err(EACCES);
        }
        let description = self.next_description;
        self.next_description += 1;
        let failures_seen = self.inodes[key].failures;
        self.opened.insert(description, Opened { owner, key, how, failures_seen });
        Ok(description)
    }

    /// Closes one descriptor; the lock it carries goes with it.
    pub(crate) fn close(&mut self, description: Description) {
        if let Some(opened) = self.opened.remove(&description) {
            let inode = &mut self.inodes[opened.key];
            if inode.locked_by == Some(description) {
                inode.locked_by = None;
            }
            self.forget_if_free(opened.key);
        }
    }

    /// Closes all that a process had open, as its end does.
    pub(crate) fn close_all_of(&mut self, owner: Pid) {
        let mine: Vec<_> =
            self.opened.iter().filter(|(_, opened)| opened.owner == owner).map(|(&id, _)| id).collect();
        for description in mine {
            self.close(description);
        }
    }

    pub(crate) fn stat_open(&self, description: Description) -> Result<Stat> {
        Ok(self.stat_key(self.at(description)?.key))
    }

    pub(crate) fn stat(&self, name: &str) -> Option<Stat> {
        self.names.get(name).map(|&key| self.stat_key(key))
    }

    pub(crate) fn read(&self, description: Description, buffer: &mut [u8], offset: u64) -> Result<usize> {
        let content = &self.inodes[self.at(description)?.key].content;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let length = buffer.len().min(content.len() - start);
        buffer[..length].copy_from_slice(&content[start..start + length]);
        Ok(length)
    }

    /// One `write`: at the end for append descriptors, else at `offset`. Short when the disk fills up.
    pub(crate) fn write(
        &mut self,
        description: Description,
        bytes: &[u8],
        offset: Option<u64>,
    ) -> Result<usize> {
        self.may_write()?;
        let opened = self.at(description)?;
        let key = opened.key;
        let offset = match (opened.how, offset) {
            (Open::Append, None) => self.inodes[key].content.len(),
            (Open::Side | Open::New, Some(offset)) => usize::try_from(offset).unwrap_or(usize::MAX),
            _ => return Err(EBADF),
        };
        let size = self.inodes[key].content.len();
        let mut end = offset + bytes.len();
        if let Some(room) = &mut self.room {
            end = end.min(size.max(offset) + *room);
            *room -= end.saturating_sub(size.max(offset));
            if end <= offset && !bytes.is_empty() {
                return Err(ENOSPC);
            }
        }
        let written = &bytes[..end - offset];
        let now = self.coarse_now();
        let inode = &mut self.inodes[key];
        inode.modified_ns = now;
        apply(&mut inode.content, offset, written);
        inode.unsynced.push(Unsynced::Write { offset, bytes: written.to_vec() });
        Ok(written.len())
    }

    pub(crate) fn resize(&mut self, description: Description, size: u64) -> Result<()> {
        self.may_write()?;
        let opened = self.at(description)?;
        if !matches!(opened.how, Open::Side | Open::New) {
            return Err(EBADF);
        }
        let (key, now) = (opened.key, self.coarse_now());
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let inode = &mut self.inodes[key];
        inode.modified_ns = now;
        inode.content.resize(size, 0);
        inode.unsynced.push(Unsynced::Resize(size));
        Ok(())
    }

    /// Content to the medium. A failure loses the pages for good: the next `fsync` has nothing left to write.
    pub(crate) fn sync(&mut self, description: Description, fails: bool) -> Result<()> {
        let key = self.at(description)?.key;
        let inode = &mut self.inodes[key];
        if fails {
            inode.failures += 1;
            inode.unsynced.clear();
        } else {
            for page in inode.dirty_pages(PAGE) {
                let end = inode.content.len().min((page + 1) * PAGE);
                let start = end.min(page * PAGE);
                let fresh = inode.content[start..end].to_vec();
                apply(&mut inode.durable, start, &fresh);
            }
            if !inode.unsynced.is_empty() {
                inode.durable.resize(inode.content.len(), 0);
            }
            inode.unsynced.clear();
        }
        let failures = inode.failures;
        let opened = self.opened.get_mut(&description).ok_or(EBADF)?;
        let failed = opened.failures_seen != failures;
        opened.failures_seen = failures;
        if failed { Err(EIO) } else { Ok(()) }
    }

    pub(crate) fn set_mode(&mut self, description: Description, mode: u32) -> Result<()> {
        self.may_write()?;
        let key = self.at(description)?.key;
        self.inodes[key].mode = mode;
        Ok(())
    }

    pub(crate) fn try_lock(&mut self, description: Description) -> Result<bool> {
        let key = self.at(description)?.key;
        let holder = &mut self.inodes[key].locked_by;
        Ok(*holder.get_or_insert(description) == description)
    }

    pub(crate) fn unlock(&mut self, description: Description) -> Result<()> {
        let key = self.at(description)?.key;
        let holder = &mut self.inodes[key].locked_by;
        if *holder == Some(description) {
            *holder = None;
        }
        Ok(())
    }

    /// What a read lease tells on Linux: granted only while no process has the file open for writing.
    pub(crate) fn has_no_writer(&self, description: Description) -> Result<Option<bool>> {
        let key = self.at(description)?.key;
        let nobody = self.opened.values().all(|opened| opened.key != key || opened.how == Open::Read);
        Ok((!self.no_leases).then_some(nobody))
    }

    pub(crate) fn link(&mut self, from: &str, to: &str) -> Result<()> {
        let key = self.key(from)?;
        if self.names.contains_key(to) {
            return Err(EEXIST);
        }
        self.may_write()?;
        self.add(to, key);
        Ok(())
    }

    pub(crate) fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let key = self.key(from)?;
        self.may_write()?;
        if self.names.get(to) == Some(&key) {
            return Ok(()); // two names of one file: POSIX does nothing
        }
        self.names.remove(from);
        let replaced = self.names.insert(to.to_owned(), key);
        self.changes.push(Change::Rename { from: from.to_owned(), to: to.to_owned(), key });
        if let Some(key) = replaced {
            self.forget_if_free(key);
        }
        Ok(())
    }

    pub(crate) fn exchange(&mut self, one: &str, other: &str) -> Result<bool> {
        let keys = (self.key(one)?, self.key(other)?);
        self.may_write()?;
        self.names.insert(one.to_owned(), keys.1);
        self.names.insert(other.to_owned(), keys.0);
        self.changes.push(Change::Exchange { one: one.to_owned(), other: other.to_owned(), keys });
        Ok(true)
    }

    pub(crate) fn remove(&mut self, name: &str) -> Result<()> {
        let key = self.key(name)?;
        self.may_write()?;
        self.names.remove(name);
        self.changes.push(Change::Remove { name: name.to_owned(), key });
        self.forget_if_free(key);
        Ok(())
    }

    pub(crate) fn list(&self) -> Result<Vec<String>> {
        if self.folder { Ok(self.names.keys().cloned().collect()) } else { Err(ENOENT) }
    }

    pub(crate) fn sync_folder(&mut self) -> Result<()> {
        if !self.folder {
            return Err(ENOENT);
        }
        self.durable_names = self.names.clone();
        self.changes.clear();
        Ok(())
    }
}

impl From<Errno> for io::Error {
    fn from(errno: Errno) -> Self {
        errno.error()
    }
}
