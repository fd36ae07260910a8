//! One reader that follows the log.
//!
//! Between two looks it holds the log open, so that what replaces the log takes nothing away that was not read: the old
//! log is read to its end first.
//!
//! Invariant: a call that fails has changed nothing that the next one needs.

use std::sync::Arc;
use std::time::Duration;

use event::line::{Event, Line, Scanner, Task};

use crate::disk::lines::{end_of_lines, for_each_line};
use crate::disk::{File, FileId, Stat};
use crate::error::Result;
use crate::folder::Folder;
use crate::follow::cursor::Last;
use crate::follow::given::Given;
use crate::follow::seen::{Gap, Seen, Start};
use crate::follow::track::{Level, Track};
use crate::follow::watch::Bell;
use crate::hints::moves::Moves;
use crate::paths::LOG;
use crate::store::Store;
use crate::wait::patience::Ending;

/// About how long a slice is; see `reader.rs`.
const SLICE: usize = 64 << 10;

/// What a look finds.
pub enum News {
    /// Events that were not given out before.
    Events(Given),
    /// So many events went before they were seen; `None` if it cannot be known how many.
    Gap(Option<u64>),
    /// Nothing new.
    Nothing,
}

/// See the head of this file.
pub struct Follower {
    folder: Folder,
    /// The task that is asked for.
    task: Option<Vec<u8>>,
    bell: Arc<Bell>,
    /// The log of a start with what comes, and its length then.
    now: Option<(Box<dyn File>, Stat)>,
    /// The present log, while it is open.
    log: Option<(Box<dyn File>, FileId)>,
    seen: Seen,
    malformed: u64,
    /// How much of the log was there at the last look, if that was read.
    size: Option<u64>,
    /// When it was last looked which log there is.
    looked: Duration,
}

impl Follower {
    /// A reader of a store's log, of one task if one is given. Looks at the log once if it begins now.
    #[must_use]
    pub fn new(store: &Store, start: Start, task: Option<Vec<u8>>) -> Self {
        let folder = store.folder().clone();
        let now = match start {
            Start::Now => {
                folder.open_log().ok().flatten().and_then(|log| log.stat().ok().map(|stat| (log, stat)))
            }
            _ => None,
        };
        let bell = Bell::new(&folder);
        Self {
            seen: Seen::new(&folder, start, task.is_none()),
            task,
            bell,
            now,
            log: None,
            malformed: 0,
            size: None,
            looked: folder.monotonic(),
            folder,
        }
    }

    /// A reader that begins behind a place of an open log, where a line ends.
    ///
    /// # Errors
    /// Whatever `fstat` says.
    pub fn behind(store: &Store, log: Box<dyn File>, place: u64) -> Result<Self> {
        let mut follower = Self::new(store, Start::Beginning, None);
        let stat = log.stat().map_err(|error| follower.failed(&error))?;
        follower.now = Some((log, Stat { size: place, ..stat }));
        Ok(follower)
    }

    /// How many lines were met since the last call that are neither events nor blank.
    pub fn take_malformed(&mut self) -> u64 {
        std::mem::take(&mut self.malformed)
    }

    /// Waits until another look is due. `seen` is the count of the bell before the last one.
    pub fn wait(&self, seen: u64) {
        self.bell.wait(&self.folder, seen);
    }

    /// What wakes a reader that waits, and ends it.
    #[must_use]
    pub fn bell(&self) -> Arc<Bell> {
        Arc::clone(&self.bell)
    }

    /// Waits until there is something; `None` once the reader, or what `ending` stands for, was ended.
    ///
    /// # Errors
    /// Whatever reading says. The reader may be asked again.
    pub fn next(&mut self, ending: &Ending) -> Result<Option<News>> {
        loop {
            let seen = self.bell.count();
            if self.bell.is_over() || ending.has_come() {
                self.log = None;
                return Ok(None);
            }
            match self.poll()? {
                News::Nothing => self.wait(seen),
                news => return Ok(Some(news)),
            }
        }
    }

