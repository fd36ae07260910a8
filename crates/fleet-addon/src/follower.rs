//! Following a shared store: what is there, then what comes, each event with a cursor.
//!
//! Invariant: once it is closed, and a pending call is settled, nothing of it is open.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event::line::{Line, Scanner};
use fleet::follower::{Batch, Follower};
use fleet::following::{Following, Look};
use fleet::reader::Wanted;
use fleet::{Result, pause, unless};
use napi::bindgen_prelude::{Either3, Env, Null, Object};
use napi_derive::napi;
use node_api::Text;

use crate::link::Link;
use crate::runtime::promise;

/// Events of all machines as they come.
#[napi]
pub struct FleetFollower {
    walk: Arc<Walk>,
}

struct Walk {
    link: Arc<Link>,
    wanted: Wanted,
    /// Taken out while it is asked; `None` once it is closed.
    state: Mutex<Option<State>>,
    closed: AtomicBool,
}

struct State {
    following: Following,
    given: VecDeque<Given>,
}

/// What is to be given out.
enum Given {
    Gap(u64),
    Events(Vec<u8>),
}

/// A text of events, a number of missed ones, or null at the end.
type Found = Either3<Text, f64, Null>;

impl State {
    /// Looks once.
    async fn look(&mut self, link: &Link, wanted: &Wanted) -> Result<()> {
        if let Look::Batches(batches) = self.following.look(&link.settings).await? {
            self.given.extend(batches.iter().flat_map(|batch| given(batch, wanted)));
        }
        Ok(())
    }
}

/// What a batch has that is wanted: `[events, tails of cursors, their head, { source, receivedAt }]`.
fn given(batch: &Batch, wanted: &Wanted) -> Vec<Given> {
    let mut all = Vec::new();
    if batch.missed > 0 {
        all.push(Given::Gap(batch.missed));
    }
    let mut scanner = Scanner::new();
    let (mut events, mut tails) = (vec![b'['], Vec::new());
    for (place, line) in batch.events.iter().enumerate() {
        if !matches!(scanner.scan(line), Line::Event(event) if wanted.takes(&event)) {
            continue;
        }
        if !tails.is_empty() {
            events.push(b',');
        }
        events.extend_from_slice(line);
        tails.push(format!("\"{}\"", batch.tail(place)));
    }
    if !tails.is_empty() {
        let received = batch.received_at.unix_ms().unwrap_or(0);
        let (tails, head, source) = (tails.join(","), batch.head(), batch.source);
        let rest = format!("],[{tails}],\"{head}\",{{\"source\":\"{source}\",\"receivedAt\":{received}}}]");
        all.push(Given::Events([&b"["[..], &events, rest.as_bytes()].concat()));
    }
    all
}

impl Walk {
    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    async fn next(&self, waits: bool) -> Result<Found> {
        let taken = self.state().take();
        let Some(mut state) = taken else { return Ok(Either3::C(Null)) };
        // A failure drops the state, and so ends it.
        let found = self.found(&mut state, waits).await?;
        let mut place = self.state();
        // A close that comes later finds it.
        *place = (!self.is_closed()).then_some(state);
        Ok(found)
    }

    async fn found(&self, state: &mut State, waits: bool) -> Result<Found> {
        loop {
            #[expect(clippy::cast_precision_loss, reason = "no counter of ours gets beyond 2^53")]
            match state.given.pop_front() {
                Some(Given::Gap(missed)) => return Ok(Either3::B(missed as f64)),
                Some(Given::Events(text)) => return Ok(Either3::A(Text(text))),
                None => {}
            }
            let closed = || self.is_closed();
            let Some(looked) = unless(&closed, state.look(&self.link, &self.wanted)).await else {
                return Ok(Either3::C(Null));
            };
            looked?;
            if !state.given.is_empty() {
                continue;
            }
            if !waits {
                return Ok(Either3::A(Text(Vec::new())));
            }
            if unless(&closed, pause(state.following.pause())).await.is_none() {
                return Ok(Either3::C(Null));
            }
        }
    }
}

impl FleetFollower {
    pub(crate) fn new(link: Arc<Link>, follower: Follower, wanted: Wanted) -> Self {
        let state = State { following: Following::new(follower), given: VecDeque::new() };
        let (state, closed) = (Mutex::new(Some(state)), AtomicBool::new(false));
        Self { walk: Arc::new(Walk { link, wanted, state, closed }) }
    }
}

#[napi]
impl FleetFollower {
    /// What comes next: the text of a JSON array of the events, what follows the beginning of each one's cursor, that
    /// beginning, and where they come from; or how many events were missed; or null once it was closed. As long as
    /// there is nothing it waits, or gives an empty text. One call at a time.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<string | number | null>")]
    pub fn next<'env>(&self, env: &'env Env, waits: bool) -> napi::Result<Object<'env>> {
        let walk = Arc::clone(&self.walk);
        promise(env, async move { walk.next(waits).await })
    }

    /// Ends it: a pending `next` settles within a tenth of a second, and then nothing is open.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let mut place = self.walk.state();
        self.walk.closed.store(true, Ordering::Release);
        *place = None;
    }
}
