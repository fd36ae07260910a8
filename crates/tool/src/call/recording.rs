//! Options of the commands that record, and that set recording up.

use clap::Args;

use super::values;

/// Options of record.
#[derive(Args, Clone, Debug, Default)]
#[command(after_help = "\
Examples
  guidance-ledger record --task T-17 --intent bug-fix --tool Edit --accepted \\
      --file src/a.rs --tests passed=12,failed=0 \\
      --violation rule=R-7,severity=high,auto
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
  \"$(npx guidance-ledger which)\" record --task T-17   without Node from then on")]
pub(crate) struct WhichArgs {}
