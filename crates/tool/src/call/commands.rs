//! All commands with their options: the text of `--help`, the completions and the man page come from here.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::filters::FilterArgs;
use super::values;
use crate::commands::compact::KeepArgs;

/// What stands below the help of the whole tool.
const TOOL_NOTES: &str = "\
Examples
  guidance-ledger stats                        what the default folder holds
  guidance-ledger tail -f                      watch events arrive
  guidance-ledger query --since 2h             the last two hours
  guidance-ledger init                         record an agent's tool calls

The folder is --dir, else $GUIDANCE_LEDGER_DIR, else .claude-flow/guidance.

Exit codes
  0  done; verify: nothing found
  1  verify, doctor, import, record: something is not in order; or the answer
     to a question was no
  2  the call is wrong, or there is no such folder
  3  another process holds the lock
  4  the disk or the system refused";

/// Record events, look at them, and keep their store in order
#[derive(Parser, Debug)]
#[command(name = "guidance-ledger", version, after_help = TOOL_NOTES, max_term_width = 100)]
#[command(disable_help_subcommand = false, infer_subcommands = false, subcommand_required = true)]
pub(crate) struct Call {
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct CommonArgs {
    /// The folder
    #[arg(long, help = "The folder [default: $GUIDANCE_LEDGER_DIR or .claude-flow/guidance]", global = true, value_name = "DIR", value_parser = values::path)]
    pub(crate) dir: Option<PathBuf>,
    /// JSON instead of text
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Times in UTC, not in the local zone
    #[arg(long, global = true)]
    pub(crate) utc: bool,
    /// No colours
    #[arg(long, help = "No colours, as with NO_COLOR=1", global = true)]
    pub(crate) no_color: bool,
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Record events: one from options, or those of stdin
    Record(RecordArgs),
    /// Record a tool call of a coding agent: reads what its hook gives on stdin
    Hook(HookArgs),
    /// Write the hook into an agent's settings
    Init(InitArgs),
    /// Print the path of this executable
    Which(WhichArgs),
    /// Show event counts and sizes
    Stats(StatsArgs),
    /// Show the newest events, and with -f those to come
    Tail(TailArgs),
    /// Find events by time, task, session, tool, file, rule, outcome
    Query(QueryArgs),
    /// Show one event in full
    Show(ShowArgs),
    /// Show rates per day or group and the rules that cost most; --html for charts
    Metrics(MetricsArgs),
    /// Compare two versions of the guidance, or before and after a time
    Compare(CompareArgs),
    /// Look at every line; --repair puts right what can be
    Verify(VerifyArgs),
    /// Keep the newest events, remove the others
    Compact(CompactArgs),
    /// Write events as NDJSON, JSON or CSV
    Export(ExportArgs),
    /// Add events from a file or from stdin
    Import(ImportArgs),
    /// Check that the store works here, and how fast
    Doctor(DoctorArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Print the man page
    Man,
    /// Take a folder's lock and keep it: started by doctor
    #[command(hide = true)]
    HoldLock {
        /// The folder
        folder: PathBuf,
    },
}

/// Options of record.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples
  guidance-ledger record --task T-17 --intent bug-fix --tool Edit --file src/a.rs \\
      --accepted --tests passed=12,failed=0 --violation rule=R-7,severity=high,auto
  guidance-ledger record < events.ndjson
  some-agent | guidance-ledger record --stream

Without options that describe an event, events are read from stdin: one JSON
object a line, or one object over several lines. An object without eventId or
timestamp gets them; its own bytes stay as they are. What is refused is
reported with its line, and the rest is stored.")]
pub(crate) struct RecordArgs {
    /// The task
    #[arg(long, value_name = "ID")]
    pub(crate) task: Option<String>,
    /// The session
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// The agent
    #[arg(long, value_name = "ID")]
    pub(crate) agent: Option<String>,
    /// The kind of work [default: general]
    #[arg(long, value_name = "KIND")]
    pub(crate) intent: Option<String>,
    /// Hash of the guidance in force
    #[arg(long, value_name = "HASH")]
    pub(crate) guidance: Option<String>,
    /// A tool that was used (may be repeated)
    #[arg(long, value_name = "NAME")]
    pub(crate) tool: Vec<String>,
    /// A file that was touched (may be repeated)
    #[arg(long, value_name = "PATH")]
    pub(crate) file: Vec<String>,
    /// A rule that was active (may be repeated)
    #[arg(long, value_name = "ID")]
    pub(crate) rule: Vec<String>,
    /// Lines that had to be done again
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::count)]
    pub(crate) rework: Option<u64>,
    /// Lines added
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::count)]
    pub(crate) added: Option<u64>,
    /// Lines removed
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::count)]
    pub(crate) removed: Option<u64>,
    /// How long the run took, as '90s'
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true, value_parser = values::span)]
    pub(crate) duration: Option<f64>,
    /// The outcome was accepted
    #[arg(long, conflicts_with = "rejected")]
    pub(crate) accepted: bool,
    /// The outcome was rejected
    #[arg(long)]
    pub(crate) rejected: bool,
    /// What the tests said: passed=N,failed=N,skipped=N
    #[arg(long, value_name = "COUNTS")]
    pub(crate) tests: Option<String>,
    /// A broken rule: rule=ID[,severity=LEVEL][,location=WHERE][,text=WHAT][,auto] (may be repeated)
    #[arg(long, value_name = "RULE")]
    pub(crate) violation: Vec<String>,
    /// A further property; the value as JSON, or a string where it is not JSON (may be repeated)
    #[arg(long, value_name = "KEY=VALUE", value_parser = values::pair)]
    pub(crate) set: Vec<(String, Vec<u8>)>,
    /// Accept each line of stdin as it comes, and print its id once it is accepted
    #[arg(long)]
    pub(crate) stream: bool,
    /// What accepted means: in the system's hands, or on the disk
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = Level::Process)]
    pub(crate) durability: Level,
}

