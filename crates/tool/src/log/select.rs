//! The chosen events of a log, in its order, in bounded memory. Of a log with a checkpoint only the parts are read whose
//! events may be of the time that is asked for.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::Path;

use event::line::{Line, Scanner};
use event::needle::Needle;

use super::backward::Backward;
use super::fields::Fields;
use super::filter::Filter;
use crate::engine::{Engine, LOG, StoreFile};
use crate::exit::Result;
use crate::text::numbers::long;

/// Which of the chosen events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Part {
    /// All.
    All,
    /// The first in the log.
    Oldest(u64),
    /// The last in the log.
    Newest(u64),
}

/// What a look at the end of a log found.
#[derive(Default)]
pub(crate) struct Newest {
    /// Where the events' lines are and how long, in the order of the log. Their texts are read again when they are
    /// shown: there may be more of them than memory holds.
    lines: VecDeque<(u64, usize)>,
    /// Lines among them that are not events.
    pub(crate) malformed: u64,
    /// Where the last whole line ends.
    pub(crate) end: u64,
}

impl Newest {
    /// Whether no event was chosen.
    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Visits the events.
    pub(crate) fn each(
        &self,
        log: &StoreFile,
        visit: &mut dyn FnMut(&Fields<'_>) -> Result<()>,
    ) -> Result<()> {
        let mut scanner = Scanner::new();
        for (offset, length) in &self.lines {
            if let Line::Event(event) = scanner.scan(&log.read(*offset, *length)?) {
                visit(&Fields::of(event.text))?;
            }
        }
        Ok(())
    }
}

/// Visits the chosen events. Without a log there are none.
pub(crate) fn each(
    folder: &Path,
    filter: &Filter,
    part: Part,
    visit: &mut dyn FnMut(&Fields<'_>) -> Result<()>,
) -> Result<()> {
    if filter.archive {
        return of_both(folder, filter, part, visit);
    }
    let Some(log) = StoreFile::open(folder, LOG)? else { return Ok(()) };
    match part {
        Part::Newest(limit) => newest(&log, filter, limit, false)?.each(&log, visit),
        Part::All => forward(&log, filter, filter.needle().as_ref(), u64::MAX, visit),
        Part::Oldest(limit) => forward(&log, filter, filter.needle().as_ref(), limit, visit),
    }
}

/// Visits all chosen events that may contain some bytes.
pub(crate) fn each_with(
    folder: &Path,
    filter: &Filter,
    needle: Option<&Needle>,
    visit: &mut dyn FnMut(&Fields<'_>) -> Result<()>,
) -> Result<()> {
    if filter.archive {
        return of_both(folder, filter, Part::All, visit);
    }
    let Some(log) = StoreFile::open(folder, LOG)? else { return Ok(()) };
    forward(&log, filter, needle, u64::MAX, visit)
}

/// Visits the chosen events of the archive, then those of the log. Of the newest the texts are held in memory.
fn of_both(
    folder: &Path,
    filter: &Filter,
    part: Part,
    visit: &mut dyn FnMut(&Fields<'_>) -> Result<()>,
) -> Result<()> {
    let mut scanner = Scanner::new();
    let mut left = if let Part::Oldest(limit) = part { limit } else { u64::MAX };
    let mut newest: VecDeque<Vec<u8>> = VecDeque::new();
    if left > 0 {
        Engine::at(folder).lines_of_both(&mut |line| {
            let Line::Event(event) = scanner.scan(line) else { return Ok(ControlFlow::Continue(())) };
            let fields = Fields::of(event.text);
            if !filter.matches(&fields) {
                return Ok(ControlFlow::Continue(()));
            }
            if let Part::Newest(limit) = part {
                newest.push_back(event.text.to_vec());
                if long(newest.len()) > limit {
                    newest.pop_front();
                }
            } else {
                visit(&fields)?;
                left -= 1;
            }
            Ok(if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
    }
    newest.iter().try_for_each(|text| visit(&Fields::of(text)))
}

fn forward(
    log: &StoreFile,
    filter: &Filter,
    needle: Option<&Needle>,
    limit: u64,
    visit: &mut dyn FnMut(&Fields<'_>) -> Result<()>,
) -> Result<()> {
    let mut scanner = Scanner::new();
    let mut left = limit;
    let mut take = |line: &[u8], left: &mut u64| -> Result<()> {
        if let Line::Event(event) = scanner.scan(line) {
            let fields = Fields::of(event.text);
            if filter.matches(&fields) {
                visit(&fields)?;
                *left -= 1;
            }
        }
        Ok(())
    };
    if left == 0 {
        return Ok(());
    }
    for stretch in log.stretches(filter.since, filter.until)? {
        let walked = log.find_lines(stretch, needle, &mut |_, line| {
            take(line, &mut left)?;
            Ok(if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if left > 0 {
            take(&walked.tail, &mut left)?;
        }
        if left == 0 {
            break;
        }
    }
    Ok(())
}

/// The last chosen events. With `following`, a line without its newline is left for later.
pub(crate) fn newest(log: &StoreFile, filter: &Filter, limit: u64, following: bool) -> Result<Newest> {
    let mut stretches = log.stretches(filter.since, filter.until)?;
    let last = stretches.pop().unwrap_or_default();
    let mut found = Newest { end: last.end, ..Newest::default() };
    let mut walk = Backward::new(log, last);
    let mut scanner = Scanner::new();
    let needle = filter.needle();
    let mut count = 0;
    while count < limit || following {
        let Some(line) = walk.step()? else {
            let Some(stretch) = stretches.pop() else { break };
            walk = Backward::new(log, stretch);
            continue;
        };
        if !line.whole && following {
            found.end = line.offset;
            continue;
        }
        if count >= limit {
            break;
        }
        let bytes = walk.bytes(&line);
        if needle.as_ref().is_some_and(|needle| !needle.may_match(bytes)) {
            continue;
        }
        match scanner.scan(bytes) {
            Line::Blank => {}
            Line::Malformed => found.malformed += u64::from(line.whole),
            Line::Event(event) => {
                if filter.matches(&Fields::of(event.text)) {
                    found.lines.push_front((line.offset, bytes.len()));
                    count += 1;
                }
            }
        }
    }
    Ok(found)
}
