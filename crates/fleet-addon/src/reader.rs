//! Reading a shared store: pages from the server, cut into slices that parse in a moment.
//!
//! Invariant: memory is bounded by two pages and what is pending. No connection is held between two pages. Once it is
//! closed, and a pending call is settled, nothing of it is open.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fleet::reader::Reader;
use fleet::{Class, Result, pause};
use napi::bindgen_prelude::{Buffer, Env, Object};
use napi_derive::napi;
use node_api::Text;

use crate::link::Link;
use crate::runtime::promise;

/// A slice of so much text parses in half a millisecond.
const SLICE: usize = 64 << 10;
/// So often a page is asked for again, with twice the pause each time. The first page is not: a store that was never
/// there was named wrongly, or is away.
const AGAIN: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);

/// A walk through a shared store.
#[napi]
pub struct FleetReader {
    walk: Arc<Walk>,
}

struct Walk {
    link: Arc<Link>,
    /// Taken out while it is read; `None` at the end, and once it is closed.
    state: Mutex<Option<State>>,
    reading: AtomicBool,
    closed: AtomicBool,
}

struct State {
    reader: Reader,
    page: VecDeque<Vec<u8>>,
    begun: bool,
}

impl State {
    fn is_over(&self) -> bool {
        self.reader.is_over() && self.page.is_empty()
    }

    /// Sees to it that there are events, unless it is over.
    async fn fill(&mut self, link: &Arc<Link>) -> Result<()> {
        let mut failures = 0;
        while self.page.is_empty() && !self.reader.is_over() {
            let page = match link.lease().await {
                Ok(lease) => self.reader.next(&lease).await,
                Err(error) => Err(error),
            };
            match page {
                Ok(page) => self.page = page.unwrap_or_default().into(),
                Err(error) if !self.begun || error.code().class() != Class::Passing || failures == AGAIN => {
                    return Err(error);
                }
                Err(_) => {
                    pause(PAUSE * 2_u32.pow(failures)).await;
                    failures += 1;
                    continue;
                }
            }
            self.begun = true;
        }
        Ok(())
    }

    /// The text of a JSON array of the next events.
    fn slice(&mut self) -> Vec<u8> {
        let mut text = vec![b'['];
        while let Some(event) = self.page.front() {
            if text.len() > 1 {
                if text.len() + event.len() > SLICE {
                    break;
                }
                text.push(b',');
            }
            text.extend_from_slice(event);
            self.page.pop_front();
        }
        text.push(b']');
        text
    }

    /// The lines of the page, each ending in a newline.
    fn lines(&mut self) -> Vec<u8> {
        let mut lines = Vec::with_capacity(self.page.iter().map(|line| line.len() + 1).sum());
        for line in self.page.drain(..) {
            lines.extend_from_slice(&line);
            lines.push(b'\n');
        }
        lines
    }
}

impl Walk {
    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `give` makes of the next events; `None` at the end.
    async fn next(&self, give: fn(&mut State) -> Vec<u8>) -> Result<Option<Vec<u8>>> {
        let taken = self.state().take();
        let Some(mut state) = taken else { return Ok(None) };
        state.fill(&self.link).await?;
        let given = (!state.page.is_empty()).then(|| give(&mut state));
        if !state.is_over() {
            let mut place = self.state();
            // A close that comes later finds it.
            *place = (!self.closed.load(Ordering::Acquire)).then_some(state);
        }
        Ok(given)
    }
}

impl FleetReader {
    pub(crate) fn new(link: Arc<Link>, reader: Reader) -> Self {
        let state = State { reader, page: VecDeque::new(), begun: false };
        let state = Mutex::new(Some(state));
        let (reading, closed) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { walk: Arc::new(Walk { link, state, reading, closed }) }
    }

    fn ask<'env, T: Send + napi::bindgen_prelude::ToNapiValue + 'static>(
        &self,
        env: &'env Env,
        give: fn(&mut State) -> Vec<u8>,
        made: fn(Vec<u8>) -> T,
    ) -> napi::Result<Object<'env>> {
        let walk = Arc::clone(&self.walk);
        walk.reading.store(true, Ordering::Release);
        promise(env, async move {
            let given = walk.next(give).await;
            walk.reading.store(false, Ordering::Release);
            given.map(|given| given.map(made))
        })
    }
}

#[napi]
impl FleetReader {
    /// The next slice: text of a JSON array of events; null at the end. One call at a time.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<string | null>")]
    pub fn next<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.ask(env, State::slice, Text)
    }

    /// The next lines, each ending in a newline; null at the end. One call at a time.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<Buffer | null>")]
    pub fn next_lines<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.ask(env, State::lines, Buffer::from)
    }

    /// Whether the last slice was handed out. Not while a call is pending.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn over(&self) -> bool {
        !self.walk.reading.load(Ordering::Acquire) && self.walk.state().is_none()
    }

    /// Ends the walk, at the latest when a pending call is done.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        let mut place = self.walk.state();
        self.walk.closed.store(true, Ordering::Release);
        *place = None;
    }
}