/// Which failure an accepted event survives.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub(crate) enum Level {
    /// The end of this process
    #[default]
    Process,
    /// A power cut
    Disk,
}

/// Options of hook.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Stores one event for each PostToolUse, PostToolUseFailure, Stop and
SubagentStop, and nothing for other hooks. Prompts, commands, contents of files
and the environment are never recorded. The folder is --dir, else
.guidance-ledger/hooks at the project's root.

A hook never fails its host: the exit code is 0 and nothing is printed on
stdout, whatever happens. A failure goes to stderr and to hook-errors.log in the
folder; 'doctor' shows it.

Examples
  guidance-ledger init                      writes the hook into the settings
  guidance-ledger tail .guidance-ledger/hooks")]
pub(crate) struct HookArgs {}

/// Options of init.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the call")]
#[command(after_help = "\
The hook runs this executable by its absolute path: no Node, no npx and no
shell wrapper at a tool call. What the settings hold already stays as it is, in
its order; the file is copied first. Running it twice changes nothing.

Examples
  guidance-ledger init --print              show what would be written
  guidance-ledger init --user --yes         for all projects of this user")]
pub(crate) struct InitArgs {
    /// The agent
    #[arg(long, value_enum, default_value_t = Agent::ClaudeCode)]
    pub(crate) agent: Agent,
    /// Your settings for all projects
    #[arg(long, conflicts_with_all = ["project", "local"])]
    pub(crate) user: bool,
    /// The project's settings, which a team shares
    #[arg(long, conflicts_with = "local")]
    pub(crate) project: bool,
    /// Your settings for this project [default]
    #[arg(long)]
    pub(crate) local: bool,
    /// Only show what would be written
    #[arg(long)]
    pub(crate) print: bool,
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Agents whose settings are known.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Agent {
    /// Claude Code
    ClaudeCode,
}

/// Options of which.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples
  guidance-ledger which
  \"$(npx guidance-ledger which)\" record --task T-17     without Node from then on")]
pub(crate) struct WhichArgs {}

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

/// Options of verify.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Finds lines that are not events, half a line at the end, ids that occur more
than once, times that cannot be, and an index.json that does not agree.

