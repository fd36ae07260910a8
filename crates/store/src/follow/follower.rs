//! One reader that follows the log.
//!
//! Between two looks it holds the log open, so that what replaces the log takes nothing away that was not read: the old
//! log is read to its end first. Then `.events.moves` says what of the new log was seen. Where it does not:
//!
//! - A program replaced the log, and the old one is still open: the lines of the two are compared.
//! - A cursor of a log that is gone: what is not newer than all that was given out may have been, and is left out. That
//!   is a gap.
//!
//! Invariant: a call that fails has changed nothing that the next one needs.

use std::sync::Arc;
use std::time::Duration;

use event::line::{Event, Line, Scanner, Task};

use crate::disk::bytes::{end_of_lines, for_each_line};
use crate::disk::{File, FileId, Stat};
use crate::error::Result;
use crate::folder::Folder;
use crate::follow::cursor::{Cursor, Last, stable_key};
use crate::follow::given::Given;
use crate::follow::late::LateLines;
use crate::follow::track::{Level, Since, Track};
use crate::follow::watch::Bell;
use crate::hints::moves::{LogName, Move, Moves};
use crate::paths::LOG;
use crate::store::Store;
use crate::wait::patience::Ending;

/// About how long a slice is; see `reader.rs`.
const SLICE: usize = 64 << 10;
/// Between two looks that are no further apart a program replaces the log once.
const PROMPT: Duration = Duration::from_secs(1);

/// Where a reader begins.
#[derive(Clone, PartialEq, Debug)]
pub enum Start {
    /// At the first event.
    Beginning,
    /// With what comes.
    Now,
    /// With the events that are there and not older than this, then with what comes.
    Time(f64),
    /// Behind the event of this cursor.
    After(Box<Cursor>),
}

/// What a look finds.
pub enum News {
    /// Events that were not given out before.
    Events(Given),
    /// So many events went before they were seen; `None` if it cannot be known how many.
    Gap(Option<u64>),
    /// Nothing new.
    Nothing,
}

/// So many events were missed; `None` if it cannot be known how many.
struct Gap(Option<u64>);

