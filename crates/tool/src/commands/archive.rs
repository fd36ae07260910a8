//! `archive`: the archives of a folder, and the events in them.
//!
//! Invariant: it only reads. An archive that is damaged is shown as such, and ends the reading with an error.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};

use crate::archive::reader::{Together, read};
use crate::archive::{FOLDER, all};
use crate::call::keeping::ArchiveArgs;
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::folder::shown;
use crate::json::compose::{self, Object};
use crate::log::fields::Fields;
use crate::log::filter::Filter;
use crate::log::sums::Sums;
use crate::report::note;
use crate::text::numbers::{bytes, count, counted_as, long};
use crate::text::paint::room;
use crate::text::tables::{fitting, table};

pub(crate) fn run(mut context: Context, args: &ArchiveArgs) -> Result<Exit> {
    let filter = args.filters.filter(&context.zone, &context.call)?;
    let folder = match &args.from {
        None => {
            context.must_exist()?;
            context.folder.file(FOLDER)
        }
        Some(dir) => dir.clone(),
    };
    if args.from.is_some() && !folder.is_dir() {
        let message = format!("there is no folder {}", shown(&folder));
        return Err(Failure::usage(message, format!("{} --from DIR", context.call)));
    }
    if args.all {
        return print(&mut context, &filter, args.limit, &all(&folder)?);
    }
    if !args.read.is_empty() {
        let files: Result<Vec<_>> =
            args.read.iter().map(|name| found(name, &folder, &context.call)).collect();
        return print(&mut context, &filter, args.limit, &files?);
    }
    if !filter.is_empty() || args.limit.is_some() {
        let message = "conditions and --limit choose among the events of archives that are read";
        return Err(Failure::usage(message, format!("{} --all", context.call)));
    }
    list(&mut context, &folder)
}

/// The archive of that name in the folder, else the file at that path.
fn found(name: &Path, folder: &Path, call: &str) -> Result<PathBuf> {
    [folder.join(name), name.to_owned()].into_iter().find(|path| path.is_file()).ok_or_else(|| {
        let message = format!("there is no archive {} in {}", shown(name), shown(folder));
        Failure::usage(message, call)
    })
}

/// Prints the events of these archives, each once, or the last of them.
fn print(context: &mut Context, filter: &Filter, limit: Option<u64>, files: &[PathBuf]) -> Result<Exit> {
    let mut together = Together::default();
    let mut malformed = 0;
    let mut last: VecDeque<Vec<u8>> = VecDeque::new();
    for file in files {
        malformed += together.read(file, &mut |event| {
            if !filter.matches(&Fields::of(event.text)) {
                return Ok(());
            }
            let Some(limit) = limit else { return context.out.json(event.text) };
            last.push_back(event.text.to_vec());
            if long(last.len()) > limit {
                last.pop_front();
            }
            Ok(())
        })?;
    }
    last.iter().try_for_each(|text| context.out.json(text))?;
    context.out.flush()?;
    if malformed > 0 {
        note(&counted_as(malformed, "line is not an event.", "lines are not events."));
    }
    Ok(Exit::Done)
}

/// One archive, looked at.
struct Found {
    path: PathBuf,
    size: u64,
    sums: Sums,
    damage: Option<String>,
}

impl Found {
    fn inspect(path: PathBuf) -> Self {
        let mut found = Self {
            size: fs::metadata(&path).map_or(0, |metadata| metadata.len()),
            path,
            sums: Sums::default(),
            damage: None,
        };
        let sums = &mut found.sums;
        let looked = read(&found.path, &mut |event| {
            sums.add(event.timestamp);
            Ok(())
        });
        found.damage = match looked {
            Ok(0) => None,
            Ok(malformed) => Some(counted_as(malformed, "line is not an event", "lines are not events")),
            Err(failure) => failure.message(),
        };
        found
    }

    fn json(&self) -> Vec<u8> {
        let mut said = Object::new();
        said.string("file", &self.path.to_string_lossy())
            .count("events", self.sums.events)
            .count("bytes", self.size)
            .maybe("oldestEvent", self.sums.times.map(|times| times.0))
            .maybe("newestEvent", self.sums.times.map(|times| times.1));
        match &self.damage {
            None => said.raw("damage", "null"),
            Some(damage) => said.string("damage", damage),
        };
        said.text()
    }
}

fn list(context: &mut Context, folder: &Path) -> Result<Exit> {
    let archives: Vec<Found> = all(folder)?.into_iter().map(Found::inspect).collect();
    let damaged = archives.iter().any(|archive| archive.damage.is_some());
    if context.json {
        let mut said = Object::new();
        said.string("folder", &folder.to_string_lossy())
            .raw("archives", compose::array(archives.iter().map(Found::json)));
        context.out.json(&said.text())?;
    } else if archives.is_empty() {
        note(&format!("There are no archives in {}.", shown(folder)));
    } else {
        let head = ["Archive", "Events", "Size", "Oldest", "Newest"].map(str::to_owned).to_vec();
        let time =
            |time: Option<f64>| time.map_or_else(|| "–".to_owned(), |time| context.zone.show_plain(time));
        let rows = archives.iter().map(|archive| {
            let name = archive.path.file_name().map_or(&*archive.path, Path::new);
            let times = archive.sums.times;
            vec![
                shown(name),
                count(archive.sums.events),
                bytes(archive.size),
                time(times.map(|times| times.0)),
                time(times.map(|times| times.1)),
            ]
        });
        let rows: Vec<_> = std::iter::once(head).chain(rows).collect();
        // The times that there may be no room for are in the names.
        for line in table(&fitting(&rows, room()).0, true) {
            context.out.line(&line)?;
        }
        for archive in &archives {
            if let Some(damage) = &archive.damage {
                note(&format!("{} is damaged: {damage}", shown(&archive.path)));
            }
        }
    }
    context.out.flush()?;
    Ok(Exit::found(damaged))
}
