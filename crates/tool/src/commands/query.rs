//! `query`: the events that satisfy all conditions.

use crate::call::looking::QueryArgs;
use crate::commands::tail::View;
use crate::context::Context;
use crate::exit::{Exit, Result};
use crate::log::select::{Part, each};
use crate::report::note;

/// The part that `--limit` and `--oldest` ask for.
pub(crate) fn part(limit: Option<u64>, oldest: bool) -> Part {
    match limit {
        None => Part::All,
        Some(limit) if oldest => Part::Oldest(limit),
        Some(limit) => Part::Newest(limit),
    }
}

pub(crate) fn run(mut context: Context, args: &QueryArgs) -> Result<Exit> {
    let filter = args.filters.filter(&context.zone, &context.call)?.with_archive(args.archive);
    context.must_exist()?;
    let view = View::new(&context);
    let mut found = false;
    let Context { out, folder, .. } = &mut context;
    each(&folder.path, &filter, part(args.limit, args.oldest), &mut |event| {
        found = true;
        view.show(event, out)
    })?;
    out.flush()?;
    if !found && !context.json {
        note("No event matches.");
    }
    Ok(Exit::Done)
}
