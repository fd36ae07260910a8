//! How a shared store is reached, and the connections to it that were of use a moment ago.
//!
//! Invariant: a connection serves one call at a time. One that no call has used for ten seconds is closed, and after
//! [`Link::close`] none is kept.

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fleet::protocol::Ledger;
use fleet::{Connection, Result, Settings};

use crate::runtime::handle;

/// A connection that was of no use for so long is closed.
const KEEP: Duration = Duration::from_secs(10);
/// One that was of use so recently is used without a look whether it lives.
const TRUSTED: Duration = Duration::from_secs(1);
/// No more are kept.
const MOST: usize = 4;

/// See the head of this file.
pub(crate) struct Link {
    pub(crate) settings: Settings,
    pub(crate) ledger: Ledger,
    pub(crate) label: Option<String>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    connections: Vec<(Connection, Instant)>,
    /// Whether a look for old ones is due.
    watched: bool,
    closed: bool,
}

/// A connection for one call. It is kept for the next one, unless it broke.
pub(crate) struct Lease {
    link: Arc<Link>,
    connection: Option<Connection>,
}

impl Link {
    pub(crate) fn new(settings: Settings, ledger: Ledger, label: Option<String>) -> Self {
        Self { settings, ledger, label, kept: Mutex::default() }
    }

    /// A connection: one that is kept, or another.
    pub(crate) async fn lease(self: &Arc<Self>) -> Result<Lease> {
        while let Some((connection, since)) = self.take() {
            // The server or the way to it may have gone meanwhile.
            if since.elapsed() < TRUSTED || connection.batch("").await.is_ok() {
                return Ok(self.lease_of(connection));
            }
        }
        Ok(self.lease_of(Connection::open(&self.settings).await?))
    }

    fn lease_of(self: &Arc<Self>, connection: Connection) -> Lease {
        Lease { link: Arc::clone(self), connection: Some(connection) }
    }

    fn take(&self) -> Option<(Connection, Instant)> {
        let mut kept = self.kept();
        std::iter::from_fn(|| kept.connections.pop())
            .find(|(connection, since)| connection.is_usable() && since.elapsed() < KEEP)
    }

    fn keep(self: &Arc<Self>, connection: Connection) {
        let mut kept = self.kept();
        if kept.closed || !connection.is_usable() || kept.connections.len() >= MOST {
            return;
        }
        kept.connections.push((connection, Instant::now()));
        if !kept.watched
            && let Ok(handle) = handle()
        {
            kept.watched = true;
            let link = Arc::downgrade(self);
            handle.spawn(async move {
                loop {
                    tokio::time::sleep(KEEP).await;
                    let Some(link) = link.upgrade() else { return };
                    let mut kept = link.kept();
                    kept.connections.retain(|(_, since)| since.elapsed() < KEEP);
                    if kept.connections.is_empty() {
                        kept.watched = false;
                        return;
                    }
                }
            });
        }
    }

    /// Closes what is kept, and keeps none from now on.
    pub(crate) fn close(&self) {
        let mut kept = self.kept();
        kept.closed = true;
        kept.connections.clear();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deref for Lease {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("a lease has a connection until it is dropped"),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.link.keep(connection);
        }
    }
}
