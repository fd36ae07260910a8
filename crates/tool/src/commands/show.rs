//! `show`: one event in full.

use event::needle::Needle;

use crate::call::looking::ShowArgs;
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::json::pretty::pretty;
use crate::json::value::Value;
use crate::log::filter::Filter;
use crate::log::select::each_with;
use crate::place::tool;
use crate::report::note;
use crate::text::safe::{push_json, safe, safe_bytes};

/// Ids that are named if one is not enough.
const NAMED: usize = 5;

pub(crate) fn run(mut context: Context, args: &ShowArgs) -> Result<Exit> {
    context.must_exist_with("ID")?;
    let wanted = args.id.as_bytes();
    let mut exact: Vec<Vec<u8>> = Vec::new();
    // Each id once, with the events that have it.
    let mut similar: Vec<(String, Vec<Vec<u8>>)> = Vec::new();
    let needle = Needle::of_beginning(wanted);
    let filter = Filter::default().with_archive(args.archive);
    each_with(&context.folder.path, &filter, needle.as_ref(), &mut |event| {
        let Some(id) = event.id.and_then(Value::string) else { return Ok(()) };
        if *id == *wanted {
            exact.push(event.text.to_vec());
        } else if id.starts_with(wanted) && similar.len() <= NAMED {
            let id = safe_bytes(&id);
            match similar.iter_mut().find(|(other, _)| *other == id) {
                Some((_, texts)) => texts.push(event.text.to_vec()),
                None => similar.push((id.into_owned(), vec![event.text.to_vec()])),
            }
        }
        Ok(())
    })?;
    let texts = match (exact.len(), similar.as_slice()) {
        (0, []) => {
            note(&format!("No event has the id {}. '{} query --json' shows ids.", safe(&args.id), tool()));
            return Ok(Exit::Findings);
        }
        (0, [(_, only)]) => only.clone(),
        (0, several) => {
            let named: Vec<_> = several.iter().take(NAMED).map(|(id, _)| id.as_str()).collect();
            let more = if several.len() > NAMED { ", …" } else { "" };
            let message = format!("several ids begin with {}: {}{more}", safe(&args.id), named.join(", "));
            return Err(Failure::usage(message, context.call_with(named.first().unwrap_or(&"ID"))));
        }
        _ => exact,
    };
    for text in &texts {
        if context.json {
            context.out.json(text)?;
        } else {
            let mut harmless = Vec::new();
            push_json(text, &mut harmless);
            context.out.bytes(&pretty(&harmless))?;
            context.out.bytes(b"\n")?;
        }
    }
    context.out.flush()?;
    if texts.len() > 1 {
        note(&format!("{} events have this id.", texts.len()));
    }
    Ok(Exit::Done)
}