/// See the head of this file.
pub struct Follower {
    folder: Folder,
    /// The task that is asked for.
    task: Option<Vec<u8>>,
    bell: Arc<Bell>,
    start: Option<Start>,
    /// The log of a start with what comes, and its length then.
    now: Option<(Box<dyn File>, Stat)>,
    /// The present log, while it is open.
    log: Option<(Box<dyn File>, FileId)>,
    track: Option<Track>,
    last: Option<Last>,
    newest: f64,
    /// How many events of the present log stand before the place that was read up to.
    number: Option<u64>,
    late: LateLines,
    malformed: u64,
    /// How much of the log was there at the last look, if that was read.
    size: Option<u64>,
    /// When it was last looked which log there is.
    looked: Duration,
    /// A gap that is to be reported.
    gap: Option<Gap>,
    /// When the machine was started before the last event was given out.
    boot: u64,
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
            task,
            bell,
            start: Some(start),
            now,
            log: None,
            track: None,
            last: None,
            newest: f64::NEG_INFINITY,
            number: None,
            late: LateLines::default(),
            malformed: 0,
            size: None,
            looked: folder.monotonic(),
            gap: None,
            boot: folder.boot(),
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
            match self.look()? {
                News::Nothing => self.wait(seen),
                news => return Ok(Some(news)),
            }
        }
    }

    /// Looks once.
    ///
    /// # Errors
    /// Whatever reading says. The reader may be asked again.
    pub fn look(&mut self) -> Result<News> {
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
            if let Some(missed) = self.gap.take() {
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
                if self.gap.is_some() {
                    continue;
                }
            }
            if replaced.is_none() {
                self.looked = self.folder.monotonic();
                return Ok(News::Nothing);
            }
            let Some(log) = self.folder.open_log()? else { continue };
            let stat = log.stat().map_err(|error| self.failed(&error))?;
            self.enter(log, &stat)?;
            self.looked = self.folder.monotonic();
            end = None;
        }
    }

    /// A start with what comes: behind the whole lines that were there at the call.
    fn begin_now(&mut self) -> Result<()> {
        let Some((log, stat)) = &self.now else { return Ok(()) };
        let end = end_of_lines(&**log, 0, stat.size).map_err(|error| self.failed(&error))?;
        let name = Moves::load(&self.folder).name_of(&**log, stat).map_err(|error| self.failed(&error))?;
        self.track = Some(Track::new(Level { offset: end, ..Level::new(name) }));
        self.number = (end == 0).then_some(0);
        self.log = self.now.take().map(|(log, stat)| (log, stat.id));
        self.start = None;
        Ok(())
    }

    fn failed(&self, error: &std::io::Error) -> crate::Error {
        self.folder.failed("read", LOG, error)
    }

    /// How far the log that was read is to be read still, now that another has its name: what came later comes into
    /// that one too.
    fn end_of_replaced(&self) -> Result<u64> {
        let (Some((old, _)), Some(track)) = (&self.log, &self.track) else { return Ok(0) };
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
        if self.track.as_ref().is_none_or(|track| size < track.top().offset) {
            // It was cut, which nobody may do.
            let Some((log, id)) = self.log.take() else { return Ok(None) };
            let name =
                Moves::load(&self.folder).name_of(&*log, &stat).map_err(|error| self.failed(&error))?;
            self.doubt(&*log, &stat, name)?;
            self.log = Some((log, id));
            return Ok(None);
        }
        let limit = end.map_or(size, |end| end.min(size));
        let mut step = SLICE as u64;
        loop {
            let Some(position) = self.track.as_ref().map(|track| track.top().offset) else { return Ok(None) };
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
            } else if let Some(track) = &mut self.track {
                track.top_mut().offset = whole;
                let now = self.folder.monotonic();
                track.settle(self.late.expects_any(whole, now));
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
        self.name_log()?;
        let Self { folder, log: Some((log, _)), track: Some(track), late, task, .. } = self else {
            return Ok(None);
        };
        let expects = late.expects_any(from, folder.monotonic());
        let (mut given, mut scanner) = (Given::new(track, folder.boot()), Scanner::new());
        let (mut number, mut newest, mut last) = (self.number, self.newest, self.last);
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
            let seen = if offset < late.limit {
                late.take(&event, &mut taken)
            } else {
                track.has_seen(offset, event.timestamp) || (expects && late.take(&event, &mut taken))
            };
            if seen || !is_of(&event, task.as_deref()) {
                return;
            }
            newest = event.timestamp.filter(|time| time.is_finite()).map_or(newest, |time| newest.max(time));
            let this = Last::new(line, offset + line.len() as u64 + 1, &event, newest, number);
            given.add(&event, &this);
            last = Some(this);
        });
        match walked {
            Ok(walked) => {
                (self.number, self.newest, self.last) = (number, newest, last);
                self.malformed += malformed;
                Ok(Some((given, walked.whole)))
            }
            Err(error) => {
                late.put_back(taken);
                Err(folder.failed("read", LOG, &error))
            }
        }
    }

    /// A log that had no line when it was found gets its name with the first.
    fn name_log(&mut self) -> Result<()> {
        if let (Some((log, _)), Some(track)) = (&self.log, &mut self.track)
            && track.top().name.generation == 0
        {
            let failed = |error: std::io::Error| self.folder.failed("read", LOG, &error);
            let stat = log.stat().map_err(failed)?;
            let name = Moves::load(&self.folder).name_of(&**log, &stat).map_err(failed)?;
            track.top_mut().name = name;
        }
        Ok(())
    }

    /// Goes over to the log that the name leads to now. The one that was read, if any, was read to its end.
    fn enter(&mut self, log: Box<dyn File>, stat: &Stat) -> Result<()> {
        self.name_log()?;
        let moves = Moves::load(&self.folder);
        let name = moves.name_of(&*log, stat).map_err(|error| self.failed(&error))?;
        self.begin(&*log, stat, name, &moves)?;
        let offset = self.track.as_ref().map_or(0, |track| track.top().offset);
        let from = self.track.as_ref().map(|track| track.top().name);
        match from.and_then(|from| moves.chain(from, name, offset)) {
            Some(chain) if self.holds_good(&chain, offset, &*log)? => self.climb(&chain, &*log)?,
            _ if self.log.is_some() => self.compare(&*log, stat, name, &moves)?,
            _ => self.doubt(&*log, stat, name)?,
        }
        self.log = Some((log, stat.id));
        self.size = None;
        self.boot = self.folder.boot();
        Ok(())
    }

    /// Whether moves tell the truth of a log that is gone: it may have lost its end in a power cut and grown again, and
    /// what was read behind the end of a move is known only as long as the log is open.
    fn holds_good(&self, chain: &[Arc<Move>], offset: u64, log: &dyn File) -> Result<bool> {
        let (Some(first), None, Some(last)) = (chain.first(), &self.log, &self.last) else { return Ok(true) };
        if offset > first.upto {
            return Ok(false);
        }
        if self.boot != 0 && self.boot == first.boot {
            return Ok(true);
        }
        let line = last.end.saturating_sub(1);
        match chain.iter().try_fold(line, |place, made| made.place(place)) {
            Some(place) => last.at(place + 1).is_in(log).map_err(|error| self.failed(&error)),
            None => Ok(false),
        }
    }

    /// The first log that is found: where to begin in it, or which log was read before.
    fn begin(&mut self, log: &dyn File, stat: &Stat, name: LogName, moves: &Moves) -> Result<()> {
        let failed = |error: std::io::Error| self.folder.failed("read", LOG, &error);
        let mut level = Level::new(name);
        match &self.start {
            None => return Ok(()),
            Some(Start::Time(time)) => {
                level.since = Some(Since { start: 0, limit: stat.size, floor: *time });
            }
            // With `Now` there was no log.
            Some(Start::Beginning | Start::Now) => {}
            Some(Start::After(cursor)) => {
                let last = cursor.last;
                let track = cursor.track(moves);
                let there = cursor.log() != name || last.is_in(log).map_err(failed)?;
                (self.last, self.newest, self.number) = (Some(last), last.newest, last.number);
                self.boot = cursor.boot;
                // Of a log that is not known no move tells.
                self.track = Some(
                    track.filter(|_| there).unwrap_or_else(|| Track::new(Level::new(LogName::default()))),
                );
                self.start = None;
                return Ok(());
            }
        }
        self.track = Some(Track::new(level));
        self.number = Some(0);
        self.start = None;
        Ok(())
    }

    /// Our rewrites replaced the log; it is known what went where.
    fn climb(&mut self, chain: &[Arc<Move>], log: &dyn File) -> Result<()> {
        let (Some(first), Some(mut track)) = (chain.first(), self.track.clone()) else { return Ok(()) };
        let offset = track.top().offset;
        if let Some((old, _)) = self.log.as_ref().filter(|_| offset > first.upto) {
            // What was read behind that comes into the new log by itself.
            let noted = self.late.note(&**old, first.upto..offset).map_err(|error| self.failed(&error))?;
            if !noted {
                self.gap = Some(Gap(None));
            }
        }
        self.late.limit = 0;
        let plain = track.is_plain();
        for made in chain {
            track.climb(made);
        }
        let missed = self.missed(chain, offset, plain, &track, log)?;
        if missed != Some(0) {
            self.gap = Some(Gap(missed));
        }
        self.track = Some(track);
        self.number = Some(0);
        Ok(())
    }

    /// How many events were evicted before they were seen.
    fn missed(
        &self,
        chain: &[Arc<Move>],
        offset: u64,
        plain: bool,
        track: &Track,
        log: &dyn File,
    ) -> Result<Option<u64>> {
        let (Some(first), Some(end)) = (chain.first(), chain.last()) else { return Ok(Some(0)) };
        if chain.iter().all(|made| made.evicted() == 0) || (chain.len() == 1 && offset >= first.selected) {
            return Ok(Some(0));
        }
        let (true, None, Some(number)) = (plain && offset <= first.upto, &self.task, self.number) else {
            return Ok(None);
        };
        // All that was to be seen: the rest of the first log, and what came into each of the next.
        let counts = |made: &Move| made.counts;
        let mut all =
            (counts(first).source + counts(first).late).saturating_sub(number) + counts(first).fresh;
        for (before, made) in chain.iter().zip(chain.iter().skip(1)) {
            let (before, made) = (counts(before), counts(made));
            let there = before.moved + before.fresh + before.known + before.late;
            all = all
                .saturating_add((made.source + made.late).saturating_sub(there))
                .saturating_add(made.fresh);
        }
        let (mut scanner, mut there) = (Scanner::new(), 0_u64);
        for_each_line(log, 0, end.end(), |position, line| {
            if let Line::Event(event) = scanner.scan(line) {
                there += u64::from(!track.has_seen(position, event.timestamp));
            }
        })
        .map_err(|error| self.failed(&error))?;
        Ok(Some(all.saturating_sub(there)))
    }

    /// A program replaced the log that is still open here.
    fn compare(&mut self, log: &dyn File, stat: &Stat, name: LogName, moves: &Moves) -> Result<()> {
        let offset = self.track.as_ref().map_or(0, |track| track.top().offset);
        let mut late = LateLines::default();
        if let Some((old, _)) = &self.log
            && !late.note(&**old, 0..offset).map_err(|error| self.failed(&error))?
        {
            return self.doubt(log, stat, name);
        }
        // Rewrites between this log and the one that was read may have taken what came in between.
        let passed_by = moves.that_made(name).is_some_and(|made| made.evicted() > 0);
        if passed_by || self.folder.monotonic().saturating_sub(self.looked) > PROMPT {
            self.gap = Some(Gap(None));
        }
        late.limit = stat.size;
        self.late = late;
        let since = Since { start: stat.size, limit: stat.size, floor: self.newest };
        self.track = Some(Track::new(Level { since: Some(since), ..Level::new(name) }));
        self.number = Some(0);
        Ok(())
    }

    /// It is not known what of a log was seen: what is newer than all that was given out was not. Nor was what has the
    /// very time of that, and stands behind the last event that was given out.
    fn doubt(&mut self, log: &dyn File, stat: &Stat, name: LogName) -> Result<()> {
        let (mut scanner, mut behind) = (Scanner::new(), stat.size);
        if let Some(last) = &self.last {
            for_each_line(log, 0, stat.size, |offset, line| {
                if let Line::Event(event) = scanner.scan(line)
                    && stable_key(&event) == last.event
                    && event.timestamp.is_some_and(|time| time >= self.newest)
                {
                    behind = offset + line.len() as u64 + 1;
                }
            })
            .map_err(|error| self.failed(&error))?;
        }
        let since = Since { start: behind, limit: stat.size, floor: self.newest };
        self.track = Some(Track::new(Level { since: Some(since), ..Level::new(name) }));
        self.number = Some(0);
        self.late = LateLines::default();
        self.gap = Some(Gap(None));
        Ok(())
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
