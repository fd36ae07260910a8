//! `metrics`: rates per day or group and the rules that cost most, as tables, as JSON or as a page.

mod groups;
mod json;
mod tables;

use crate::call::looking::MetricsArgs;
use crate::context::Context;
use crate::exit::{Exit, Result};
use crate::folder::shown;
use crate::log::filter::Filter;
use crate::log::select::{Part, each};
use crate::metrics::tallies::Tallies;
use crate::page::{About, page};
use crate::place::tool;
use crate::report::note;
use crate::text::numbers::{counted, counted_as};
use crate::text::progress::Progress;
use crate::text::times::now_ms;
use crate::whole_file::Target;

pub(crate) use groups::group_json;

/// Sums up the chosen events of the folder.
fn tally(context: &Context, filter: &Filter) -> Result<Tallies> {
    let mut tallies = Tallies::new(&context.zone, now_ms());
    let mut progress = Progress::new("Read");
    each(&context.folder.path, filter, Part::All, &mut |event| {
        tallies.add(event);
        progress.step();
        Ok(())
    })?;
    progress.end();
    Ok(tallies)
}

/// Says what of the events is not in the sums.
fn note_left_out(tallies: &Tallies) {
    if tallies.irregular > 0 {
        note(&format!("{} of irregular shape left out.", counted(tallies.irregular, "event")));
    }
    if tallies.undated > 0 {
        note(&format!("{} without a time: on no day.", counted(tallies.undated, "event")));
    }
    if tallies.implausible > 0 {
        let said = counted_as(tallies.implausible, "event has a time", "events have times");
        note(&format!("{said} that cannot be: on no day; '{} verify' shows which.", tool()));
    }
}

pub(crate) fn run(mut context: Context, args: &MetricsArgs) -> Result<Exit> {
    let filter = args.filters.filter(&context.zone, &context.call)?.with_archive(args.archive);
    context.must_exist()?;
    let target =
        args.html.as_deref().map(|path| Target::open(path, "--html", &context.folder)).transpose()?;
    let tallies = tally(&context, &filter)?;
    note_left_out(&tallies);
    if let (Some(mut target), Some(path)) = (target, args.html.as_deref()) {
        let about = About {
            folder: &context.folder.shown(),
            filters: &args.filters.words(),
            zone: &context.zone,
            now: now_ms(),
        };
        target.bytes(page(&tallies, &about).as_bytes())?;
        let to_file = matches!(target, Target::File(_));
        target.finish()?;
        if to_file {
            note(&format!("Written to {}.", shown(path)));
        } else {
            // The page is the data.
            return Ok(Exit::Done);
        }
        if !context.json {
            return Ok(Exit::Done);
        }
    }
    match (context.json, args.by) {
        (true, Some(by)) => context.out.json(&groups::json(&context, &tallies, by))?,
        (true, None) => context.out.json(&json::all(&context, &tallies))?,
        (false, Some(by)) => groups::print(&mut context, &tallies, by)?,
        (false, None) => tables::print(&mut context, &tallies)?,
    }
    context.out.flush()?;
    Ok(Exit::Done)
}
