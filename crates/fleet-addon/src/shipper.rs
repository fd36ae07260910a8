//! A thread that ships what JavaScript hands it, out of the first addon.
//!
//! ```text
//! this thread   wants something of the folder: calls a JavaScript function with a name and arguments, and waits
//! JavaScript    asks the first addon, and calls `answer` with what that says
//! ```
//!
//! Invariant: one question is open at a time. The function does not keep the program alive: it may end in the middle of a
//! batch, which is offered again. The thread ends when it is stopped, or when the JavaScript that answers it has ended.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fleet::shipper::{Change, Limits, Load, Outgoing, Piece, Place, Shipper, Standing, Stay, Summary};
use fleet::{Code, Error, Result};
use napi::Status;
use napi::bindgen_prelude::{Buffer, Either3, Env, FnArgs, Function, Object};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use uuid::Uuid;

use crate::link::Link;
use crate::runtime::to_js;

type Argument = Either3<String, f64, Buffer>;
type Asked = FnArgs<(String, Vec<Argument>)>;
type Ask = ThreadsafeFunction<Asked, (), Asked, Status, false, true>;

/// What the folder says: the fields that the question asks for, or an error.
#[napi(object)]
#[derive(Default)]
pub struct FleetReply {
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
    /// Lines joined by newlines.
    pub lines: Option<Buffer>,
    /// The part that each stands in.
    pub parts: Option<Vec<f64>>,
    /// Where the next one begins.
    pub ends: Option<Vec<f64>>,
    /// Whether they may have been shipped before.
    pub offered_before: Option<bool>,
    /// How many bytes wait.
    pub bytes: Option<f64>,
    /// What failed.
    pub error: Option<String>,
}

/// What a shipper did.
#[napi(object)]
pub(crate) struct FleetShipped {
    /// New events in the store.
    pub stored: f64,
    /// Events that were there.
    pub repeated: f64,
    /// Events that the store's retention has passed.
    pub late: f64,
    /// Events that the store refuses, set aside in the folder.
    pub set_aside: f64,
}

impl From<Summary> for FleetShipped {
    fn from(Summary { stored, repeated, late, set_aside }: Summary) -> Self {
        Self {
            stored: number(stored),
            repeated: number(repeated),
            late: number(late),
            set_aside: number(set_aside),
        }
    }
}

/// An integer as JavaScript's number; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "no counter of ours gets beyond 2^53")]
fn number(whole: u64) -> f64 {
    whole as f64
}

/// What an integer of JavaScript is; what cannot be one saturates.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
fn whole(number: f64) -> u64 {
    number as u64
}

/// The folder, by way of JavaScript.
struct Remote {
    ask: Arc<Ask>,
    replies: Receiver<FleetReply>,
    stop: Arc<AtomicBool>,
}

impl Remote {
    fn ask(&self, name: &str, arguments: Vec<Argument>) -> Result<FleetReply> {
        let ended = || {
            self.stop.store(true, Ordering::Release);
            Error::new(Code::Local, "the program ends")
        };
        let asked = FnArgs::from((name.to_owned(), arguments));
        if self.ask.call(asked, ThreadsafeFunctionCallMode::NonBlocking) != Status::Ok {
            return Err(ended());
        }
        let reply = self.replies.recv().map_err(|_| ended())?;
        match reply.error {
            Some(error) => Err(Error::new(Code::Local, error)),
            None => Ok(reply),
        }
    }

    fn bytes(&self, name: &str) -> Result<u64> {
        Ok(whole(self.ask(name, Vec::new())?.bytes.unwrap_or(0.0)))
    }
}

fn text(id: Option<Uuid>) -> Argument {
    Either3::A(id.map_or_else(String::new, |id| id.simple().to_string()))
}

fn count(number_: u64) -> Argument {
    Either3::B(number(number_))
}

fn id(text: Option<&String>) -> Option<Uuid> {
    text.and_then(|text| Uuid::try_parse(text).ok())
}

