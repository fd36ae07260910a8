//! What is not in order, in words.

use super::survey::Survey;
use crate::context::Context;
use crate::engine::{ArchiveFile, Damaged, LOG, Place, Report, StoreFile};
use crate::exit::Result;
use crate::text::columns::cut;
use crate::text::numbers::{count, counted, counted_as, long};
use crate::text::safe::{safe, safe_bytes};

/// Places and ids that are shown one by one.
const SHOWN: usize = 10;
/// Bytes of a line, and columns of an id, that are shown.
const PREVIEW: usize = 60;

/// What kind of finding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Malformed,
    TornTail,
    DuplicateIds,
    ImplausibleTimes,
    IndexDrift,
    ArchiveDamage,
}

impl Kind {
    /// Its name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::TornTail => "torn-tail",
            Self::DuplicateIds => "duplicate-ids",
            Self::ImplausibleTimes => "implausible-times",
            Self::IndexDrift => "index-drift",
            Self::ArchiveDamage => "archive-damage",
        }
    }

    /// Whether a repair puts it right.
    pub(crate) fn is_repairable(self) -> bool {
        matches!(self, Self::Malformed | Self::TornTail | Self::IndexDrift)
    }
}

/// One finding.
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) text: String,
    pub(crate) more: Vec<String>,
}

/// All findings of a log.
pub(crate) fn findings_of(context: &Context, report: &Report, survey: &Survey) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let mut add = |kind, text: String, more: Vec<String>| findings.push(Finding { kind, text, more });
    if report.malformed_count > 0 {
        let shown = report.malformed.iter().take(SHOWN);
        let mut more = shown.map(|place| preview(context, *place)).collect::<Result<Vec<_>>>()?;
        more.extend(and_more(report.malformed_count.saturating_sub(long(more.len()))));
        let text = counted_as(report.malformed_count, "line is not an event", "lines are not events");
        add(Kind::Malformed, text, more);
    }
    if let Some(tail) = report.torn_tail {
        let text = if tail.complete {
            "the last event lacks its newline"
        } else {
            "the last line is only half there"
        };
        let place = Place { offset: tail.offset, length: tail.length };
        add(Kind::TornTail, text.to_owned(), vec![preview(context, place)?]);
    }
    if report.duplicate_id_count > 0 {
        add(Kind::DuplicateIds, duplicate_text(report, survey), duplicate_lines(report));
    }
    if survey.implausible > 0 {
        let text = counted_as(
            survey.implausible,
            "event has a time that cannot be",
            "events have times that cannot be",
        );
        let line = |(offset, time): &(u64, f64)| {
            let seconds = *time >= 1e9 && *time < 1e11;
            let words = if seconds { "; it looks like seconds, where milliseconds belong" } else { "" };
            format!(
                "at byte {}: {} ({}){words}",
                count(*offset),
                crate::text::numbers::json(*time),
                context.zone.show(*time)
            )
        };
        let mut more: Vec<_> = survey.places.iter().map(line).collect();
        more.extend(and_more(survey.implausible.saturating_sub(long(more.len()))));
        add(Kind::ImplausibleTimes, text, more);
    }
    if let Some(index) = report.index.as_ref().filter(|index| index.drift && !survey.index_is_behind) {
        let more = match index.event_count {
            None => "it cannot be read".to_owned(),
            Some(said) if said == report.events => {
                "it counts right, but its times or its tasks are others".to_owned()
            }
            Some(said) => format!("it counts {}; the log has {}", count(said), count(report.events)),
        };
        add(Kind::IndexDrift, "index.json does not agree with the log".to_owned(), vec![more]);
    }
    let files = report.archive.iter().flat_map(|archive| &archive.files);
    let damaged: Vec<_> = files.filter(|file| file.damage_count > 0 || file.malformed_count > 0).collect();
    if !damaged.is_empty() {
        let text = counted_as(
            long(damaged.len()),
            "file of the archive is damaged",
            "files of the archive are damaged",
        );
        let mut more: Vec<_> = damaged.iter().flat_map(|file| damage_lines(file)).take(SHOWN).collect();
        let all: u64 =
            damaged.iter().map(|file| file.damage_count + u64::from(file.malformed_count > 0)).sum();
        more.extend(and_more(all.saturating_sub(long(more.len()))));
        add(Kind::ArchiveDamage, text, more);
    }
    Ok(findings)
}

fn damage_lines(file: &ArchiveFile) -> Vec<String> {
    let name = safe(&file.file);
    let place = |place: &Damaged| {
        format!("{name} at byte {}, {}", count(place.offset), counted(place.length, "byte"))
    };
    let mut lines: Vec<_> = file.damage.iter().map(place).collect();
    if file.malformed_count > 0 {
        let some = counted_as(file.malformed_count, "line is not an event", "lines are not events");
        lines.push(format!("{name}: {some}"));
    }
    lines
}

fn duplicate_text(report: &Report, survey: &Survey) -> String {
    let ids = report.duplicate_id_count;
    let differing = survey.differing();
    let said = counted_as(ids, "id is there more than once", "ids are there more than once");
    let what = match differing {
        0 if ids == 1 => "the events are identical".to_owned(),
        0 => "the events of each are identical".to_owned(),
        some if some == ids && ids == 1 => "the events differ".to_owned(),
        some => format!("the events of {} differ", counted(some, "id")),
    };
    format!("{said}; {what}")
}

fn duplicate_lines(report: &Report) -> Vec<String> {
    let line = |id: &str, times: u64| format!("{}: {} times", cut(&safe(id), PREVIEW), count(times));
    let mut more: Vec<_> = report
        .duplicate_ids
        .iter()
        .take(SHOWN)
        .map(|duplicate| line(duplicate.event_id.as_str().unwrap_or_default(), duplicate.count))
        .collect();
    more.extend(and_more(report.duplicate_id_count.saturating_sub(long(more.len()))));
    more
}

/// The beginning of a stretch of the log, fit to be shown.
fn preview(context: &Context, place: Place) -> Result<String> {
    let length = usize::try_from(place.length).unwrap_or(usize::MAX);
    let Some(log) = StoreFile::open(&context.folder.path, LOG)? else { return Ok(String::new()) };
    let bytes = log.read(place.offset, length.min(PREVIEW))?;
    let more = if length > PREVIEW { "…" } else { "" };
    Ok(format!(
        "at byte {}, {}: {}{more}",
        count(place.offset),
        counted(place.length, "byte"),
        safe_bytes(&bytes)
    ))
}

fn and_more(hidden: u64) -> Option<String> {
    (hidden > 0).then(|| format!("… and {} more", count(hidden)))
}
