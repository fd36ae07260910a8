//! What of which log a reader has seen, and what that says of the log that took its place.
//!
//! `.events.moves` says what of a new log was seen. Where it does not:
//!
//! - A program replaced the log, and the old one is still open: the lines of the two are compared.
//! - A cursor of a log that is gone: what is not newer than all that was given out may have been, and is left out. That
//!   is a gap.
//!
//! Invariant: a call that fails has changed nothing that the next one needs.

use std::sync::Arc;
use std::time::Duration;

use event::line::{Line, Scanner};

use crate::disk::lines::for_each_line;
use crate::disk::{File, Stat};
use crate::error::Result;
use crate::folder::Folder;
use crate::follow::cursor::{Cursor, Last, stable_key};
use crate::follow::late::LateLines;
use crate::follow::track::{Level, Since, Track};
use crate::hints::move_entry::{LogName, Move};
use crate::hints::moves::Moves;
use crate::paths::LOG;

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

/// So many events were missed; `None` if it cannot be known how many.
pub(crate) struct Gap(pub(crate) Option<u64>);

/// See the head of this file.
pub(crate) struct Seen {
    folder: Folder,
    /// Where to begin, until that is known of a log.
    pub(super) start: Option<Start>,
    pub(super) track: Option<Track>,
    pub(super) last: Option<Last>,
    pub(super) newest: f64,
    /// How many events of the present log stand before the place that was read up to; `None` if that is not known, or
    /// not asked for.
    pub(super) number: Option<u64>,
    pub(super) late: LateLines,
    /// A gap that is to be reported.
    pub(super) gap: Option<Gap>,
    /// Whether all events are asked for, not those of a task.
    all: bool,
    /// When the machine was started before the last event was given out.
    boot: u64,
}

impl Seen {
    pub(super) fn new(folder: &Folder, start: Start, all: bool) -> Self {
        Self {
            start: Some(start),
            track: None,
            last: None,
            newest: f64::NEG_INFINITY,
            number: None,
            late: LateLines::default(),
            gap: None,
            all,
            boot: folder.boot(),
            folder: folder.clone(),
        }
    }

    /// How far the present log was read.
    pub(super) fn offset(&self) -> u64 {
        self.track.as_ref().map_or(0, |track| track.top().offset)
    }

    /// A log that had no line when it was found gets its name with the first.
    pub(super) fn name_log(&mut self, log: &dyn File) -> Result<()> {
        if let Some(track) = &mut self.track
            && track.top().name.generation == 0
        {
            let failed = |error: std::io::Error| self.folder.failed("read", LOG, &error);
            let stat = log.stat().map_err(failed)?;
            track.top_mut().name = Moves::load(&self.folder).name_of(log, &stat).map_err(failed)?;
        }
        Ok(())
    }

    /// Goes over to the log that the name leads to now. The `old` one, if it is still open, was read to its end;
    /// `unwatched` has passed since the name led to it.
    pub(super) fn enter(
        &mut self,
        old: Option<&dyn File>,
        log: &dyn File,
        stat: &Stat,
        unwatched: Duration,
    ) -> Result<()> {
        if let Some(old) = old {
            self.name_log(old)?;
        }
        let moves = Moves::load(&self.folder);
        let name = moves.name_of(log, stat).map_err(|error| self.failed(&error))?;
        self.begin(log, stat, name, &moves)?;
        let offset = self.offset();
        let from = self.track.as_ref().map(|track| track.top().name);
        match (from.and_then(|from| moves.chain(from, name, offset)), old) {
            (Some(chain), old) if self.holds_good(&chain, offset, old, log)? => {
                self.climb(&chain, old, log)?;
            }
            (_, Some(old)) => self.compare((old, log), stat, name, &moves, unwatched)?,
            (_, None) => self.doubt(log, stat, name)?,
        }
        self.boot = self.folder.boot();
        Ok(())
    }

    fn failed(&self, error: &std::io::Error) -> crate::Error {
        self.folder.failed("read", LOG, error)
    }

    /// Whether moves are right about a log that is gone: it may have lost its end in a power cut and grown again, and
    /// what was read behind the end of a move is known only as long as the log is open.
    fn holds_good(
        &self,
        chain: &[Arc<Move>],
        offset: u64,
        old: Option<&dyn File>,
        log: &dyn File,
    ) -> Result<bool> {
        let (Some(first), None, Some(last)) = (chain.first(), old, &self.last) else { return Ok(true) };
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
                // No move leads from a log that is not known.
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
    fn climb(&mut self, chain: &[Arc<Move>], old: Option<&dyn File>, log: &dyn File) -> Result<()> {
        let (Some(first), Some(mut track)) = (chain.first(), self.track.clone()) else { return Ok(()) };
        let offset = track.top().offset;
        if let Some(old) = old.filter(|_| offset > first.upto) {
            // What was read behind that comes into the new log by itself.
            let noted = self.late.note(old, first.upto..offset).map_err(|error| self.failed(&error))?;
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
        let (true, Some(number)) = (plain && self.all && offset <= first.upto, self.number) else {
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
    fn compare(
        &mut self,
        (old, log): (&dyn File, &dyn File),
        stat: &Stat,
        name: LogName,
        moves: &Moves,
        unwatched: Duration,
    ) -> Result<()> {
        let mut late = LateLines::default();
        if !late.note(old, 0..self.offset()).map_err(|error| self.failed(&error))? {
            return self.doubt(log, stat, name);
        }
        // Rewrites between this log and the one that was read may have taken what came in between.
        let passed_by = moves.that_made(name).is_some_and(|made| made.evicted() > 0);
        if passed_by || unwatched > PROMPT {
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
    pub(super) fn doubt(&mut self, log: &dyn File, stat: &Stat, name: LogName) -> Result<()> {
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