--repair copies the log to events.backup.<time>.ndjson, moves lines that are not
events to events.rejected.ndjson, byte for byte, half a line at the end
included, and writes index.json anew. If only index.json is wrong, the log is
neither changed nor copied. No event is removed: events that share an id stay.

Examples
  guidance-ledger verify
  guidance-ledger verify --json | jq '.malformed'
  guidance-ledger verify --repair --yes")]
pub(crate) struct VerifyArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
    /// Put right what was found, after a backup
    #[arg(long)]
    pub(crate) repair: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) yes: YesArgs,
}

/// Options of compact.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
By timestamp. What is removed is gone: 'export' first what you want to keep.
Lines that are not events are moved to events.rejected.ndjson. Appends that
arrive meanwhile are kept.

Examples
  guidance-ledger compact --dry-run
  guidance-ledger compact --max-events 50000 --yes
  guidance-ledger compact --older-than 90d --max-bytes 100MB --yes")]
pub(crate) struct CompactArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
    /// Only say how many would be removed
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
    #[command(flatten)]
    pub(crate) yes: YesArgs,
}

/// How long to wait for the lock.
#[derive(Args, Clone, Debug)]
pub(crate) struct LockArgs {
    /// How long to wait for another holder of the lock
    #[arg(long, value_name = "SPAN", allow_negative_numbers = true, default_value = "5s", value_parser = values::span)]
    pub(crate) lock_timeout: f64,
}

/// Whether to ask.
#[derive(Args, Clone, Debug)]
pub(crate) struct YesArgs {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Options of export.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
--out writes a file that is there whole or not at all, and replaces one of that
name; '-' is stdout. CSV has one row per event: lists are joined, violations are
counted and their rules named, and a text that a spreadsheet would run as a
formula gets an apostrophe before it. NDJSON and JSON keep everything, and
'import' reads both.

Examples
  guidance-ledger export --out events.ndjson
  guidance-ledger export --format csv --since 7d --out week.csv
  guidance-ledger export --format json | jq 'length'")]
pub(crate) struct ExportArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
    /// The format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Format::Ndjson)]
    pub(crate) format: Format,
    /// Into this file, not to stdout
    #[arg(short, long, value_name = "FILE", value_parser = values::path)]
    pub(crate) out: Option<PathBuf>,
    /// At most so many, the newest in the log
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::count)]
    pub(crate) limit: Option<u64>,
    /// With --limit: the oldest instead
    #[arg(long)]
    pub(crate) oldest: bool,
    #[command(flatten)]
    pub(crate) filters: FilterArgs,
}

/// Formats of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Format {
    /// One event a line
    Ndjson,
    /// One array
    Json,
    /// A table
    Csv,
}

/// Options of import.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Reads NDJSON or one JSON array, of any size; without FILE, or with '-', from
stdin. Events whose ids are there already are skipped, so an import that was
interrupted can be run again. What is not an event (an object with a taskId and
a timestamp) is refused and reported; then the exit code is 1, and the others
are added all the same.

Examples
  guidance-ledger import events.ndjson
  guidance-ledger import --dir new < old/events.ndjson
  guidance-ledger import --dry-run events.json")]
pub(crate) struct ImportArgs {
    /// The file; stdin if there is none
    #[arg(value_parser = values::path)]
    pub(crate) file: Option<PathBuf>,
    /// Only count
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
}

/// Options of doctor.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Looks at the platform, the executable, the folder and its file system, and tests
the lock, fsync and appending in a temporary folder, which is removed
afterwards. Exit code 1 if anything failed; warnings do not count.

Examples
  guidance-ledger doctor
  guidance-ledger doctor /mnt/share/guidance    is this share good enough?
  guidance-ledger doctor --json                 for a bug report")]
pub(crate) struct DoctorArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
}

/// Options of completions.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Examples
  guidance-ledger completions bash > /etc/bash_completion.d/guidance-ledger
  guidance-ledger completions zsh > ~/.zfunc/_guidance-ledger
  guidance-ledger completions fish > ~/.config/fish/completions/guidance-ledger.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
