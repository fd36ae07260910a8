//! `compact`: keeps the newest events and removes the others, or moves them to an archive.
//!
//! Invariant: what is counted first is what goes: events that others append meanwhile stay.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::archive::{FOLDER, check_place};
use crate::call::keeping::CompactArgs;
use crate::call::values;
use crate::context::{Context, quoted};
use crate::engine::{ArchivePlace, Engine};
use crate::exit::{Exit, Failure, Result};
use crate::folder::shown;
use crate::json::compose::Object;
use crate::log::filter::Filter;
use crate::log::select::{Part, each};
use crate::report::note;
use crate::text::numbers::{counted, long};
use crate::text::question::confirm;
use crate::text::times::now_ms;

const MAX_EVENTS: u64 = 10_000;

/// Which events stay.
#[derive(Args, Clone, Debug)]
pub(crate) struct KeepArgs {
    /// How many to keep [default: 10000, if nothing else says what to keep]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::count)]
    max_events: Option<u64>,
    /// Remove what is older than this
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true, value_parser = values::span)]
    older_than: Option<f64>,
    /// Keep no more than so much
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = values::size)]
    max_bytes: Option<u64>,
}

impl KeepArgs {
    /// The most events to keep; `None` if other rules say it.
    fn limit(&self) -> Option<u64> {
        let alone = self.older_than.is_none() && self.max_bytes.is_none();
        self.max_events.or(alone.then_some(MAX_EVENTS))
    }

    /// How many of the oldest events are to go.
    fn excess(&self, context: &Context, engine: &Engine) -> Result<u64> {
        if self.older_than.is_none() && self.max_bytes.is_none() {
            return Ok(engine.stats()?.events.saturating_sub(self.limit().unwrap_or(MAX_EVENTS)));
        }
        let mut events: Vec<(f64, u64)> = Vec::new();
        each(&context.folder.path, &Filter::default(), Part::All, &mut |event| {
            // Without a time an event goes first, as the engine sorts them.
            let time = event.time();
            events.push((if time.is_nan() { f64::NEG_INFINITY } else { time }, long(event.text.len()) + 1));
            Ok(())
        })?;
        events.sort_by(|a, b| a.0.total_cmp(&b.0));
        let by_age = self.older_than.map_or(0, |age| {
            let since = now_ms() - age;
            events.partition_point(|(time, _)| *time < since)
        });
        let by_size = self.max_bytes.map_or(0, |most| {
            let mut kept = 0;
            let fits = |(_, size): &&(f64, u64)| {
                kept += size;
                kept <= most
            };
            events.len() - events.iter().rev().take_while(fits).count()
        });
        let by_count = self.limit().map_or(0, |most| long(events.len()).saturating_sub(most));
        Ok(by_count.max(long(by_age)).max(long(by_size)))
    }

    /// The rules as options of a call.
    fn words(&self) -> String {
        let mut words = Vec::new();
        if let Some(most) = self.limit() {
            words.push(format!("--max-events {most}"));
        }
        if let Some(age) = self.older_than {
            words.push(format!("--older-than {age}ms"));
        }
        if let Some(most) = self.max_bytes {
            words.push(format!("--max-bytes {most}"));
        }
        words.join(" ")
    }
}

/// The folder for archives; `None` if what is evicted is to be gone.
fn place(context: &Context, args: &CompactArgs) -> Result<Option<PathBuf>> {
    let Some(given) = &args.archive else { return Ok(None) };
    let place = match given {
        None => context.folder.file(FOLDER),
        Some(dir) => std::path::absolute(dir).map_err(|error| Failure::io("getcwd", dir, &error))?,
    };
    check_place(&place, &context.folder.path, &context.call)?;
    Ok(Some(place))
}

/// The same, as the engine takes it.
fn place_of(context: &Context, args: &CompactArgs, place: Option<&Path>) -> Result<Option<ArchivePlace>> {
    let Some(place) = place else { return Ok(None) };
    if args.archive == Some(None) || *place == context.folder.file(FOLDER) {
        return Ok(Some(ArchivePlace::Beside));
    }
    let path = place.to_str().ok_or_else(|| {
        Failure::usage(
            format!("the name of {} is not UTF-8", shown(place)),
            format!("{} --archive", context.call),
        )
    })?;
    Ok(Some(ArchivePlace::At(path.to_owned())))
}

pub(crate) fn run(mut context: Context, args: &CompactArgs) -> Result<Exit> {
    let place = place(&context, args)?;
    context.must_exist()?;
    let engine = Engine::at(&context.folder.path);
    let planned = args.keep.excess(&context, &engine)?;
    if args.dry_run || planned == 0 {
        return say(&mut context, args, &engine, planned, place.as_deref());
    }
    let events = format!("the oldest {} of {}", counted(planned, "event"), context.folder.shown());
    let question = match &place {
        None => format!("Remove {events}? They are gone then."),
        Some(place) => format!("Move {events} to an archive in {}?", shown(place)),
    };
    let archive = match &args.archive {
        None => String::new(),
        Some(None) => " --archive".to_owned(),
        Some(Some(dir)) => format!(" --archive {}", quoted(&shown(dir))),
    };
    let call = context.call_with(&format!("{}{archive} --yes", args.keep.words()));
    if !confirm(&question, args.yes.yes, call)? {
        note("Nothing was removed.");
        return Ok(Exit::Findings);
    }
    let archive = place_of(&context, args, place.as_deref())?;
    let lock = engine.lock(Duration::from_secs_f64(args.lock.lock_timeout / 1000.0))?;
    // Others may have removed some since they were counted.
    let removed = args
        .keep
        .excess(&context, &engine)
        .and_then(|excess| engine.evict(excess.min(planned), archive.as_ref()));
    let released = lock.release();
    let removed = removed?;
    released?;
    say(&mut context, args, &engine, removed, place.as_deref())
}

/// `archive` is the folder of the archive that has the events, or would have them.
fn say(
    context: &mut Context,
    args: &CompactArgs,
    engine: &Engine,
    removed: u64,
    archive: Option<&Path>,
) -> Result<Exit> {
    let dry = args.dry_run;
    let left = engine.stats()?.events.saturating_sub(if dry { removed } else { 0 });
    if context.json {
        let mut said = Object::new();
        said.boolean("dryRun", dry);
        match args.keep.limit() {
            Some(limit) => said.count("maxEvents", limit),
            None => said.raw("maxEvents", "null"),
        };
        said.count("removed", removed).count("left", left);
        if args.archive.is_some() {
            match archive.filter(|_| !dry && removed > 0) {
                Some(file) => said.string("archive", &file.to_string_lossy()),
                None => said.raw("archive", "null"),
            };
        }
        context.out.json(&said.text())?;
    } else {
        let would = if dry { "would be " } else { "" };
        let how = match archive {
            None => "removed".to_owned(),
            Some(folder) => format!("moved to the archive in {}", shown(folder)),
        };
        context.out.line(&format!(
            "{} {would}{how}, {} left.",
            counted(removed, "event"),
            counted(left, "event")
        ))?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}
