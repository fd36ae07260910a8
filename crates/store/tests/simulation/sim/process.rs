//! The storage as one simulated process sees it: each call passes through the scheduler to the shared disk.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use store::disk::{self, File, FileId, Open, Stat};
use store::folder::Folder;
use store::registry::Registry;
use store::wait::background::Background;
use store::wait::{Signal, Time, Work};

use super::chaos::Kind;
use super::disk::{Description, Disk, Pid};
use super::simulation::{SYNC_FAILS, Simulation};
use super::world::Role;

/// Paths of the two folders.
pub(crate) const FOLDERS: [&str; 2] = ["/simulated", "/other"];

/// A folder, in the hands of one process.
pub(crate) struct SimulatedDisk {
    simulation: Arc<Simulation>,
    pid: Pid,
    place: usize,
}

/// What a process has of the engine: its threads, and its stores.
#[derive(Clone)]
pub(crate) struct Installed {
    pub(crate) registry: Arc<Registry>,
    pub(crate) pid: Pid,
}

/// The engine as process `pid` has it.
pub(crate) fn install(simulation: &Arc<Simulation>, pid: Pid) -> Installed {
    let time = Arc::new(SimulatedTime { simulation: Arc::clone(simulation), pid });
    let background = Background::new(time);
    let simulation = Arc::clone(simulation);
    let open = move |path: &Path| {
        let place = FOLDERS.iter().position(|folder| Path::new(folder) == path).expect("a simulated folder");
        let disk: Arc<dyn disk::Disk> =
            Arc::new(SimulatedDisk { simulation: Arc::clone(&simulation), pid, place });
        disk
    };
    Installed { registry: Registry::new(&background, Box::new(open)), pid }
}

impl Installed {
    /// The folder on trial.
    pub(crate) fn folder(&self) -> Folder {
        self.registry.detached(Path::new(FOLDERS[0])).folder().clone()
    }
}

/// The folder on trial, for process `pid`.
pub(crate) fn folder(simulation: &Arc<Simulation>, pid: Pid) -> Folder {
    install(simulation, pid).folder()
}

/// The clock and the threads of one process.
struct SimulatedTime {
    simulation: Arc<Simulation>,
    pid: Pid,
}

impl Time for SimulatedTime {
    fn monotonic(&self) -> Duration {
        self.simulation.world().clock
    }

    fn now_ms(&self) -> u64 {
        self.simulation.world().wall_clock()
    }

    fn sleep(&self, time: Duration) {
        self.simulation.sleep(self.pid, time);
    }

    fn signal(&self) -> Arc<dyn Signal> {
        let signal = self.simulation.new_signal();
        Arc::new(SimulatedSignal { simulation: Arc::clone(&self.simulation), pid: self.pid, signal })
    }

    fn start(&self, name: &str, work: Work) -> io::Result<()> {
        let shared = name.ends_with("quick") || name.ends_with("timers");
        let role = if shared { Role::Shared } else { Role::Patient };
        Ok(self.simulation.start(self.pid, role, work)?)
    }

    fn together<'a>(&self, works: Vec<Box<dyn FnOnce() + Send + 'a>>) {
        for work in works {
            work();
        }
    }

    fn processors(&self) -> usize {
        2
    }
}

struct SimulatedSignal {
    simulation: Arc<Simulation>,
    pid: Pid,
    signal: usize,
}

impl Signal for SimulatedSignal {
    fn count(&self) -> u64 {
        self.simulation.world().signals[self.signal]
    }

    fn raise(&self) {
        self.simulation.world().raise(self.signal);
    }

    fn wait(&self, seen: u64, until: Duration) {
        self.simulation.wait(self.pid, self.signal, seen, until, false);
    }

    fn rest(&self, seen: u64, until: Duration) {
        self.simulation.wait(self.pid, self.signal, seen, until, true);
    }
}

struct SimulatedFile {
    simulation: Arc<Simulation>,
    pid: Pid,
    place: usize,
    description: Description,
    name: String,
}