impl Outgoing for Remote {
    fn standing(&mut self) -> Result<Standing> {
        let said = self.ask("standing", Vec::new())?;
        let source = id(said.source.as_ref())
            .ok_or_else(|| Error::new(Code::Local, "the folder has no name of its own"))?;
        Ok(Standing {
            source,
            store: id(said.store.as_ref()),
            last: id(said.last.as_ref()),
            in_flight: id(said.in_flight.as_ref()),
        })
    }

    fn aside(&mut self) -> Result<Option<u64>> {
        Ok(self.ask("standing", Vec::new())?.aside.map(whole))
    }

    fn begin_anew(&mut self, store: Uuid, source: Option<Uuid>) -> Result<()> {
        self.ask("beginAnew", vec![text(Some(store)), text(source)]).map(drop)
    }

    fn next(&mut self, limits: &Limits) -> Result<Option<Load>> {
        let size = |size: usize| count(u64::try_from(size).unwrap_or(u64::MAX));
        let limits = vec![size(limits.events), size(limits.bytes), size(limits.longest)];
        let found = self.ask("next", limits)?;
        let Some(lines) = found.lines else { return Ok(None) };
        let places = found.parts.unwrap_or_default().into_iter().zip(found.ends.unwrap_or_default());
        let pieces = lines.split(|&byte| byte == b'\n').zip(places).map(|(line, (part, end))| Piece {
            line: line.to_vec(),
            end: Place { part: whole(part), offset: whole(end) },
        });
        let offered_before = found.offered_before.unwrap_or(true);
        Ok(Some(Load { pieces: pieces.collect(), offered_before }))
    }

    fn sending(&mut self, token: Uuid) -> Result<()> {
        self.ask("sending", vec![text(Some(token))]).map(drop)
    }

    fn shipped(&mut self, upto: Option<Place>, token: Option<Uuid>) -> Result<()> {
        let (part, end) = upto.map_or((0.0, -1.0), |place| (number(place.part), number(place.offset)));
        self.ask("shipped", vec![Either3::B(part), Either3::B(end), text(token)]).map(drop)
    }

    fn set_aside(&mut self, line: &[u8], upto: Place) -> Result<()> {
        let line = Either3::C(Buffer::from(line));
        self.ask("setAside", vec![line, count(upto.part), count(upto.offset)]).map(drop)
    }

    fn pending(&mut self) -> Result<u64> {
        self.bytes("pending")
    }

    fn glance(&mut self) -> Result<u64> {
        self.bytes("glance")
    }

    fn arrived(&mut self, stored: u64, repeated: u64) -> Result<()> {
        self.ask("arrived", vec![count(stored), count(repeated)]).map(drop)
    }

    fn failed(&mut self, error: &Error, next: Duration) -> Result<()> {
        let next = u64::try_from(next.as_millis()).unwrap_or(u64::MAX);
        self.ask("failed", vec![Either3::A(error.code().name().to_owned()), count(next)]).map(drop)
    }
}

/// Ships a folder. One use for each object.
#[napi]
pub struct FleetShipper {
    link: Arc<Link>,
    host: String,
    /// Gone once the object is: then the thread ends.
    replies: Mutex<Option<Sender<FleetReply>>>,
    stop: Arc<AtomicBool>,
}

impl FleetShipper {
    pub(crate) fn new(link: Arc<Link>, host: String) -> Self {
        Self { link, host, replies: Mutex::default(), stop: Arc::default() }
    }

    fn remote(&self, ask: Function<'_, Asked, ()>) -> napi::Result<Remote> {
        let ask = ask
            .build_threadsafe_function()
            .weak::<true>()
            .callee_handled::<false>()
            .build_callback(|context| Ok(context.value))?;
        let (sender, replies) = channel();
        *self.replies.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Ok(Remote { ask: Arc::new(ask), replies, stop: Arc::clone(&self.stop) })
    }

