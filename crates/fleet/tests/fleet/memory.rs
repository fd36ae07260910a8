//! A folder in memory, as a shipper sees it.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use fleet::shipper::{Limits, Load, Outgoing, Piece, Place, Standing};
use fleet::{Code, Error, Result, Settings};
use uuid::Uuid;

use crate::server::surroundings;
use crate::store::Store;

/// A folder in memory.
#[derive(Clone)]
pub(crate) struct Memory {
    pub(crate) lines: Vec<Vec<u8>>,
    pub(crate) standing: Standing,
    pub(crate) shipped: usize,
    pub(crate) aside: Vec<Vec<u8>>,
    pub(crate) offered_before: bool,
    /// The wrong order: notes the place when a batch is sent, not when it is acknowledged.
    pub(crate) hasty: bool,
    pub(crate) next: usize,
    /// One of these comes after each look that finds nothing.
    pub(crate) late: Vec<Vec<u8>>,
    /// Attempts that failed since something arrived.
    pub(crate) failures: Vec<Code>,
}

impl Memory {
    pub(crate) fn new(lines: Vec<Vec<u8>>) -> Self {
        let standing = Standing { source: Uuid::new_v4(), store: None, last: None, in_flight: None };
        Self {
            lines,
            standing,
            shipped: 0,
            aside: Vec::new(),
            offered_before: false,
            hasty: false,
            next: 0,
            late: Vec::new(),
            failures: Vec::new(),
        }
    }
}

impl Outgoing for Memory {
    fn standing(&mut self) -> Result<Standing> {
        Ok(self.standing)
    }

    fn begin_anew(&mut self, store: Uuid, source: Option<Uuid>) -> Result<()> {
        let source = source.unwrap_or(self.standing.source);
        self.standing = Standing { source, store: Some(store), last: None, in_flight: None };
        self.offered_before = self.shipped > 0;
        self.shipped = 0;
        Ok(())
    }

    fn next(&mut self, limits: &Limits) -> Result<Option<Load>> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut bytes = 0;
        for (number, line) in self.lines.iter().enumerate().skip(self.shipped) {
            if pieces.len() >= limits.events.min(50) || bytes > limits.bytes {
                break;
            }
            bytes += line.len();
            pieces.push(Piece { line: line.clone(), end: Place { part: 0, offset: number as u64 + 1 } });
        }
        self.next = self.shipped + pieces.len();
        if pieces.is_empty() {
            self.lines.extend(self.late.pop());
        }
        Ok((!pieces.is_empty()).then_some(Load { pieces, offered_before: self.offered_before }))
    }

    fn sending(&mut self, token: Uuid) -> Result<()> {
        self.standing.in_flight = Some(token);
        if self.hasty {
            self.shipped = self.next;
        }
        Ok(())
    }

    fn shipped(&mut self, upto: Option<Place>, token: Option<Uuid>) -> Result<()> {
        if let Some(upto) = upto {
            self.shipped = usize::try_from(upto.offset).unwrap();
        }
        if let Some(token) = token {
            self.standing.last = Some(token);
            self.standing.in_flight = None;
        }
        Ok(())
    }

    fn set_aside(&mut self, line: &[u8], upto: Place) -> Result<()> {
        self.aside.push(line.to_vec());
        self.shipped(Some(upto), None)
    }

    fn pending(&mut self) -> Result<u64> {
        Ok(self.lines.iter().skip(self.shipped).map(|line| line.len() as u64 + 1).sum())
    }

    fn aside(&mut self) -> Result<Option<u64>> {
        Ok(Some(self.aside.len() as u64))
    }

    fn arrived(&mut self, _stored: u64, _repeated: u64) -> Result<()> {
        self.failures.clear();
        Ok(())
    }

    fn failed(&mut self, error: &Error, _next: Duration) -> Result<()> {
        self.failures.push(error.code());
        Ok(())
    }
}

/// One that a test looks into while it is shipped.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Mutex<Memory>>);

impl Shared {
    pub(crate) fn new(memory: Memory) -> Self {
        Self(Arc::new(Mutex::new(memory)))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap()
    }
}

impl Outgoing for Shared {
    fn standing(&mut self) -> Result<Standing> {
        self.lock().standing()
    }

    fn begin_anew(&mut self, store: Uuid, source: Option<Uuid>) -> Result<()> {
        self.lock().begin_anew(store, source)
    }

    fn next(&mut self, limits: &Limits) -> Result<Option<Load>> {
        self.lock().next(limits)
    }

    fn sending(&mut self, token: Uuid) -> Result<()> {
        self.lock().sending(token)
    }

    fn shipped(&mut self, upto: Option<Place>, token: Option<Uuid>) -> Result<()> {
        self.lock().shipped(upto, token)
    }

    fn set_aside(&mut self, line: &[u8], upto: Place) -> Result<()> {
        self.lock().set_aside(line, upto)
    }

    fn pending(&mut self) -> Result<u64> {
        self.lock().pending()
    }

    fn aside(&mut self) -> Result<Option<u64>> {
        self.lock().aside()
    }

    fn arrived(&mut self, stored: u64, repeated: u64) -> Result<()> {
        self.lock().arrived(stored, repeated)
    }

    fn failed(&mut self, error: &Error, next: Duration) -> Result<()> {
        self.lock().failed(error, next)
    }
}

pub(crate) fn through(port: u16, store: &Store) -> Settings {
    let text =
        format!("host=127.0.0.1 port={port} user=postgres dbname={} connect_timeout=2", store.database);
    Settings::new(Some(&text), &surroundings()).unwrap()
}
