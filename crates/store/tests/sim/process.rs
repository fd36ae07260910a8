//! The storage as one simulated process sees it: each call passes through the scheduler to the shared disk.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use store::disk::{self, File, Folder, Open, Stat};

use super::chaos::Kind;
use super::disk::{Description, Disk, Pid};
use super::simulation::{SYNC_FAILS, Simulation};

/// The folder, in the hands of one process.
pub(crate) struct SimulatedDisk {
    simulation: Arc<Simulation>,
    pid: Pid,
}

/// The folder for process `pid`.
pub(crate) fn folder(simulation: &Arc<Simulation>, pid: Pid) -> Folder {
    Arc::new(SimulatedDisk { simulation: Arc::clone(simulation), pid })
}

struct SimulatedFile {
    simulation: Arc<Simulation>,
    pid: Pid,
    description: Description,
    name: String,
}

impl disk::Disk for SimulatedDisk {
    fn path(&self) -> &'static str {
        "/simulated"
    }

    fn open(&self, name: &str, how: Open) -> io::Result<Box<dyn File>> {
        let kind = if how == Open::Read { Kind::OpenToRead } else { Kind::OpenToWrite };
        let text = || format!("open {name} {how:?}");
        let description =
            self.simulation.call(self.pid, kind, 0, text, |disk, _| disk.open(self.pid, name, how))?;
        let simulation = Arc::clone(&self.simulation);
        Ok(Box::new(SimulatedFile { simulation, pid: self.pid, description, name: name.to_owned() }))
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        let text = || format!("stat {name}");
        let stat = |disk: &mut Disk, _| Ok(disk.stat(name).map(Facts));
        Ok(self.simulation.call(self.pid, Kind::Stat, 0, text, stat)?.map(|facts| facts.0))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let text = || format!("link {from} {to}");
        Ok(self.simulation.call(self.pid, Kind::Link, 0, text, |disk, _| disk.link(from, to))?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let text = || format!("rename {from} {to}");
        Ok(self.simulation.call(self.pid, Kind::Rename, 0, text, |disk, _| disk.rename(from, to))?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let text = || format!("remove {name}");
        Ok(self.simulation.call(self.pid, Kind::Remove, 0, text, |disk, _| disk.remove(name))?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.simulation.call(self.pid, Kind::List, 0, || "list".to_owned(), |disk, _| disk.list())?)
    }

    fn create_folder(&self) -> io::Result<()> {
        let text = || "create folder".to_owned();
        Ok(self.simulation.call(self.pid, Kind::CreateFolder, 0, text, |disk, _| {
            disk.folder = true;
            Ok(())
        })?)
    }

    fn sync_folder(&self) -> io::Result<()> {
        let text = || "sync folder".to_owned();
        Ok(self.simulation.call(self.pid, Kind::SyncFolder, 0, text, |disk, _| disk.sync_folder())?)
    }

    fn now_ms(&self) -> u64 {
        self.simulation.world().wall_clock()
    }

    fn monotonic(&self) -> Duration {
        self.simulation.world().clock
    }

    fn sleep(&self, time: Duration) {
        self.simulation.sleep(self.pid, time);
    }

    fn boot(&self) -> u64 {
        self.simulation.world().disk.boot
    }

    fn random(&self) -> u128 {
        self.simulation.random_id()
    }
}

impl File for SimulatedFile {
    fn stat(&self) -> io::Result<Stat> {
        let text = || format!("fstat {}", self.name);
        let stat = |disk: &mut Disk, _| disk.stat_open(self.description).map(Facts);
        Ok(self.simulation.call(self.pid, Kind::Stat, 0, text, stat)?.0)
    }

    fn size(&self) -> io::Result<u64> {
        let text = || format!("lseek {}", self.name);
        let size = |disk: &mut Disk, _| disk.stat_open(self.description).map(|stat| stat.size);
        Ok(self.simulation.call(self.pid, Kind::Stat, 0, text, size)?)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let text = || format!("read {} at {offset}", self.name);
        let read = |disk: &mut Disk, _| disk.read(self.description, buffer, offset);
        Ok(self.simulation.call(self.pid, Kind::Read, 0, text, read)?)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let text = || format!("append {} {}", self.name, excerpt(bytes));
        Ok(self.simulation.call(self.pid, Kind::Write, bytes.len(), text, |disk, count| {
            disk.write(self.description, &bytes[..count], None)
        })?)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let text = || format!("write {} at {offset} {}", self.name, excerpt(bytes));
        Ok(self.simulation.call(self.pid, Kind::Write, bytes.len(), text, |disk, count| {
            disk.write(self.description, &bytes[..count], Some(offset))
        })?)
    }

    fn set_len(&self, size: u64) -> io::Result<()> {
        let text = || format!("set length {} {size}", self.name);
        let resize = |disk: &mut Disk, _| disk.resize(self.description, size);
        Ok(self.simulation.call(self.pid, Kind::Resize, 0, text, resize)?)
    }

    fn sync(&self) -> io::Result<()> {
        let text = || format!("sync {}", self.name);
        let sync = |disk: &mut Disk, how| disk.sync(self.description, how == SYNC_FAILS);
        Ok(self.simulation.call(self.pid, Kind::Sync, 0, text, sync)?)
    }

    fn set_access(&self, like: &Stat) -> io::Result<()> {
        let mode = like.mode;
        let text = || format!("set mode {} {mode:o}", self.name);
        let set = |disk: &mut Disk, _| disk.set_mode(self.description, mode);
        Ok(self.simulation.call(self.pid, Kind::SetMode, 0, text, set)?)
    }

    fn try_lock(&self) -> io::Result<bool> {
        let text = || format!("try lock {}", self.name);
        Ok(self.simulation.call(self.pid, Kind::Lock, 0, text, |disk, _| disk.try_lock(self.description))?)
    }

    fn unlock(&self) -> io::Result<()> {
        let text = || format!("unlock {}", self.name);
        Ok(self.simulation.call(self.pid, Kind::Unlock, 0, text, |disk, _| disk.unlock(self.description))?)
    }

    fn has_no_writer(&self) -> io::Result<Option<bool>> {
        let text = || format!("has no writer {}", self.name);
        let lease = |disk: &mut Disk, _| disk.has_no_writer(self.description);
        Ok(self.simulation.call(self.pid, Kind::Lease, 0, text, lease)?)
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        self.simulation.close(self.pid, self.description, &self.name);
    }
}

/// A [`Stat`] that is short in a trace.
struct Facts(Stat);

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stat { id, size, links, .. } = self.0;
        write!(f, "inode {}, {size} bytes, {links} names", id.inode)
    }
}

/// The bytes of a write, short enough for a trace.
fn excerpt(bytes: &[u8]) -> String {
    let head: String = String::from_utf8_lossy(&bytes[..bytes.len().min(48)]).escape_debug().collect();
    format!("\"{head}\" ({} bytes)", bytes.len())
}