    /// Runs `work` with a shipper, on a thread of its own, since it waits for JavaScript.
    fn start(&self, work: impl FnOnce(&mut Shipper<'_>) + Send + 'static) -> Result<()> {
        let (link, host) = (Arc::clone(&self.link), self.host.clone());
        let run = move || {
            let host = (!host.is_empty()).then_some(host);
            work(&mut Shipper::new(link.settings.clone(), &link.ledger, host, link.label.clone()));
        };
        let thread = std::thread::Builder::new().name("guidance-ship".to_owned());
        let refused = |_| Error::new(Code::Local, "the system refuses another thread");
        thread.spawn(run).map(drop).map_err(refused)
    }
}

#[napi]
impl FleetShipper {
    /// Ships all that waits. What passes by itself is tried again for `patience_ms`. Keeps the program alive.
    ///
    /// # Errors
    /// If no promise can be made.
    #[napi(
        catch_unwind,
        ts_args_type = "ask: (name: string, args: (string | number | Buffer)[]) => void, patienceMs: number",
        ts_return_type = "Promise<FleetShipped>"
    )]
    pub fn once<'env>(
        &self,
        env: &'env Env,
        ask: Function<'_, Asked, ()>,
        patience_ms: f64,
    ) -> napi::Result<Object<'env>> {
        let mut remote = self.remote(ask)?;
        let (deferred, promise) = env.create_deferred()?;
        let stop = Arc::clone(&self.stop);
        let patience = Duration::from_millis(whole(patience_ms));
        let started = self.start(move |shipper| {
            let asked = || stop.load(Ordering::Acquire);
            let ended = fleet::run(fleet::unless(&asked, shipper.once(&mut remote, patience)));
            let summary = shipper.summary();
            deferred.resolve(move |env: Env| match ended {
                Ok(Some(Err(error))) | Err(error) => Err(to_js(env, &error)),
                Ok(Some(Ok(_)) | None) => Ok(FleetShipped::from(summary)),
            });
        });
        started.map_err(|error| to_js(*env, &error))?;
        Ok(promise)
    }

    /// Ships what waits and what comes, until it is stopped. Beside the folder's questions, `ask` is called with
    /// `failing` and a code, a message and milliseconds to the next attempt; with `recovered`; and at last with
    /// `ended`, and a code and a message if a failure ended it. These want no answer.
    ///
    /// # Errors
    /// If no thread can be had.
    #[napi(catch_unwind, ts_args_type = "ask: (name: string, args: (string | number | Buffer)[]) => void")]
    pub fn stay(&self, env: Env, ask: Function<'_, Asked, ()>) -> napi::Result<()> {
        let mut remote = self.remote(ask)?;
        let ask = Arc::clone(&remote.ask);
        let stop = Arc::clone(&self.stop);
        let started = self.start(move |shipper| {
            let say = |name: &str, arguments: Vec<Argument>| {
                // Who does not listen any more does not want to know.
                let _ = ask.call(
                    FnArgs::from((name.to_owned(), arguments)),
                    ThreadsafeFunctionCallMode::NonBlocking,
                );
            };
            let words = |error: &Error| {
                vec![Either3::A(error.code().name().to_owned()), Either3::A(error.to_string())]
            };
            let mut how = Stay {
                linger: None,
                stop: &|| stop.load(Ordering::Acquire),
                report: &mut |change| match change {
                    Change::Failed(error, pause) => {
                        let mut words = words(error);
                        words.push(count(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX)));
                        say("failing", words);
                    }
                    Change::Recovered => say("recovered", Vec::new()),
                },
            };
            let ended = fleet::run(shipper.stay(&mut remote, &mut how));
            say("ended", ended.and_then(|ended| ended).err().iter().flat_map(words).collect());
        });
        started.map_err(|error| to_js(env, &error))
    }

    /// What the folder says to the last question.
    #[napi(catch_unwind)]
    pub fn answer(&self, reply: FleetReply) {
        let replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(replies) = &*replies {
            // A thread that has ended wants no answer.
            let _ = replies.send(reply);
        }
    }

    /// Ends it, in the middle of whatever it does. What is in flight may arrive, and is known when it is offered again.
    #[napi(catch_unwind)]
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }
}
