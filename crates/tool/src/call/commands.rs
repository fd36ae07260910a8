//! All commands: the text of `--help`, the completions and the man page come from here and from their options beside
//! this file.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::fleet::FleetArgs;
use super::keeping::{
    ArchiveArgs, BackupArgs, CompactArgs, CompletionsArgs, DoctorArgs, ExportArgs, ImportArgs, RestoreArgs,
    VerifyArgs,
};
use super::looking::{CompareArgs, MetricsArgs, QueryArgs, ShowArgs, StatsArgs, TailArgs};
use super::recording::{HookArgs, InitArgs, RecordArgs, WhichArgs};
use super::values;

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
  4  the disk or the system refused
  5  fleet: the shared store cannot be reached, or refuses
  6  fleet: not all was shipped in time";

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
    /// List the archives of compact, or print their events
    Archive(ArchiveArgs),
    /// Write a whole, verified copy of the log
    Backup(BackupArgs),
    /// Make a log from a backup, in a new folder
    Restore(RestoreArgs),
    /// Write events as NDJSON, JSON or CSV
    Export(ExportArgs),
    /// Add events from a file or from stdin
    Import(ImportArgs),
    /// Ship events to a store that many machines share
    Fleet(FleetArgs),
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
