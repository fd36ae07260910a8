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
use napi::bindgen_prelude::{BufferSlice, Env, Object};
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
    /// Lines that were asked for and are not taken yet. Its memory is used again.
    lines: Vec<u8>,
    begun: bool,
}

impl State {
    fn is_over(&self) -> bool {
        self.reader.is_over() && self.page.is_empty() && self.lines.is_empty()
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

    /// Makes lines of the page, each ending in a newline. Says how many bytes they have.
    fn gather(&mut self) -> usize {
        self.lines.clear();
        self.lines.reserve(self.page.iter().map(|line| line.len() + 1).sum());
        for line in self.page.drain(..) {
            self.lines.extend_from_slice(&line);
            self.lines.push(b'\n');
        }
        self.lines.len()
    }
}

impl Walk {
    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What `give` makes of the next events; `None` at the end.
    async fn next<T>(&self, give: fn(&mut State) -> T) -> Result<Option<T>> {
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
        let state = State { reader, page: VecDeque::new(), lines: Vec::new(), begun: false };
        let state = Mutex::new(Some(state));
        let (reading, closed) = (AtomicBool::new(false), AtomicBool::new(false));
        Self { walk: Arc::new(Walk { link, state, reading, closed }) }
    }

    fn ask<'env, T: Send + 'static, U: Send + napi::bindgen_prelude::ToNapiValue + 'static>(
        &self,
        env: &'env Env,
        give: fn(&mut State) -> T,
        made: fn(T) -> U,
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

    /// How many bytes the next lines have, which `take_lines` gives; null at the end. One call at a time.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(catch_unwind, ts_return_type = "Promise<number | null>")]
    pub fn next_lines<'env>(&self, env: &'env Env) -> napi::Result<Object<'env>> {
        self.ask(env, State::gather, |length| u32::try_from(length).unwrap_or(u32::MAX))
    }

    /// Copies the lines that the last `next_lines` found, each ending in a newline, to a place of just that length.
    ///
    /// # Errors
    /// If there are none of that length.
    #[napi(catch_unwind)]
    pub fn take_lines(&self, mut place: BufferSlice<'_>) -> napi::Result<()> {
        let mut held = self.walk.state();
        let lines = held.as_mut().map(|state| &mut state.lines).filter(|lines| lines.len() == place.len());
        let lines = lines.ok_or_else(|| napi::Error::from_reason("there are no such lines"))?;
        place.copy_from_slice(lines);
        lines.clear();
        if held.as_ref().is_some_and(State::is_over) {
            *held = None;
        }
        Ok(())
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
