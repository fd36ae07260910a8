//! Options of the commands that look at events.

use std::path::PathBuf;

use clap::Args;

use super::filters::FilterArgs;
use super::values;

/// Options of stats.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Everything is counted from the log. 'Index' says whether index.json, which other
programs may read, agrees.

Examples
  guidance-ledger stats                     the default folder
  guidance-ledger stats ./folder --json     another folder, for a program")]
pub(crate) struct StatsArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
}

/// Options of tail.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Events come in the order of the log; with --json as NDJSON. -f goes on until it
is stopped, waits for a log that is not there yet, and survives compactions:
each event is shown once.

Examples
  guidance-ledger tail -n 3
  guidance-ledger tail -f --outcome rejected
  guidance-ledger tail -n 0 -f --json | jq -c '.violations[]'")]
pub(crate) struct TailArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
    /// How many
    #[arg(short = 'n', long, visible_alias = "limit", value_name = "N", allow_negative_numbers = true, default_value = "10", value_parser = values::count)]
    pub(crate) lines: u64,
    /// Wait for more
    #[arg(short, long)]
    pub(crate) follow: bool,
    #[command(flatten)]
    pub(crate) filters: FilterArgs,
}

/// Options of query.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
All conditions must hold. Events come in the order of the log; with --json as
NDJSON, one event a line. A value that begins with a dash is written with an
equals sign: --task=-x.

Examples
  guidance-ledger query --since 2h
  guidance-ledger query --since 2026-03-01 --until 2026-03-07 --intent bug-fix
  guidance-ledger query --file '*.rs' --outcome rejected --limit 20
  guidance-ledger query --task task-42 --json | jq '.violations'")]
pub(crate) struct QueryArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
    /// At most so many, the newest in the log
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::count)]
    pub(crate) limit: Option<u64>,
    /// With --limit: the oldest instead
    #[arg(long)]
    pub(crate) oldest: bool,
    /// Read the archive as well, before the log
    #[arg(long)]
    pub(crate) archive: bool,
    #[command(flatten)]
    pub(crate) filters: FilterArgs,
}

/// Options of show.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples
  guidance-ledger show 79d8afb1-9038-4d0c-b0e3-3cfeddca05bd
  guidance-ledger show 79d8afb1 --json      the beginning of an id is enough")]
pub(crate) struct ShowArgs {
    /// The event's id, or its beginning if that is enough
    #[arg(value_parser = values::some)]
    pub(crate) id: String,
    /// Read the archive as well, before the log
    #[arg(long)]
    pub(crate) archive: bool,
}

/// Options of metrics.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
The cost of a rule is the mean of rework lines in the events that broke it, its
score is cost times frequency. A rate is '–' where there is nothing to count.
Intervals hold the true rate in 19 of 20 cases.

Examples
  guidance-ledger metrics --since 30d
  guidance-ledger metrics --by guidance
  guidance-ledger metrics --html metrics.html
  guidance-ledger metrics --json | jq '.ranking[0]'")]
pub(crate) struct MetricsArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
    /// One row for each of these
    #[arg(long, value_name = "GROUP", value_enum)]
    pub(crate) by: Option<By>,
    /// Write a page with charts; '-' for stdout
    #[arg(long, value_name = "FILE", value_parser = values::path)]
    pub(crate) html: Option<PathBuf>,
    /// Read the archive as well, before the log
    #[arg(long)]
    pub(crate) archive: bool,
    #[command(flatten)]
    pub(crate) filters: FilterArgs,
}

/// What events are grouped by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum By {
    Day,
    Guidance,
    Session,
    Agent,
    Tool,
    Intent,
    Rule,
}

/// Options of compare.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
A change within the noise says so: then the interval of the difference holds
zero.

Examples
  guidance-ledger compare a1b2c3d4 f6e5d4c3     two versions of the guidance
  guidance-ledger compare --before 2026-03-01   before and after a day
  guidance-ledger compare --before 7d --after 7d")]
pub(crate) struct CompareArgs {
    /// Guidance before, and guidance after: a hash, or its beginning if that is enough
    #[arg(value_name = "HASH", num_args = 0..=2, value_parser = values::some)]
    pub(crate) hashes: Vec<String>,
    /// Events before this time, against those from --after on
    #[arg(long, value_name = "TIME", value_parser = values::some)]
    pub(crate) before: Option<String>,
    /// Events from this time on [default: the time of --before]
    #[arg(long, value_name = "TIME", value_parser = values::some)]
    pub(crate) after: Option<String>,
    #[command(flatten)]
    pub(crate) filters: FilterArgs,
}
