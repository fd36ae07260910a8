//! The folder, as a shipper wants it.
//!
//! Invariant: nothing is decided here; each call is one of the engine's.

use std::time::Duration;

use fleet::shipper::{Limits, Load, Outgoing, Piece, Place, Standing};
use fleet::{Code, Error, Result};
use uuid::Uuid;

use crate::engine::{FolderError, Most, Waiting, WhatWaits};

pub(crate) struct FolderOutgoing(pub(crate) WhatWaits);

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
fn local(error: FolderError) -> Error {
    Error::new(Code::Local, error.to_string())
}

fn id(number: u128) -> Option<Uuid> {
    (number != 0).then(|| Uuid::from_u128(number))
}

fn number(id: Option<Uuid>) -> u128 {
    id.map_or(0, |id| id.as_u128())
}

impl Outgoing for FolderOutgoing {
    fn standing(&mut self) -> Result<Standing> {
        let noted = self.0.noted().map_err(local)?;
        let source = Uuid::from_u128(noted.source);
        Ok(Standing { source, store: id(noted.store), last: id(noted.last), in_flight: id(noted.in_flight) })
    }

    fn begin_anew(&mut self, store: Uuid, source: Option<Uuid>) -> Result<()> {
        self.0.begin_anew(store.as_u128(), number(source)).map_err(local)
    }

    fn next(&mut self, limits: &Limits) -> Result<Option<Load>> {
        let most = Most { events: limits.events, bytes: limits.bytes, longest: limits.longest };
        let Some(found) = self.0.next(&most).map_err(local)? else { return Ok(None) };
        let piece = |Waiting { line, part, end }| Piece { line, end: Place { part, offset: end } };
        let pieces = found.lines.into_iter().map(piece).collect();
        Ok(Some(Load { pieces, offered_before: found.offered_before }))
    }

    fn sending(&mut self, token: Uuid) -> Result<()> {
        self.0.sending(token.as_u128()).map_err(local)
    }

    fn shipped(&mut self, upto: Option<Place>, token: Option<Uuid>) -> Result<()> {
        self.0.shipped(upto.map(|place| (place.part, place.offset)), number(token)).map_err(local)
    }

    fn set_aside(&mut self, line: &[u8], upto: Place) -> Result<()> {
        self.0.set_aside(line, upto.part, upto.offset).map_err(local)
    }

    fn pending(&mut self) -> Result<u64> {
        self.0.pending().map_err(local)
    }

    fn glance(&mut self) -> Result<u64> {
        self.0.glance().map_err(local)
    }

    fn aside(&mut self) -> Result<Option<u64>> {
        self.0.noted().map(|noted| Some(noted.set_aside)).map_err(local)
    }

    fn arrived(&mut self, stored: u64, repeated: u64) -> Result<()> {
        self.0.arrived(stored, repeated).map_err(local)
    }

    fn failed(&mut self, error: &Error, next: Duration) -> Result<()> {
        let next = u64::try_from(next.as_millis()).unwrap_or(u64::MAX);
        self.0.failed(error.code().name(), next).map_err(local)
    }
}
