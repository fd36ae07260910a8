//! One run per storage call and fault: the scenario of a seed is run once to count its calls, then again and
//! again with one thing going wrong at one call.

use std::ops::Range;
use std::sync::Arc;

use super::chaos::{Fault, Moment, Plan};
use super::crew::Crew;
use super::errno::{EIO, EMFILE, ENOSPC};
use super::explore::{Failure, part_of, run};
use super::image::Medium;
use super::scenario::Scenario;
use super::subject::System;
use super::trace::Trace;
use super::workers::spread;

/// Each fault to try at each call, and whether it then meets all later calls of that kind.
fn faults(scenario: &Scenario) -> Vec<(Fault, bool)> {
    let mut faults = Vec::new();
    if scenario.allowed.errors {
        for errno in [EIO, ENOSPC, EMFILE] {
            faults.extend([(Fault::Error(errno), false), (Fault::Error(errno), true)]);
        }
        faults.extend([(Fault::DiskFull { calls: 10 }, false), (Fault::ReadOnly { calls: 10 }, false)]);
    }
    if scenario.allowed.shorts {
        faults.push((Fault::Short, false));
    }
    for moment in Moment::ALL {
        if scenario.allowed.kills {
            faults.push((Fault::Kill(moment), false));
        }
        if scenario.allowed.cuts {
            faults.extend(Medium::ALL.map(|medium| (Fault::Cut(moment, medium), false)));
        }
    }
    faults
}

/// Runs the scenario of each seed once per call and fault. Tells how many runs that were.
pub(crate) fn enumerate(
    scenario: &Scenario,
    system: &Arc<dyn System>,
    seeds: Range<u64>,
) -> Result<u64, Box<Failure>> {
    let scenario = &Arc::new(scenario.clone());
    let end = seeds.start + part_of(seeds.end - seeds.start);
    (seeds.start..end).map(|seed| enumerate_seed(scenario, system, seed)).sum()
}

fn enumerate_seed(
    scenario: &Arc<Scenario>,
    system: &Arc<dyn System>,
    seed: u64,
) -> Result<u64, Box<Failure>> {
    let try_plan = |plan: &Plan, crew: &Crew| {
        let outcome = run(scenario, system, seed, Some(plan.clone()), crew, Trace::default());
        let Some(failure) = outcome.failure else { return Ok(outcome.calls) };
        let again = run(scenario, system, seed, Some(plan.clone()), crew, Trace::on());
        let mut failure = again.failure.unwrap_or(failure);
        failure.why = format!("{plan:?}: {}", failure.why);
        Err(Box::new(failure))
    };
    let calls = try_plan(&Plan::Quiet, &Crew::default())?;
    let faults = faults(scenario);
    let failures = spread(0..calls, 0, |call, crew| {
        faults.iter().find_map(|&(fault, sticky)| try_plan(&Plan::At { call, fault, sticky }, crew).err())
    });
    match failures.into_iter().next() {
        Some((_, failure)) => Err(failure),
        None => Ok(calls * faults.len() as u64),
    }
}