    /// Looks once.
    ///
    /// # Errors
    /// Whatever reading says. The reader may be asked again.
    pub fn poll(&mut self) -> Result<News> {
        let news = self.find_news();
        if cfg!(windows) {
            // Where an open file cannot be replaced, it is not kept open.
            self.log = None;
            self.size = None;
        }
        news
    }

    fn find_news(&mut self) -> Result<News> {
        self.begin_now()?;
        // The end of a log that was replaced, as far as it is to be read there.
        let mut end = None;
        loop {
            if let Some(missed) = self.seen.gap.take() {
                return Ok(News::Gap(missed.0));
            }
            let named = self.folder.stat(LOG).map_err(|error| self.folder.failed("stat", LOG, &error))?;
            let present = self.log.as_ref().map(|(_, id)| *id);
            let replaced = match (named, present) {
                (None, _) => None,
                (Some(stat), Some(id)) if stat.id == id => {
                    if self.size == Some(stat.size) {
                        self.looked = self.folder.monotonic();
                        return Ok(News::Nothing);
                    }
                    None
                }
                (Some(_), _) => Some(()),
            };
            if self.log.is_some() {
                if replaced.is_some() && end.is_none() {
                    end = Some(self.end_of_replaced()?);
                }
                if let Some(given) = self.read(end)? {
                    return Ok(News::Events(given));
                }
                if self.seen.gap.is_some() {
                    continue;
                }
            }
            if replaced.is_none() {
                self.looked = self.folder.monotonic();
                return Ok(News::Nothing);
            }
            let Some(log) = self.folder.open_log()? else { continue };
            let stat = log.stat().map_err(|error| self.failed(&error))?;
            let now = self.folder.monotonic();
            let old = self.log.as_ref().map(|(old, _)| &**old);
            self.seen.enter(old, &*log, &stat, now.saturating_sub(self.looked))?;
            self.log = Some((log, stat.id));
            self.size = None;
            self.looked = self.folder.monotonic();
            end = None;
        }
    }

    /// A start with what comes: behind the whole lines that were there at the call.
    fn begin_now(&mut self) -> Result<()> {
        let Some((log, stat)) = &self.now else { return Ok(()) };
        let end = end_of_lines(&**log, 0, stat.size).map_err(|error| self.failed(&error))?;
        if log.size().map_err(|error| self.failed(&error))? < stat.size {
            // It was cut since then.
            self.seen.gap = Some(Gap(None));
        }
        let name = Moves::load(&self.folder).name_of(&**log, stat).map_err(|error| self.failed(&error))?;
        self.seen.track = Some(Track::new(Level { offset: end, ..Level::new(name) }));
        self.seen.number = (end == 0).then_some(0);
        self.log = self.now.take().map(|(log, stat)| (log, stat.id));
        self.seen.start = None;
        Ok(())
    }

    fn failed(&self, error: &std::io::Error) -> crate::Error {
        self.folder.failed("read", LOG, error)
    }

    /// How far the log that was read is to be read still, now that another has its name: what came later comes into
    /// that one too.
    fn end_of_replaced(&self) -> Result<u64> {
        let (Some((old, _)), Some(track)) = (&self.log, &self.seen.track) else { return Ok(0) };
        let Some(new) = self.folder.open_log()? else { return Ok(u64::MAX) };
        let moves = Moves::load(&self.folder);
        let name_of = |log: &dyn File| log.stat().and_then(|stat| moves.name_of(log, &stat));
        let old = name_of(&**old).map_err(|error| self.failed(&error))?;
        let new = name_of(&*new).map_err(|error| self.failed(&error))?;
        let chain = moves.chain(old, new, track.top().offset);
        Ok(chain.as_deref().and_then(<[_]>::first).map_or(u64::MAX, |made| made.upto))
    }

