//! The original JavaScript module as another process on the folder, call for call: it appends without any
//! lock, rewrites `index.json` in place, and compacts and saves under its own idea of a lock.
//!
//! Its flaws are kept: what others append while it rewrites is lost, its lock can have two holders, and a
//! reader may find half an index. The engine has to live beside it.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use store::disk::{File, Open};
use store::folder::Folder;

use super::actor::{Record, history};
use super::disk::Pid;
use super::history::Author;
use super::process::folder;
use super::scenario::Deed;
use super::simulation::Simulation;

const LOG: &str = "events.ndjson";
const INDEX: &str = "index.json";
const LOCK: &str = ".lock";
const STALE_MS: u64 = 30_000;

/// One process that runs the original.
pub(crate) struct Peer {
    simulation: Arc<Simulation>,
    folder: Folder,
    pid: Pid,
    record: Record,
    holder: Option<String>,
}

impl Peer {
    pub(crate) fn new(simulation: &Arc<Simulation>, pid: Pid, record: Record) -> Self {
        Self {
            folder: folder(simulation, pid),
            simulation: Arc::clone(simulation),
            pid,
            record,
            holder: None,
        }
    }

    /// The life of the process. Errors are swallowed, as the original's ledger does.
    pub(crate) fn live(mut self, deeds: &[Deed]) {
        for deed in deeds {
            self.simulation.insist_alive(self.pid);
            self.simulation.world().note(self.pid, || format!("── JavaScript {deed:?}"));
            let _ = match deed {
                Deed::Append(pads) => pads.iter().try_for_each(|&pad| self.append(pad)),
                Deed::Compact { keep } => self.compact(*keep),
                Deed::Save(pads) => self.save(pads),
                other => unreachable!("the original does not {other:?}"),
            };
        }
        self.simulation.leave(self.pid);
    }

    /// `randomUUID()`.
    fn uuid(&self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.folder.random().to_be_bytes()).into_uuid()
    }

    fn author(&self) -> Author {
        Author { pid: self.pid, peer: true }
    }

    fn append(&self, pad: usize) -> io::Result<()> {
        let (events, lines) = history(&self.record).begin(self.author(), &[pad]);
        let written = lines.iter().try_for_each(|line| {
            let mut line = line.clone();
            line.push(b'\n');
            let file = self.folder.open(LOG, Open::Append)?;
            write_all(|bytes, _| file.append(bytes), &line)
        });
        self.simulation.insist_alive(self.pid);
        history(&self.record).end(events, usize::from(written.is_ok()));
        written?;
        let mut index = self.read_json(INDEX).unwrap_or_else(|_| json!({"eventCount": 0}));
        index["eventCount"] = json!(index["eventCount"].as_u64().unwrap_or(0) + 1);
        self.write_file(INDEX, index.to_string().as_bytes())
    }

    fn compact(&mut self, keep: usize) -> io::Result<()> {
        self.acquire_lock()?;
        let at = history(&self.record).begin_removal(Some(keep), 0..0);
        let result = self.read_events().and_then(|mut events| {
            if events.len() <= keep {
                return Ok(());
            }
            events.sort_by_key(|(stamp, _)| *stamp);
            self.write_all_events(&events[events.len() - keep..])
        });
        self.simulation.insist_alive(self.pid);
        history(&self.record).end_removal(at, None);
        self.release_lock();
        result
    }

    /// `load()`, `logEvent()` of fresh events without persistence, `save()`.
    fn save(&mut self, pads: &[usize]) -> io::Result<()> {
        let mut events = self.read_events()?;
        let (fresh, lines) = history(&self.record).begin(self.author(), pads);
        events.extend(lines.into_iter().map(|line| (0, line)));
        self.acquire_lock()?;
        let written = self.write_all_events(&events);
        self.simulation.insist_alive(self.pid);
        history(&self.record).end(fresh.clone(), if written.is_ok() { fresh.len() } else { 0 });
        self.release_lock();
        written
    }

    fn write_all_events(&self, events: &[(u64, Vec<u8>)]) -> io::Result<()> {
        let bytes: Vec<u8> =
            events.iter().flat_map(|(_, line)| line.iter().copied().chain([b'\n'])).collect();
        let temporary = format!("events.tmp.{}.ndjson", self.uuid());
        self.write_file(&temporary, &bytes)?;
        self.folder.rename(&temporary, LOG)?;
        self.write_file(INDEX, json!({"eventCount": events.len()}).to_string().as_bytes())
    }

    /// All lines that parse; the original drops the others.
    fn read_events(&self) -> io::Result<Vec<(u64, Vec<u8>)>> {
        if self.folder.stat(LOG)?.is_none() {
            return Ok(Vec::new());
        }
        let content = self.read_file(LOG)?;
        let lines = content.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
        Ok(lines
            .filter_map(|line| {
                let value: Value = serde_json::from_slice(line).ok()?;
                Some((value["timestamp"].as_u64().unwrap_or(0), line.to_vec()))
            })
            .collect())
    }

    fn acquire_lock(&mut self) -> io::Result<()> {
        if self.folder.stat(LOCK)?.is_some() {
            match self.read_json(LOCK) {
                Ok(lock) => {
                    let then = lock["timestamp"].as_u64().unwrap_or(0);
                    if self.folder.now_ms().saturating_sub(then) < STALE_MS {
                        return Err(io::Error::other("Storage is locked by another process"));
                    }
                    let _ = self.folder.remove(LOCK);
                }
                Err(_) => drop(self.folder.remove(LOCK)),
            }
        }
        let holder = self.uuid().to_string();
        let lock = json!({"holder": holder, "timestamp": self.folder.now_ms(), "pid": self.pid});
        self.write_file(LOCK, lock.to_string().as_bytes())?;
        self.holder = Some(holder);
        Ok(())
    }

    fn release_lock(&mut self) {
        match self.read_json(LOCK) {
            Ok(lock) if lock["holder"].as_str() == self.holder.as_deref() => drop(self.folder.remove(LOCK)),
            Ok(_) => {}
            Err(_) => drop(self.folder.remove(LOCK)),
        }
        self.holder = None;
    }

    fn read_json(&self, name: &str) -> io::Result<Value> {
        Ok(serde_json::from_slice(&self.read_file(name)?)?)
    }

    /// Node's `readFile`: the size first, then as many bytes, then on to the end.
    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.folder.open(name, Open::Read)?;
        let size = usize::try_from(file.stat()?.size).unwrap_or(0);
        let mut content = vec![0; size];
        let mut length = 0;
        while length < size {
            match file.read_at(&mut content[length..], length as u64)? {
                0 => break,
                count => length += count,
            }
        }
        content.truncate(length);
        Ok(content)
    }

    /// Node's `writeFile`: emptied on opening, then written in place.
    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let file: Box<dyn File> = self.folder.open(name, Open::Side)?;
        file.set_len(0)?;
        self.folder.background().time.sleep(Duration::ZERO); // a turn of the event loop
        write_all(|bytes, offset| file.write_at(bytes, offset), bytes)
    }
}

fn write_all(write: impl Fn(&[u8], u64) -> io::Result<usize>, bytes: &[u8]) -> io::Result<()> {
    let mut offset = 0;
    while offset < bytes.len() {
        offset += write(&bytes[offset..], offset as u64)?;
    }
    Ok(())
}
