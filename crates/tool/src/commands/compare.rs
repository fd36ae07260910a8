//! `compare`: two versions of the guidance, or before and after a time.
//!
//! Invariant: a change is called better or worse only if the interval of the difference leaves zero out.

use std::collections::BTreeSet;

use crate::call::looking::CompareArgs;
use crate::commands::metrics::group_json;
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::json::compose::{Object, array};
use crate::log::fields::Fields;
use crate::log::select::{Part, each};
use crate::metrics::measure::{CALL_MEASURES, MEASURES, Measure, Verdict};
use crate::metrics::tallies::Tallies;
use crate::metrics::tally::Tally;
use crate::report::note;
use crate::text::event_line::shown;
use crate::text::numbers::{count, json as number, whole};
use crate::text::paint::room;
use crate::text::safe::safe;
use crate::text::tables::{fitting, table};
use crate::text::times::now_ms;

const HINT: &str = "guidance-ledger metrics --by guidance";

/// What stands on each side.
enum Sides {
    Guidance(String, String),
    /// Up to, and from.
    Times(f64, f64),
}

/// Which side an event belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

impl Sides {
    fn of(context: &Context, args: &CompareArgs) -> Result<Self> {
        let call = &context.call;
        let time = |flag: &str, text: &String| {
            context.zone.parse(text, false, now_ms()).ok_or_else(|| {
                Failure::usage(
                    format!("{flag} takes a time; got '{}'", safe(text)),
                    format!("{call} {flag} 7d"),
                )
            })
        };
        match (args.hashes.as_slice(), &args.before, &args.after) {
            ([before, after], None, None) => Ok(Self::Guidance(before.clone(), after.clone())),
            ([], Some(before), Some(after)) => {
                let (before, after) = (time("--before", before)?, time("--after", after)?);
                if before > after {
                    let message = "--before is later than --after: some events would be on both sides";
                    return Err(Failure::usage(message, format!("{call} --before 14d --after 7d")));
                }
                Ok(Self::Times(before, after))
            }
            ([], Some(both), None) => time("--before", both).map(|time| Self::Times(time, time)),
            ([], None, Some(both)) => time("--after", both).map(|time| Self::Times(time, time)),
            _ => Err(Failure::usage(
                "compare what? Two hashes, or --before TIME",
                format!("{call} --before 7d"),
            )),
        }
    }

    fn side(&self, event: &Fields<'_>) -> Option<Side> {
        match self {
            Self::Guidance(before, after) => {
                let hash = shown(event.guidance);
                match (hash.starts_with(before.as_str()), hash.starts_with(after.as_str())) {
                    (true, false) => Some(Side::Before),
                    (false, true) => Some(Side::After),
                    _ => None,
                }
            }
            Self::Times(before, after) => {
                let time = event.time();
                if time < *before { Some(Side::Before) } else { (time >= *after).then_some(Side::After) }
            }
        }
    }

    fn names(&self, context: &Context) -> [String; 2] {
        match self {
            Self::Guidance(before, after) => [safe(before).into_owned(), safe(after).into_owned()],
            Self::Times(before, after) => [
                format!("before {}", context.zone.show(*before)),
                format!("from {}", context.zone.show(*after)),
            ],
        }
    }
}