    /// Events behind the place that was read up to, and before `end`. `None` if there are none; then all whole lines
    /// were read.
    fn read(&mut self, end: Option<u64>) -> Result<Option<Given>> {
        let Some((log, _)) = &self.log else { return Ok(None) };
        let stat = log.stat().map_err(|error| self.failed(&error))?;
        let size = stat.size;
        if self.seen.track.as_ref().is_none_or(|track| size < track.top().offset) {
            // It was cut, which no program may do.
            let Some((log, id)) = self.log.take() else { return Ok(None) };
            let name =
                Moves::load(&self.folder).name_of(&*log, &stat).map_err(|error| self.failed(&error))?;
            self.seen.doubt(&*log, &stat, name)?;
            self.log = Some((log, id));
            return Ok(None);
        }
        let limit = end.map_or(size, |end| end.min(size));
        let mut step = SLICE as u64;
        loop {
            let Some(position) = self.seen.track.as_ref().map(|track| track.top().offset) else {
                return Ok(None);
            };
            if position >= limit {
                break;
            }
            let upto = limit.min(position.saturating_add(step));
            let Some((given, whole)) = self.read_lines(position, upto)? else { return Ok(None) };
            if whole == position {
                if upto == limit {
                    break;
                }
                // A line longer than the step.
                step = step.saturating_mul(2);
            } else if let Some(track) = &mut self.seen.track {
                track.top_mut().offset = whole;
                let now = self.folder.monotonic();
                track.forget_passed(self.seen.late.expects_any(whole, now));
            }
            if !given.is_empty() {
                return Ok(Some(given));
            }
        }
        self.size = end.is_none().then_some(size);
        Ok(None)
    }

    /// The events of the whole lines of a range that are to be given out, and where these lines end.
    fn read_lines(&mut self, from: u64, to: u64) -> Result<Option<(Given, u64)>> {
        let Some((log, _)) = &self.log else { return Ok(None) };
        self.seen.name_log(&**log)?;
        let Self { folder, seen, task, .. } = self;
        let Some(track) = &seen.track else { return Ok(None) };
        let late = &mut seen.late;
        let expects = late.expects_any(from, folder.monotonic());
        let (mut given, mut scanner) = (Given::new(track, folder.boot()), Scanner::new());
        let (mut number, mut newest, mut last) = (seen.number, seen.newest, seen.last);
        let (mut taken, mut malformed) = (Vec::new(), 0);
        let walked = for_each_line(&**log, from, to, |offset, line| {
            let event = match scanner.scan(line) {
                Line::Event(event) => event,
                Line::Malformed => {
                    malformed += 1;
                    return;
                }
                Line::Blank => return,
            };
            number = number.map(|number| number + 1);
            let was_seen = if offset < late.limit {
                late.take(&event, &mut taken)
            } else {
                track.has_seen(offset, event.timestamp) || (expects && late.take(&event, &mut taken))
            };
            if was_seen || !is_of(&event, task.as_deref()) {
                return;
            }
            newest = event.timestamp.filter(|time| time.is_finite()).map_or(newest, |time| newest.max(time));
            let this = Last::new(line, offset + line.len() as u64 + 1, &event, newest, number);
            given.add(&event, &this);
            last = Some(this);
        });
        match walked {
            Ok(walked) => {
                (seen.number, seen.newest, seen.last) = (number, newest, last);
                self.malformed += malformed;
                Ok(Some((given, walked.whole)))
            }
            Err(error) => {
                late.put_back(taken);
                Err(folder.failed("read", LOG, &error))
            }
        }
    }
}

/// Whether an event is of the task that is asked for.
fn is_of(event: &Event<'_>, task: Option<&[u8]>) -> bool {
    match (task, &event.task) {
        (None, _) => true,
        (Some(task), Task::Str(id)) => *id.decode() == *task,
        (Some(_), _) => false,
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.bell.end();
    }
}
