//! A shipper that stays: it ships lines as they come, for as long as its process lives.
//!
//! ```text
//! a folder in which nothing waits   is looked at five times a second, without a connection
//! something waits                   connect, say hello, ship; then look again, connected, for ten seconds
//! a failure                         noted in the folder, reported once for each kind, tried again after a pause
//! ten minutes without anything      a sign of life
//! the store asks for longer pauses  without a connection until then
//! ```
//!
//! Invariant: it ends at once when it is asked to, whatever it waits for. What was in flight then may arrive; it is known
//! by its token and its bytes when it is offered again.

use std::time::{Duration, Instant};

use super::backoff;
use super::{Outgoing, Shipper, Summary};
use crate::connection::Connection;
use crate::error::{Class, Code, Error, Result};
use crate::protocol::Calls;
use crate::runtime::unless;

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(200);
/// A connection that was of no use for so long is closed.
const KEEP: Duration = Duration::from_secs(10);
/// So often the store hears of a folder in which nothing happens.
const LIFE: Duration = Duration::from_secs(600);

/// What people may want to hear of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change<'a> {
    /// An attempt failed in a way that the last one did not; the next one comes after the pause.
    Failed(&'a Error, Duration),
    /// It works again.
    Recovered,
}

/// How long a shipper stays, and whom it speaks to.
pub struct Stay<'a> {
    /// Ends when nothing came for so long; `None` for never.
    pub linger: Option<Duration>,
    /// Whether it is to end.
    pub stop: &'a dyn Fn() -> bool,
    /// Is called with each change.
    pub report: &'a mut dyn FnMut(Change<'_>),
}

/// Where a stay stands.
struct Standpoint {
    /// When events were shipped last, or the stay began.
    active: Instant,
    /// What is left after all was shipped: half a line.
    rest: u64,
    /// The operator's brake: nothing is shipped before.
    next: Instant,
    failures: u32,
    /// The failure that was reported.
    told: Option<Code>,
}

impl Shipper<'_> {
    /// Ships what waits and what comes, until it is asked to end, or nothing came for as long as it lingers.
    ///
    /// # Errors
    /// None that the server brings about: those are tried again for ever. [`Code::Config`] ends it.
    pub async fn stay(&mut self, outgoing: &mut dyn Outgoing, how: &mut Stay<'_>) -> Result<Summary> {
        let mut at =
            Standpoint { active: Instant::now(), rest: 0, next: Instant::now(), failures: 0, told: None };
        loop {
            let Some(ended) = unless(how.stop, self.session(outgoing, &mut at, how)).await else {
                return Ok(self.summary);
            };
            let pause = match ended {
                Ok(()) if is_over(&at, how.linger) => return Ok(self.summary),
                Ok(()) => None,
                Err(error) if error.code() == Code::Config => return Err(error),
                Err(error) => Some(self.failed(outgoing, &mut at, how, &error)),
            };
            let waited = match pause {
                Some(pause) => unless(how.stop, tokio::time::sleep(pause)).await.map(|()| true),
                None => unless(how.stop, until_something_waits(outgoing, &at, how.linger)).await,
            };
            match waited {
                None => return Ok(self.summary),
                Some(false) if is_over(&at, how.linger) => return Ok(self.summary),
                Some(_) => {}
            }
        }
    }

    /// One connection, for as long as it is of use.
    async fn session(
        &mut self,
        outgoing: &mut dyn Outgoing,
        at: &mut Standpoint,
        how: &mut Stay<'_>,
    ) -> Result<()> {
        let connection = Connection::open(&self.settings).await?.with_deadline(self.call);
        let host = connection.host().to_string();
        let calls = Calls::new(&connection, self.ledger);
        let there = |error: Error| error.at(&host);
        let hello = Self::greet(&calls, outgoing).await.map_err(there)?;
        let pace = Duration::from_millis(u64::try_from(hello.pace_ms).unwrap_or(0));
        let mut said = false;
        let mut used = Instant::now();
        loop {
            // Before what waits is read: a line that comes after that makes a difference.
            let seen = outgoing.glance()?;
            let before = self.summary;
            self.ship_all(&calls, outgoing, &hello, said).await.map_err(there)?;
            said = true;
            at.failures = 0;
            if at.told.take().is_some() {
                (how.report)(Change::Recovered);
            }
            if self.summary != before {
                (at.active, used) = (Instant::now(), Instant::now());
                // The operator's brake for all; what was more than a batch was shipped without a pause.
                let pause = backoff::about(pace);
                if pause > KEEP {
                    // Thousands of machines that ship now and then need few connections at a time.
                    (at.rest, at.next) = (0, Instant::now() + pause);
                    return Ok(());
                }
                tokio::time::sleep(pause).await;
                continue;
            }
            at.rest = outgoing.glance()?;
            if at.rest != seen {
                continue;
            }
            while outgoing.glance()? == at.rest {
                if used.elapsed() > KEEP || is_over(at, how.linger) {
                    return Ok(());
                }
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Notes a failure. Returns how long to pause.
    fn failed(
        &self,
        outgoing: &mut dyn Outgoing,
        at: &mut Standpoint,
        how: &mut Stay<'_>,
        error: &Error,
    ) -> Duration {
        at.failures = at.failures.saturating_add(1);
        let class = super::class(error);
        let class = if class == Class::Batch { Class::Person } else { class };
        let pause = backoff::pause(class, at.failures, self.pause).unwrap_or(self.long_pause);
        // For people only; the folder may be what failed.
        let _ = outgoing.failed(error, pause);
        if at.told != Some(error.code()) {
            at.told = Some(error.code());
            (how.report)(Change::Failed(error, pause));
        }
        pause
    }
}

fn is_over(at: &Standpoint, linger: Option<Duration>) -> bool {
    linger.is_some_and(|linger| at.active.elapsed() >= linger) && Instant::now() >= at.next
}

/// Looks at the folder until something waits and may be shipped: true; or until a sign of life is due, or it has
/// lingered enough.
async fn until_something_waits(
    outgoing: &mut dyn Outgoing,
    at: &Standpoint,
    linger: Option<Duration>,
) -> bool {
    let since = Instant::now();
    loop {
        // What cannot be looked at is for the next attempt to report.
        if Instant::now() >= at.next && outgoing.glance().is_ok_and(|waiting| waiting != at.rest) {
            return true;
        }
        if since.elapsed() >= LIFE || is_over(at, linger) {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
}
