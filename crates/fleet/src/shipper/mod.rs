//! Shipping what waits in a folder, each event once.
//!
//! ```text
//! connect, hello   the store and the token of our newest batch: is it the store, and the past, that we know?
//! for each batch   note its token; ship; when the answer is there, note how far we are
//! failure          connect anew and offer the same again; a batch that is refused is halved until the event is found
//! stay             the same for as long as a process lives: it looks for new lines, and closes what it does not need
//! ```
//!
//! Invariant: a place is noted as shipped after the answer, never before. So whatever is lost, an answer, a connection,
//! this process, the server's last seconds, leads to events that are offered again, and those the store knows.

mod backoff;
mod outgoing;
mod stay;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use crate::connection::Connection;
use crate::error::{Class, Code, Error, Result};
use crate::identity::{At, Identity};
use crate::protocol::{BATCH_BYTES, BATCH_EVENTS, Calls, Hello, Ledger, Receipt, Sender, State};
use crate::settings::Settings;
use event::line::{Line, Scanner};

pub use outgoing::{Limits, Load, Outgoing, Piece, Place, Standing};
pub use stay::{Change, Stay};

/// So many events refused in a row, and none taken: it is not the events.
const REFUSED_IN_A_ROW: u64 = 10;

/// What a shipper did.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Summary {
    /// New events in the store.
    pub stored: u64,
    /// Events that were there.
    pub repeated: u64,
    /// Events that the store's retention has passed.
    pub late: u64,
    /// Events that the store refuses, set aside in the folder.
    pub set_aside: u64,
}

/// Who ships, where to, and how patiently.
pub struct Shipper<'a> {
    settings: Settings,
    ledger: &'a Ledger,
    /// Name of this machine.
    host: Option<String>,
    label: Option<String>,
    call: Duration,
    pause: Duration,
    long_pause: Duration,
    summary: Summary,
}

impl<'a> Shipper<'a> {
    /// A shipper to a ledger. It goes to hosts that take writes.
    #[must_use]
    pub fn new(settings: Settings, ledger: &'a Ledger, host: Option<String>, label: Option<String>) -> Self {
        Self {
            settings: settings.for_writing(),
            ledger,
            host,
            label,
            call: Duration::from_secs(60),
            pause: backoff::FIRST,
            long_pause: backoff::PERSON,
            summary: Summary::default(),
        }
    }

    /// The same with another deadline for a batch, and another first pause after a failure.
    #[must_use]
    pub fn with_times(mut self, call: Duration, pause: Duration) -> Self {
        (self.call, self.pause) = (call, pause);
        self
    }

    /// The same with another pause after a failure that needs a person.
    #[must_use]
    pub fn with_long_pause(mut self, pause: Duration) -> Self {
        self.long_pause = pause;
        self
    }

