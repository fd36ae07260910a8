//! Whether a shipper is to be started for a folder, by a program that has just written and ends soon.
//!
//! ```text
//! another process ships     no: one open and one try of its lock
//! the last attempt failed   no, before the next one is due
//! one was asked for         no, within the same minute
//! nothing waits             no
//! ```
//!
//! Invariant: of many programs that ask at once one gets a yes, or a few; two shippers of one folder do no harm, the
//! second finds the first one's lock.

use std::io;

use crate::disk::Open;
use crate::error::Result;
use crate::paths::SHIP_LOCK;
use crate::ship::cursor::Cursor;
use crate::store::Store;
use crate::wait::patience::Caller;

/// So long after a yes there is a no.
const MINUTE_MS: u64 = 60_000;

impl Store {
    /// Whether one may be wanted now: a look that waits for nothing.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn may_want_shipper(&self) -> Result<bool> {
        let Some((noted, bytes)) = self.shipping()? else { return Ok(false) };
        if bytes == 0 || noted.account.next_ms > self.folder.now_ms() {
            return Ok(false);
        }
        let failed = |syscall| move |error: io::Error| self.folder.failed(syscall, SHIP_LOCK, &error);
        let lock = self.folder.open(SHIP_LOCK, Open::Side).map_err(failed("open"))?;
        lock.try_lock().map_err(failed("flock"))
    }

    /// Whether a shipper is to be started now. After a yes the next one comes a minute later at the earliest, unless that
    /// shipper brings something to the store before.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn wants_shipper(&self, caller: &Caller) -> Result<bool> {
        if !self.may_want_shipper()? {
            return Ok(false);
        }
        self.under_lock(caller, |folder, _| {
            let now = folder.now_ms();
            let asked = Cursor::change(folder, |cursor| {
                let due = cursor.account.next_ms <= now;
                if due {
                    cursor.account.next_ms = now.saturating_add(MINUTE_MS);
                }
                Ok(due)
            })?;
            Ok(asked.unwrap_or(false))
        })
    }
}