pub(crate) fn run(mut context: Context, args: &CompareArgs) -> Result<Exit> {
    let filter = args.filters.filter(&context.zone, &context.call)?;
    let sides = Sides::of(&context, args)?;
    let words = if matches!(sides, Sides::Guidance(..)) { "HASH HASH" } else { "--before TIME" };
    context.must_exist_with(words)?;
    let now = now_ms();
    let mut tallies = [Tallies::new(&context.zone, now), Tallies::new(&context.zone, now)];
    let mut hashes = [BTreeSet::new(), BTreeSet::new()];
    each(&context.folder.path, &filter, Part::All, &mut |event| {
        let Some(side) = sides.side(event) else { return Ok(()) };
        let [before, after] = &mut tallies;
        let [hashes_before, hashes_after] = &mut hashes;
        let (tally, hashes) =
            if side == Side::Before { (before, hashes_before) } else { (after, hashes_after) };
        tally.add(event);
        if hashes.len() < 3 {
            hashes.insert(shown(event.guidance));
        }
        Ok(())
    })?;
    let names = sides.names(&context);
    if matches!(sides, Sides::Guidance(..)) {
        for (name, found) in names.iter().zip(&hashes) {
            if found.is_empty() {
                return Err(Failure::usage(format!("no event has guidance {name}"), HINT));
            }
            if found.len() > 1 && !found.contains(name) {
                let all: Vec<_> = found.iter().map(String::as_str).collect();
                let message = format!("several hashes begin with {name}: {}", all.join(", "));
                return Err(Failure::usage(message, HINT));
            }
        }
    }
    let [before, after] = tallies.map(|tallies| tallies.total);
    let calls = before.calls + after.calls > 0.0;
    let measures: Vec<Measure> =
        MEASURES.into_iter().chain(CALL_MEASURES.into_iter().filter(|_| calls)).collect();
    if context.json {
        context.out.json(&json(&names, &before, &after, &measures))?;
    } else {
        print(&mut context, &names, &before, &after, &measures)?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}

fn json(names: &[String; 2], before: &Tally, after: &Tally, measures: &[Measure]) -> Vec<u8> {
    let [name_before, name_after] = names;
    let mut change = Object::new();
    for measure in measures {
        let difference =
            measure.value(after).zip(measure.value(before)).map(|(after, before)| after - before);
        let mut one = Object::new();
        one.maybe("difference", difference);
        let interval = measure.change(before, after);
        one.raw(
            "interval",
            interval.map_or_else(|| b"null".to_vec(), |(low, high)| array([number(low), number(high)])),
        );
        one.string("verdict", measure.verdict(before, after).words());
        change.object(measure.key, &one);
    }
    let mut said = Object::new();
    said.object("before", &group_json(name_before, before, measures))
        .object("after", &group_json(name_after, after, measures))
        .object("change", &change);
    said.text()
}

fn print(
    context: &mut Context,
    names: &[String; 2],
    before: &Tally,
    after: &Tally,
    measures: &[Measure],
) -> Result<()> {
    let [name_before, name_after] = names;
    context.out.line(&format!("Before: {name_before}"))?;
    context.out.line(&format!("After:  {name_after}"))?;
    context.out.line("")?;
    let mut rows = vec![["", "Before", "After", "Change", "May be"].map(str::to_owned).to_vec()];
    rows.push(vec![
        "Events".to_owned(),
        count(whole(before.events)),
        count(whole(after.events)),
        String::new(),
        String::new(),
    ]);
    let mut verdicts = vec![String::new(), String::new()];
    for measure in measures {
        let (old, new) = (measure.value(before), measure.value(after));
        if old.is_none() && new.is_none() {
            continue;
        }
        let difference = new.zip(old).map(|(new, old)| measure.show_difference(new - old));
        let interval = measure.change(before, after).map(|(low, high)| {
            format!("{} to {}", measure.show_difference(low), measure.show_difference(high))
        });
        rows.push(vec![
            measure.label.to_owned(),
            measure.show(old),
            measure.show(new),
            difference.unwrap_or_else(|| "–".to_owned()),
            interval.unwrap_or_else(|| "–".to_owned()),
        ]);
        let verdict = measure.verdict(before, after);
        let words = verdict.words();
        verdicts.push(match verdict {
            Verdict::Better => context.paint.green(&format!("✓ {words}")),
            Verdict::Worse => context.paint.red(&format!("✗ {words}")),
            _ => context.paint.dim(words),
        });
    }
    // The verdict tells most: the interval goes first where there is no room.
    let (rows, _) = fitting(&rows, room().map(|room| room.saturating_sub(26)));
    let lines = table(&rows, true);
    let columns = lines.iter().map(|line| crate::text::columns::width(line)).max().unwrap_or(0);
    for (line, verdict) in lines.iter().zip(&verdicts) {
        let line = crate::text::columns::pad(line, columns);
        context.out.line(format!("{line}  {verdict}").trim_end())?;
    }
    if before.events == 0.0 || after.events == 0.0 {
        note("One side has no events.");
    }
    Ok(())
}