    /// What was done so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// Ships all that waits, and ends. What passes by itself is tried again within `patience`.
    ///
    /// # Errors
    /// The last failure. What was shipped before it is noted, and [`Shipper::summary`] counts it.
    pub async fn once(&mut self, outgoing: &mut dyn Outgoing, patience: Duration) -> Result<Summary> {
        let started = Instant::now();
        let mut failures = 0;
        loop {
            let before = self.summary;
            let Err(error) = self.attempt(outgoing).await else { return Ok(self.summary) };
            if self.summary != before {
                failures = 0;
            }
            failures += 1;
            let Some(pause) = backoff::pause(class(&error), failures, self.pause) else {
                return Err(error);
            };
            if started.elapsed() + pause > patience {
                return Err(error);
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn attempt(&mut self, outgoing: &mut dyn Outgoing) -> Result<()> {
        let connection = Connection::open(&self.settings).await?.with_deadline(self.call);
        let place = connection.host().to_string();
        let calls = Calls::new(&connection, self.ledger);
        let shipped = match Self::greet(&calls, outgoing).await {
            Ok(hello) => self.ship_all(&calls, outgoing, &hello, false).await,
            Err(error) => Err(error),
        };
        shipped.map_err(|error| error.at(&place))
    }

    /// Says hello: is it the store, and the past, that this folder knows?
    async fn greet(calls: &Calls<'_>, outgoing: &mut dyn Outgoing) -> Result<Hello> {
        let hello = calls.hello(outgoing.standing()?.source).await?;
        recognise(outgoing, &hello)?;
        Ok(hello)
    }

    /// Ships all that waits. Unless the store has heard of this source meanwhile, or before (`said`), it is given a sign
    /// of life.
    async fn ship_all(
        &mut self,
        calls: &Calls<'_>,
        outgoing: &mut dyn Outgoing,
        hello: &Hello,
        mut said: bool,
    ) -> Result<()> {
        let limits = Limits { events: BATCH_EVENTS, bytes: BATCH_BYTES, longest: hello.max_bytes.max(1) };
        let (standing, aside) = (outgoing.standing()?, outgoing.aside()?);
        let mut at = Bearings { standing, aside, clock_ms: clock_ms(hello.now) };
        loop {
            let Some(load) = outgoing.next(&limits)? else {
                if !said {
                    // A sign of life.
                    let (_, token) = self.offer(calls, outgoing, &[], &mut at).await?;
                    outgoing.shipped(None, Some(token))?;
                    outgoing.arrived(0, 0)?;
                }
                return Ok(());
            };
            let before = self.summary;
            said |= self.ship_load(calls, outgoing, &load, &mut at).await?;
            let Summary { stored, repeated, .. } = self.summary;
            outgoing.arrived(stored - before.stored, repeated - before.repeated)?;
        }
    }

    fn sender(&self, source: Uuid) -> Sender {
        Sender {
            source,
            host: self.host.clone(),
            label: self.label.clone(),
            agent: concat!("guidance-ledger ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Ships a load, in parts where the store refuses it whole. Returns whether the store was told of this source.
    async fn ship_load(
        &mut self,
        calls: &Calls<'_>,
        outgoing: &mut dyn Outgoing,
        load: &Load,
        at: &mut Bearings,
    ) -> Result<bool> {
        let mut scanner = Scanner::new();
        let mut events: Vec<(Identity, &[u8], Place)> = Vec::with_capacity(load.pieces.len());
        for piece in &load.pieces {
            if let Line::Event(event) = scanner.scan(&piece.line) {
                // The white space around an event is not part of it.
                events.push((Identity::of(&event), trim(&piece.line), piece.end));
            }
        }
        let Some(end) = load.pieces.last().map(|piece| piece.end) else { return Ok(false) };
        if load.offered_before {
            let ids: Vec<Identity> = events.iter().map(|(it, ..)| *it).collect();
            let missing = calls.missing(&ids).await?;
            self.summary.repeated += (ids.len() - missing.len().min(ids.len())) as u64;
            events = missing.into_iter().filter_map(|place| events.get(place).copied()).collect();
        }
        let mut size = events.len();
        let mut rest = events.as_slice();
        let (mut refusals, mut in_a_row) = (0, 0);
        let mut told = false;
        while let Some((_, _, last)) = rest.get(..size.min(rest.len())).and_then(<[_]>::last).copied() {
            let (now, later) = rest.split_at_checked(size).unwrap_or((rest, &[]));
            match self.offer(calls, outgoing, now, at).await {
                Ok((receipt, token)) => {
                    told = true;
                    self.summary.stored += receipt.stored;
                    self.summary.repeated += receipt.repeated;
                    self.summary.late += receipt.late;
                    // With the last of them go the lines behind it that are no events, or were there.
                    outgoing.shipped(Some(if later.is_empty() { end } else { last }), Some(token))?;
                    (rest, size, refusals, in_a_row) = (later, size.saturating_mul(2), 0, 0);
                }
                Err(error) if error.code().class() != Class::Batch => return Err(error),
                Err(_) if now.len() > 1 => size = now.len() / 2,
                Err(error) => {
                    refusals += 1;
                    if refusals < 3 {
                        tokio::time::sleep(self.pause * 4).await;
                        continue;
                    }
                    in_a_row += 1;
                    if in_a_row > REFUSED_IN_A_ROW {
                        return Err(error);
                    }
                    let line = now.first().map_or(&[][..], |(_, line, _)| *line);
                    outgoing.set_aside(line, if later.is_empty() { end } else { last })?;
                    self.summary.set_aside += 1;
                    (rest, size, refusals) = (later, 1, 0);
                }
            }
        }
        if events.is_empty() {
            outgoing.shipped(Some(end), None)?;
        }
        Ok(told)
    }

    /// Offers a batch; without events it is a sign of life. Returns its token, which the store has now.
    async fn offer(
        &self,
        calls: &Calls<'_>,
        outgoing: &mut dyn Outgoing,
        events: &[(Identity, &[u8], Place)],
        at: &mut Bearings,
    ) -> Result<(Receipt, Uuid)> {
        // Offered again under the same token: should the first one still be at work and commit later, the newest token
        // of this source stays the one that we know.
        let token = at.standing.in_flight.unwrap_or_else(Uuid::new_v4);
        outgoing.sending(token)?;
        at.standing.in_flight = Some(token);
        // What still waits when this batch has arrived.
        let bytes = events.iter().fold(0, |sum: u64, (_, line, _)| sum.saturating_add(line.len() as u64 + 1));
        let pending = if events.is_empty() { 0 } else { outgoing.glance()?.saturating_sub(bytes) };
        let last = events.last().map(|(it, ..)| it.at);
        let plain: Vec<(Identity, &[u8])> = events.iter().map(|(it, line, _)| (*it, *line)).collect();
        let receipt =
            calls.ship(&self.sender(at.standing.source), token, &plain, &at.state(pending, last)).await?;
        (at.standing.last, at.standing.in_flight) = (Some(token), None);
        Ok((receipt, token))
    }
}

/// What the folder has noted, as it changes while this process ships it.
struct Bearings {
    standing: Standing,
    /// Events that were set aside before.
    aside: Option<u64>,
    clock_ms: Option<i64>,
}

impl Bearings {
    /// What the store is told: `pending` bytes wait, behind an event of the time `last`.
    fn state(&self, pending: u64, last: Option<At>) -> State {
        State {
            known: self.standing.last,
            pending: i64::try_from(pending).ok(),
            pending_since: last.filter(|at| pending > 0 && at.unix_ms().is_some()),
            set_aside: self.aside.and_then(|count| i64::try_from(count).ok()),
            clock_ms: self.clock_ms,
        }
    }
}

/// Whether the store, and its past, is the one that the folder has shipped to. If not, all is offered again.
fn recognise(outgoing: &mut dyn Outgoing, hello: &Hello) -> Result<()> {
    let standing = outgoing.standing()?;
    if standing.store != Some(hello.store) {
        // Under the same name only if this store does not know it: it may have been shipped to before.
        let source = hello.last_token.is_some().then(Uuid::new_v4);
        return outgoing.begin_anew(hello.store, source);
    }
    let known = hello.last_token == standing.last
        || hello.last_token.is_some_and(|token| standing.in_flight == Some(token));
    if known {
        return Ok(());
    }
    // The store went back in time, or another copy of this folder ships under its name: one rule for both, so that two
    // copies do not take turns.
    outgoing.begin_anew(hello.store, Some(Uuid::new_v4()))
}

/// What is to be done about a failure. Another past is learnt of by the next hello, and then all is offered again.
fn class(error: &Error) -> Class {
    match error.code() {
        Code::Rewound => Class::Passing,
        code => code.class(),
    }
}

/// This machine's clock minus the server's, as it was at hello.
pub(crate) fn clock_ms(server: At) -> Option<i64> {
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_millis();
    i64::try_from(ours).ok()?.checked_sub(server.unix_ms()?)
}

fn trim(line: &[u8]) -> &[u8] {
    event::text::trim(line)
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Self::new(Code::Local, format!("the folder: {}", error.kind()))
    }
}