impl disk::Disk for SimulatedDisk {
    fn path(&self) -> &'static str {
        FOLDERS[self.place]
    }

    fn open(&self, name: &str, how: Open) -> io::Result<Box<dyn File>> {
        let kind = if how == Open::Read { Kind::OpenToRead } else { Kind::OpenToWrite };
        let text = || format!("open {name} {how:?}");
        let description = self
            .simulation
            .call(self.pid, self.place, kind, 0, text, |disk, _| disk.open(self.pid, name, how))?;
        let simulation = Arc::clone(&self.simulation);
        Ok(Box::new(SimulatedFile {
            simulation,
            pid: self.pid,
            place: self.place,
            description,
            name: name.to_owned(),
        }))
    }

    fn stat(&self, name: &str) -> io::Result<Option<Stat>> {
        let text = || format!("stat {name}");
        let stat = |disk: &mut Disk, _| Ok(disk.stat(name).map(Facts));
        Ok(self.simulation.call(self.pid, self.place, Kind::Stat, 0, text, stat)?.map(|facts| facts.0))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let text = || format!("link {from} {to}");
        Ok(self.simulation.call(self.pid, self.place, Kind::Link, 0, text, |disk, _| disk.link(from, to))?)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let text = || format!("rename {from} {to}");
        Ok(self
            .simulation
            .call(self.pid, self.place, Kind::Rename, 0, text, |disk, _| disk.rename(from, to))?)
    }

    fn exchange(&self, one: &str, other: &str) -> io::Result<bool> {
        let text = || format!("exchange {one} {other}");
        let exchange = |disk: &mut Disk, _| disk.exchange(one, other);
        Ok(self.simulation.call(self.pid, self.place, Kind::Rename, 0, text, exchange)?)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let text = || format!("remove {name}");
        Ok(self.simulation.call(self.pid, self.place, Kind::Remove, 0, text, |disk, _| disk.remove(name))?)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.simulation.call(
            self.pid,
            self.place,
            Kind::List,
            0,
            || "list".to_owned(),
            |disk, _| disk.list(),
        )?)
    }

    fn create_folder(&self) -> io::Result<()> {
        let text = || "create folder".to_owned();
        Ok(self.simulation.call(self.pid, self.place, Kind::CreateFolder, 0, text, |disk, _| {
            disk.folder = true;
            Ok(())
        })?)
    }

    fn sync_folder(&self) -> io::Result<()> {
        let text = || "sync folder".to_owned();
        Ok(self
            .simulation
            .call(self.pid, self.place, Kind::SyncFolder, 0, text, |disk, _| disk.sync_folder())?)
    }

    fn identity(&self) -> io::Result<Option<FileId>> {
        let text = || "stat the folder".to_owned();
        let there =
            self.simulation.call(self.pid, self.place, Kind::Stat, 0, text, |disk, _| Ok(disk.folder))?;
        Ok(there.then_some(FileId { device: 1, inode: 1 + self.place as u64, born_ns: 0 }))
    }

    fn resolved(&self) -> Arc<dyn disk::Disk> {
        Arc::new(Self { simulation: Arc::clone(&self.simulation), pid: self.pid, place: self.place })
    }

    fn elsewhere(&self, path: &str) -> Arc<dyn disk::Disk> {
        assert_eq!((self.place, path), (0, "archive"), "the archive is in the other folder");
        Arc::new(Self { simulation: Arc::clone(&self.simulation), pid: self.pid, place: 1 })
    }

    fn boot(&self) -> u64 {
        self.simulation.world().disk_at(self.place).boot
    }

    fn random(&self) -> u128 {
        self.simulation.random_id()
    }
}

impl File for SimulatedFile {
    fn stat(&self) -> io::Result<Stat> {
        let text = || format!("fstat {}", self.name);
        let stat = |disk: &mut Disk, _| disk.stat_open(self.description).map(Facts);
        Ok(self.simulation.call(self.pid, self.place, Kind::Stat, 0, text, stat)?.0)
    }

    fn size(&self) -> io::Result<u64> {
        let text = || format!("lseek {}", self.name);
        let size = |disk: &mut Disk, _| disk.stat_open(self.description).map(|stat| stat.size);
        Ok(self.simulation.call(self.pid, self.place, Kind::Stat, 0, text, size)?)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let text = || format!("read {} at {offset}", self.name);
        let read = |disk: &mut Disk, _| disk.read(self.description, buffer, offset);
        Ok(self.simulation.call(self.pid, self.place, Kind::Read, 0, text, read)?)
    }

    fn append(&self, bytes: &[u8]) -> io::Result<usize> {
        let text = || format!("append {} {}", self.name, excerpt(bytes));
        Ok(self.simulation.call(self.pid, self.place, Kind::Write, bytes.len(), text, |disk, count| {
            disk.write(self.description, &bytes[..count], None)
        })?)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let text = || format!("write {} at {offset} {}", self.name, excerpt(bytes));
        Ok(self.simulation.call(self.pid, self.place, Kind::Write, bytes.len(), text, |disk, count| {
            disk.write(self.description, &bytes[..count], Some(offset))
        })?)
    }

    fn set_len(&self, size: u64) -> io::Result<()> {
        let text = || format!("set length {} {size}", self.name);
        let resize = |disk: &mut Disk, _| disk.resize(self.description, size);
        Ok(self.simulation.call(self.pid, self.place, Kind::Resize, 0, text, resize)?)
    }

    fn sync(&self) -> io::Result<()> {
        let text = || format!("sync {}", self.name);
        let sync = |disk: &mut Disk, how| disk.sync(self.description, how == SYNC_FAILS);
        Ok(self.simulation.call(self.pid, self.place, Kind::Sync, 0, text, sync)?)
    }

    fn set_access(&self, like: &Stat) -> io::Result<()> {
        let mode = like.mode;
        let text = || format!("set mode {} {mode:o}", self.name);
        let set = |disk: &mut Disk, _| disk.set_mode(self.description, mode);
        Ok(self.simulation.call(self.pid, self.place, Kind::SetMode, 0, text, set)?)
    }

    fn try_lock(&self) -> io::Result<bool> {
        let text = || format!("try lock {}", self.name);
        Ok(self
            .simulation
            .call(self.pid, self.place, Kind::Lock, 0, text, |disk, _| disk.try_lock(self.description))?)
    }

    fn unlock(&self) -> io::Result<()> {
        let text = || format!("unlock {}", self.name);
        Ok(self
            .simulation
            .call(self.pid, self.place, Kind::Unlock, 0, text, |disk, _| disk.unlock(self.description))?)
    }

    fn has_no_writer(&self) -> io::Result<Option<bool>> {
        let text = || format!("has no writer {}", self.name);
        let lease = |disk: &mut Disk, _| disk.has_no_writer(self.description);
        Ok(self.simulation.call(self.pid, self.place, Kind::Lease, 0, text, lease)?)
    }
}

impl Drop for SimulatedFile {
    fn drop(&mut self) {
        self.simulation.close(self.pid, self.place, self.description, &self.name);
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
