//! What waits in a folder for a shared store, for the shipper of the other addon.
//!
//! The calls are those of the engine, one for one; ids cross as 32 hexadecimal digits, empty for none.
//!
//! Invariant: as long as this is open no other process ships the folder; once it is closed, one can.

use std::sync::{Arc, Mutex, PoisonError};

use napi::bindgen_prelude::{Buffer, Env, Object, Result};
use napi_derive::napi;
use store::{Lines, Most};

use crate::process::background;
use crate::store_core::values::{number, whole};
use crate::task::on_lane;

/// What the folder says: the fields that the question asks for. One kind for all, since each costs the addon 15 kB.
#[napi(object)]
#[derive(Default)]
pub(crate) struct OutgoingReply {
    /// Its name among the sources of a store.
    pub source: Option<String>,
    /// The store that it has shipped to; empty for none. So with the other ids.
    pub store: Option<String>,
    /// The token of the newest batch that was acknowledged.
    pub last: Option<String>,
    /// The token of a batch that may have arrived.
    pub in_flight: Option<String>,
    /// Events that were set aside so far.
    pub aside: Option<f64>,
    /// Lines in their order, joined by newlines.
    pub lines: Option<Buffer>,
    /// The part of the folder that each stands in.
    pub parts: Option<Vec<f64>>,
    /// Where the next one begins.
    pub ends: Option<Vec<f64>>,
    /// Whether they may have been shipped before.
    pub offered_before: Option<bool>,
    /// How many bytes wait.
    pub bytes: Option<f64>,
}

type Call = Box<dyn FnOnce(&mut store::Outgoing) -> store::Result<OutgoingReply> + Send>;

/// The one shipper of a folder.
#[napi]
pub struct Outgoing {
    place: Arc<Mutex<Option<store::Outgoing>>>,
    path: String,
}

fn hex(id: u128) -> String {
    if id == 0 { String::new() } else { format!("{id:032x}") }
}

fn id(hex: &str) -> u128 {
    u128::from_str_radix(hex, 16).unwrap_or(0)
}

fn done((): ()) -> OutgoingReply {
    OutgoingReply::default()
}

fn bytes(waiting: u64) -> OutgoingReply {
    OutgoingReply { bytes: Some(number(waiting)), ..OutgoingReply::default() }
}

impl Outgoing {
    pub(crate) fn new(outgoing: store::Outgoing, path: String) -> Self {
        Self { place: Arc::new(Mutex::new(Some(outgoing))), path }
    }

    fn ask<'env>(&self, env: &'env Env, call: Call) -> Result<Object<'env>> {
        let (place, path) = (Arc::clone(&self.place), self.path.clone());
        on_lane(env, &background().patient, move || {
            let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
            match place.as_mut() {
                Some(outgoing) => call(outgoing),
                None => Err(store::Error::Closed { path }),
            }
        })
    }
}

#[napi]
impl Outgoing {
    /// What is noted.
    ///
    /// # Errors
    /// If no promise can be made; so with all others.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn standing<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let call = |outgoing: &mut store::Outgoing| {
            let noted = outgoing.noted()?;
            Ok(OutgoingReply {
                source: Some(hex(noted.source)),
                store: Some(hex(noted.store)),
                last: Some(hex(noted.last)),
                in_flight: Some(hex(noted.in_flight)),
                aside: Some(number(noted.set_aside)),
                ..OutgoingReply::default()
            })
        };
        self.ask(env, Box::new(call))
    }

    /// Notes that nothing is shipped to this store yet; under another name, unless that is empty.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn begin_anew<'env>(&self, env: &'env Env, store: String, source: String) -> Result<Object<'env>> {
        self.ask(env, Box::new(move |outgoing| outgoing.begin_anew(id(&store), id(&source)).map(done)))
    }

    /// The lines that wait, if any do: so many events at most, none added behind so many bytes, longer ones set aside.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn next<'env>(&self, env: &'env Env, events: f64, bytes: f64, longest: f64) -> Result<Object<'env>> {
        let size = |number| usize::try_from(whole(number)).unwrap_or(usize::MAX);
        let most = Most { events: size(events), bytes: size(bytes), longest: size(longest) };
        let call = move |outgoing: &mut store::Outgoing| {
            let Some(Lines { lines, offered_before }) = outgoing.next(&most)? else { return Ok(done(())) };
            let texts: Vec<&[u8]> = lines.iter().map(|line| line.line.as_slice()).collect();
            Ok(OutgoingReply {
                lines: Some(texts.join(&b'\n').into()),
                parts: Some(lines.iter().map(|line| number(line.part)).collect()),
                ends: Some(lines.iter().map(|line| number(line.end)).collect()),
                offered_before: Some(offered_before),
                ..OutgoingReply::default()
            })
        };
        self.ask(env, Box::new(call))
    }

    /// Notes a token before its batch is sent.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn sending<'env>(&self, env: &'env Env, token: String) -> Result<Object<'env>> {
        self.ask(env, Box::new(move |outgoing| outgoing.sending(id(&token)).map(done)))
    }

    /// Notes how far all is shipped (an end below 0: no further than before), and the token that was acknowledged,
    /// unless that is empty.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn shipped<'env>(&self, env: &'env Env, part: f64, end: f64, token: String) -> Result<Object<'env>> {
        let upto = (end >= 0.0).then(|| (whole(part), whole(end)));
        self.ask(env, Box::new(move |outgoing| outgoing.shipped(upto, id(&token)).map(done)))
    }

    /// Sets a line aside, durably, and notes the place behind it.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn set_aside<'env>(&self, env: &'env Env, line: Buffer, part: f64, end: f64) -> Result<Object<'env>> {
        let (line, part, end) = (line.to_vec(), whole(part), whole(end));
        self.ask(env, Box::new(move |outgoing| outgoing.set_aside(&line, part, end).map(done)))
    }

    /// How many bytes wait.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn pending<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.ask(env, Box::new(|outgoing| outgoing.pending().map(bytes)))
    }

    /// The same by a look that takes no lock.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn glance<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        self.ask(env, Box::new(|outgoing| outgoing.glance().map(bytes)))
    }

    /// Counts events that have arrived.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn arrived<'env>(&self, env: &'env Env, stored: f64, repeated: f64) -> Result<Object<'env>> {
        self.ask(env, Box::new(move |outgoing| outgoing.arrived(whole(stored), whole(repeated)).map(done)))
    }

    /// Notes that an attempt failed, by which name, and in how many milliseconds the next one is due.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<OutgoingReply>")]
    pub fn failed<'env>(&self, env: &'env Env, name: String, next_in_ms: f64) -> Result<Object<'env>> {
        self.ask(env, Box::new(move |outgoing| outgoing.failed(&name, whole(next_in_ms)).map(done)))
    }

    /// Gives the place up, once the call that is under way has ended.
    ///
    /// # Errors
    /// See `standing`.
    #[napi(catch_unwind, ts_return_type = "Promise<void>")]
    pub fn close<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let place = Arc::clone(&self.place);
        on_lane(env, &background().patient, move || {
            *place.lock().unwrap_or_else(PoisonError::into_inner) = None;
            Ok(())
        })
    }
}
