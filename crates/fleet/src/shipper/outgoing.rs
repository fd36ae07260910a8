//! The folder, as a shipper sees it.
//!
//! Invariant: what an implementation answers is what it has noted; a place that was noted is not given out again,
//! unless all begins anew.

use std::time::Duration;

use uuid::Uuid;

use crate::error::{Error, Result};

/// What a folder has noted of its shipping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Its name among the sources of a store.
    pub source: Uuid,
    /// The store that it has shipped to.
    pub store: Option<Uuid>,
    /// The token of the newest batch that was acknowledged.
    pub last: Option<Uuid>,
    /// The token of a batch that may have arrived.
    pub in_flight: Option<Uuid>,
}

/// How much a load may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Most events.
    pub events: usize,
    /// After so many bytes no further event is added.
    pub bytes: usize,
    /// A longer event is set aside by the folder itself.
    pub longest: usize,
}

/// A place in what waits: in which part of it, and how far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// Which part: a file, in the state in which it was read.
    pub part: u64,
    /// The offset in it.
    pub offset: u64,
}

/// A line that waits.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The line without its newline.
    pub line: Vec<u8>,
    /// Where the next one begins.
    pub end: Place,
}

/// Lines that wait, in the order of the folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Load {
    /// The lines; at least one.
    pub pieces: Vec<Piece>,
    /// Whether much of it may be in the store: it is asked first.
    pub offered_before: bool,
}

/// What waits in a folder, and how far it is shipped.
pub trait Outgoing {
    /// What is noted.
    ///
    /// # Errors
    /// What the folder says; so with all others.
    fn standing(&mut self) -> Result<Standing>;

    /// Notes that nothing is shipped yet to this store; under a new name, if there is one.
    ///
    /// # Errors
    /// What the folder says.
    fn begin_anew(&mut self, store: Uuid, source: Option<Uuid>) -> Result<()>;

    /// What waits behind the noted place; `None` if nothing does. Lines longer than allowed are set aside and counted
    /// as shipped.
    ///
    /// # Errors
    /// What the folder says.
    fn next(&mut self, limits: &Limits) -> Result<Option<Load>>;

    /// Notes a token, before its batch is sent.
    ///
    /// # Errors
    /// What the folder says; the batch is then not sent.
    fn sending(&mut self, token: Uuid) -> Result<()>;

    /// Notes how far all is shipped, and the token that was acknowledged with it.
    ///
    /// # Errors
    /// What the folder says; the events are then offered again.
    fn shipped(&mut self, upto: Option<Place>, token: Option<Uuid>) -> Result<()>;

    /// Sets a line aside, durably, and notes the place behind it.
    ///
    /// # Errors
    /// What the folder says; the place is then not noted.
    fn set_aside(&mut self, line: &[u8], upto: Place) -> Result<()>;

    /// How many bytes wait.
    ///
    /// # Errors
    /// What the folder says.
    fn pending(&mut self) -> Result<u64>;

    /// The same, looked at several times a second: it waits for nothing.
    ///
    /// # Errors
    /// What the folder says.
    fn glance(&mut self) -> Result<u64> {
        self.pending()
    }

    /// How many events were set aside since the folder ships, for people; `None` if that is not known.
    ///
    /// # Errors
    /// What the folder says.
    fn aside(&mut self) -> Result<Option<u64>> {
        Ok(None)
    }

    /// Counts events that have arrived, for people: new ones, and others that were there.
    ///
    /// # Errors
    /// What the folder says.
    fn arrived(&mut self, _stored: u64, _repeated: u64) -> Result<()> {
        Ok(())
    }

    /// Notes a failure, for people, and when the next attempt is due.
    ///
    /// # Errors
    /// What the folder says.
    fn failed(&mut self, _error: &Error, _next: Duration) -> Result<()> {
        Ok(())
    }
}
