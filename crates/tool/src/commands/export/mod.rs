//! `export`: events for other programs, in bounded memory.

mod csv;

use std::path::Path;

use crate::call::keeping::{ExportArgs, Format};
use crate::commands::query::part;
use crate::context::Context;
use crate::exit::{Exit, Result};
use crate::folder::shown;
use crate::json::compose::Object;
use crate::log::filter::Filter;
use crate::log::select::{Part, each};
use crate::report::note;
use crate::text::numbers::counted;
use crate::text::progress::Progress;
use crate::text::safe::push_json;
use crate::whole_file::Target;

pub(crate) fn run(mut context: Context, args: &ExportArgs) -> Result<Exit> {
    let filter = args.filters.filter(&context.zone, &context.call)?.with_archive(args.archive);
    context.must_exist()?;
    let part = part(args.limit, args.oldest);
    let path = args.out.as_deref().unwrap_or(Path::new("-"));
    let target = Target::open(path, "--out", &context.folder)?;
    let to_file = matches!(target, Target::File(_));
    let count = write(&context, &filter, part, args.format, target)?;
    if !to_file {
        return Ok(Exit::Done);
    }
    if context.json {
        let format = format!("{:?}", args.format).to_lowercase();
        let mut said = Object::new();
        said.string("out", &path.to_string_lossy()).string("format", &format).count("events", count);
        context.out.json(&said.text())?;
        context.out.flush()?;
    } else {
        note(&format!("{} written to {}.", counted(count, "event"), shown(path)));
    }
    Ok(Exit::Done)
}

/// Writes all of it. Returns the number of events.
fn write(context: &Context, filter: &Filter, part: Part, format: Format, mut target: Target) -> Result<u64> {
    let mut progress = Progress::new("Exported");
    let mut count = 0;
    let mut text = Vec::new();
    let head = match format {
        Format::Ndjson => Vec::new(),
        Format::Json => b"[".to_vec(),
        Format::Csv => csv::head(),
    };
    each(&context.folder.path, filter, part, &mut |event| {
        text.clear();
        if count == 0 {
            text.extend_from_slice(&head);
        }
        match format {
            Format::Ndjson => {
                push_json(event.text, &mut text);
                text.push(b'\n');
            }
            Format::Json => {
                text.extend_from_slice(if count == 0 { b"\n" } else { b",\n" });
                push_json(event.text, &mut text);
            }
            Format::Csv => text.extend_from_slice(&csv::row(event)),
        }
        count += 1;
        progress.step();
        target.bytes(&text)
    })?;
    // Of a log that could not be read nothing was written.
    if count == 0 {
        target.bytes(&head)?;
    }
    if format == Format::Json {
        target.bytes(if count == 0 { b"]\n" } else { b"\n]\n" })?;
    }
    progress.end();
    target.finish()?;
    Ok(count)
}
