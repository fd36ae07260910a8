//! `tail`: the newest events, and with `-f` those to come.

use crate::call::looking::TailArgs;
use crate::context::Context;
use crate::engine::{Followed, LOG, StoreFile};
use crate::exit::{Exit, Result};
use crate::log::fields::Fields;
use crate::log::select::newest;
use crate::place::tool;
use crate::report::{Output, note};
use crate::text::event_line::LineStyle;
use crate::text::numbers::counted_as;
use crate::text::paint::room;

/// How one event is shown: as JSON, or as a line in some style.
pub(crate) struct View(Option<LineStyle>);

impl View {
    pub(crate) fn new(context: &Context) -> Self {
        let style = || LineStyle { zone: context.zone.clone(), paint: context.paint, room: room() };
        Self((!context.json).then(style))
    }

    pub(crate) fn show(&self, event: &Fields<'_>, out: &mut Output) -> Result<()> {
        match &self.0 {
            None => out.json(event.text),
            Some(style) => out.line(&style.line(event)),
        }
    }
}

fn skipped(lines: u64) {
    let said = counted_as(lines, "line is not an event", "lines are not events");
    note(&format!("{said}; '{} verify' tells more.", tool()));
}

pub(crate) fn run(mut context: Context, args: &TailArgs) -> Result<Exit> {
    let filter = args.filters.filter(&context.zone, &context.call)?;
    if args.follow {
        context.folder.not_a_file(&context.call)?;
    } else {
        context.must_exist()?;
    }
    let view = View::new(&context);
    let log = StoreFile::open(&context.folder.path, LOG)?;
    let mut offset = 0;
    if let Some(log) = &log {
        let found = newest(log, &filter, args.lines, args.follow)?;
        offset = found.end;
        let Context { out, .. } = &mut context;
        found.each(log, &mut |event| view.show(event, out))?;
        context.out.flush()?;
        if found.malformed > 0 {
            skipped(found.malformed);
        }
        if found.is_empty() && args.lines > 0 && offset > 0 && !context.json && !args.follow {
            note(if filter.is_empty() { "There are no events yet." } else { "No event matches." });
        }
    }
    if context.folder.exists && offset == 0 && !context.json && !args.follow {
        note("There are no events yet.");
    }
    if !args.follow {
        return Ok(Exit::Done);
    }
    if !context.json {
        note(&if context.folder.exists {
            "Waiting for events; Ctrl-C ends it.".to_owned()
        } else {
            format!("There is no folder {}; waiting for it. Ctrl-C ends it.", context.folder.shown())
        });
    } else if !context.folder.exists {
        note(&format!("There is no folder {} yet.", context.folder.shown()));
    }
    let mut followed = Followed::new(&context.folder.path, log, offset)?;
    loop {
        let Context { out, .. } = &mut context;
        let looked = followed.poll(&mut |event| {
            let fields = Fields::of(event);
            if filter.matches(&fields) { view.show(&fields, out) } else { Ok(()) }
        })?;
        if looked.malformed > 0 {
            skipped(looked.malformed);
        }
        for missed in looked.gaps {
            note(&gap(missed));
        }
        out.flush()?;
        followed.wait();
    }
}

fn gap(missed: Option<u64>) -> String {
    match missed {
        Some(events) => {
            let said = counted_as(events, "event was", "events were");
            format!("{said} removed unseen.")
        }
        None => "Events may be missing here: the log was cut, or another program replaced it.".to_owned(),
    }
}
