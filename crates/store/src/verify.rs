//! `verify()`: what is in the folder, line by line, as a report.
//!
//! Takes no lock, creates nothing and changes nothing.

use std::collections::HashMap;

use serde::Serialize;

use crate::archive::ArchivePlace;
use crate::archive::survey::{ArchiveReport, survey};
use crate::disk::bytes::read_range;
use crate::disk::lines::for_each_line;
use crate::error::Result;
use crate::limits::FOLDER_WAIT;
use crate::paths::{INDEX, LOG};
use crate::store::Store;
use event::identity::event_key;
use event::line::{Line, Scanner};
use event::text::write_json_string;

/// Most places and ids that are listed; the counts are always whole.
const LISTED: usize = 1000;
/// An `index.json` that is larger than four times what it should be, and than this, is not read: it says something
/// else than the log in any case.
const INDEX_ROOM: usize = 1 << 20;

/// A stretch of the log.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// First byte.
    pub offset: u64,
    /// Number of bytes, without the newline.
    pub length: u64,
}

/// The unterminated end of the log.
#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
pub struct TornTail {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
    /// Whether it is a whole event that lacks nothing but its newline; then it counts as one.
    pub complete: bool,
}

/// Several events with one id.
#[derive(Serialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Duplicate {
    /// The id.
    pub event_id: serde_json::Value,
    /// How many events have it.
    pub count: u64,
}

/// What `index.json` says.
#[derive(Serialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct IndexState {
    /// Its number of events; `None` if it cannot be read, or is far too large to be read.
    pub event_count: Option<u64>,
    /// Whether it says something else than the log.
    pub drift: bool,
}

/// See the head of this file.
#[derive(Serialize, Clone, PartialEq, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Lines, the unterminated one included.
    pub lines: u64,
    /// Lines that are events.
    pub events: u64,
    /// Lines of nothing but white space.
    pub blank: u64,
    /// Lines that are neither, without the unterminated one.
    pub malformed_count: u64,
    /// Where they are: the first thousand.
    pub malformed: Vec<Place>,
    /// The unterminated end of the log.
    pub torn_tail: Option<TornTail>,
    /// How many ids several events have.
    pub duplicate_id_count: u64,
    /// Those ids: the first thousand.
    pub duplicate_ids: Vec<Duplicate>,
    /// What `index.json` says; `None` if there is none.
    pub index: Option<IndexState>,
    /// What is in the archive; `None` if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archive: Option<ArchiveReport>,
}

impl Report {
    /// As JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Store {
    /// Looks at every line of the log, and of the archive beside it.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn verify(&self) -> Result<Report> {
        self.verify_with(&ArchivePlace::Beside)
    }

    /// Looks at every line of the log, and of an archive.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn verify_with(&self, archive: &ArchivePlace) -> Result<Report> {
        let mut report = Report { archive: self.survey(archive)?, ..Report::default() };
        let Some(log) = self.folder.open_log()? else {
            report.index = self.index_state(None)?;
            return Ok(report);
        };
        let failed = |error: std::io::Error| self.folder.failed("read", LOG, &error);
        let size = log.stat().map_err(failed)?.size;
        let mut scanner = Scanner::new();
        let mut counts: HashMap<u64, u64> = HashMap::new();
        let mut unclosed = None;
        let walked = for_each_line(&*log, 0, size, |offset, line| {
            report.close_malformed(&mut unclosed, offset);
            report.lines += 1;
            match scanner.scan(line) {
                Line::Blank => report.blank += 1,
                Line::Malformed => unclosed = Some(offset),
                Line::Event(event) => {
                    report.events += 1;
                    if event.id.is_some() {
                        *counts.entry(event_key(&event)).or_default() += 1;
                    }
                }
            }
        })
        .map_err(failed)?;
        report.close_malformed(&mut unclosed, walked.whole);
        if !walked.tail.is_empty() {
            report.lines += 1;
            let mut complete = false;
            if let Line::Event(event) = scanner.scan(&walked.tail) {
                complete = true;
                report.events += 1;
                if event.id.is_some() {
                    *counts.entry(event_key(&event)).or_default() += 1;
                }
            }
            report.torn_tail =
                Some(TornTail { offset: walked.whole, length: walked.end - walked.whole, complete });
        }
        counts.retain(|_, count| *count > 1);
        report.duplicate_id_count = u64::try_from(counts.len()).unwrap_or(u64::MAX);
        if !counts.is_empty() {
            // The first of several events with one id is on a whole line.
            for_each_line(&*log, 0, walked.whole, |_, line| {
                if let Line::Event(event) = scanner.scan(line)
                    && let Some(count) = event.id.and_then(|_| counts.remove(&event_key(&event)))
                {
                    report.duplicate(event.id.map(|id| id.decode().into_owned()).unwrap_or_default(), count);
                }
            })
            .map_err(failed)?;
        }
        report.index = self.index_state(Some(&*log))?;
        Ok(report)
    }

    /// Looks at every line of an archive; `None` if there is none.
    ///
    /// # Errors
    /// Whatever reading says.
    pub fn survey(&self, archive: &ArchivePlace) -> Result<Option<ArchiveReport>> {
        survey(&self.folder, archive)
    }

    fn index_state(&self, log: Option<&dyn crate::disk::File>) -> Result<Option<IndexState>> {
        let failed = |error: std::io::Error| self.folder.failed("read", INDEX, &error);
        let Some(file) = self.folder.open_existing(INDEX)? else { return Ok(None) };
        let expected = self.index.expected(log, &self.folder.patience(FOLDER_WAIT))?;
        let limit = expected.len().saturating_mul(4).saturating_add(INDEX_ROOM);
        if file.stat().map_err(failed)?.size > limit as u64 {
            return Ok(Some(IndexState { event_count: None, drift: true }));
        }
        let text = read_range(&*file, 0, limit).map_err(failed)?;
        let found: Option<serde_json::Value> = serde_json::from_slice(&text).ok();
        let wanted: Option<serde_json::Value> = serde_json::from_slice(&expected).ok();
        let event_count = found.as_ref().and_then(|index| index.get("eventCount")?.as_u64());
        Ok(Some(IndexState { event_count, drift: found.is_none() || (found != wanted && text != expected) }))
    }
}

impl Report {
    fn close_malformed(&mut self, unclosed: &mut Option<u64>, next: u64) {
        if let Some(offset) = unclosed.take() {
            self.malformed_count += 1;
            if self.malformed.len() < LISTED {
                self.malformed.push(Place { offset, length: next - offset - 1 });
            }
        }
    }

    fn duplicate(&mut self, id: Vec<u8>, count: u64) {
        if self.duplicate_ids.len() < LISTED {
            // An id with a lone surrogate has no form in Rust's strings; it is shown escaped.
            let event_id = String::from_utf8(id).unwrap_or_else(|error| {
                let mut escaped = Vec::new();
                write_json_string(error.as_bytes(), &mut escaped);
                String::from_utf8_lossy(&escaped).into_owned()
            });
            self.duplicate_ids.push(Duplicate { event_id: event_id.into(), count });
        }
    }
}
