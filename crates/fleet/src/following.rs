//! A follower and its connection.
//!
//! ```text
//! something came      the next look is at once
//! nothing came        looks become rarer, up to the longest pause
//! connection lost     it is made anew, with pauses that grow; the place is kept
//! ```
//!
//! Invariant: a failure that a person has to see to ends it, as does one before the first connection: a store that was
//! never there was named wrongly, or is away.

use std::time::Duration;

use crate::connection::Connection;
use crate::error::{Class, Error, Result};
use crate::follower::{Batch, Follower};
use crate::settings::Settings;

/// Pauses between two looks, from busy to quiet: an event is given out a quarter of a second after its commit.
const LOOKS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_millis(400));
/// Pauses after failures, from the first on.
const AGAIN: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// See the head of this file.
pub struct Following {
    follower: Follower,
    connection: Option<Connection>,
    /// Whether a connection was ever made.
    ever: bool,
    quiet: Duration,
    again: Duration,
    pause: Duration,
}

/// What a look gave.
pub enum Look {
    /// What came.
    Batches(Vec<Batch>),
    /// Why the connection is made anew by the next look.
    Lost(Error),
}

impl Following {
    /// A follower that has no connection yet.
    #[must_use]
    pub fn new(follower: Follower) -> Self {
        let (ever, pause) = (false, Duration::ZERO);
        Self { follower, connection: None, ever, quiet: LOOKS.0, again: AGAIN.0, pause }
    }

    /// Looks once.
    ///
    /// # Errors
    /// Whatever ends it.
    pub async fn look(&mut self, settings: &Settings) -> Result<Look> {
        match self.attempt(settings).await {
            Ok(batches) => {
                self.again = AGAIN.0;
                if batches.is_empty() {
                    self.pause = self.quiet;
                    self.quiet = (self.quiet * 2).min(LOOKS.1);
                } else {
                    (self.pause, self.quiet) = (Duration::ZERO, LOOKS.0);
                }
                Ok(Look::Batches(batches))
            }
            Err(error) if self.ever && error.code().class() != Class::Person => {
                self.pause = self.again;
                self.again = (self.again * 2).min(AGAIN.1);
                Ok(Look::Lost(error))
            }
            Err(error) => Err(error),
        }
    }

    /// How long to wait before the next look.
    #[must_use]
    pub fn pause(&self) -> Duration {
        self.pause
    }

    async fn attempt(&mut self, settings: &Settings) -> Result<Vec<Batch>> {
        let kept = self.connection.take().filter(Connection::is_usable);
        let connection = if let Some(kept) = kept {
            kept
        } else {
            let made = Connection::open(settings).await?;
            self.follower.begin(&made).await?;
            self.ever = true;
            made
        };
        // After a failure it is not used again.
        let batches = self.follower.next(&connection).await?;
        self.connection = Some(connection);
        Ok(batches)
    }
}
