//! Options of the commands that keep a folder in order, bring events in and out, and help with the tool.

use std::path::PathBuf;

use clap::Args;

use super::filters::FilterArgs;
use super::values;
use crate::commands::compact::KeepArgs;

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
By timestamp. What is removed is gone, unless --archive keeps it: in a
compressed file named by the month. An event is in exactly one of log and
archive. DIR is the subfolder 'archive' if it is not given. 'archive' reads such
files.

Lines that are not events are moved to events.rejected.ndjson. Appends that
arrive meanwhile are kept.

Examples
  guidance-ledger compact --dry-run
  guidance-ledger compact --max-events 50000 --yes
  guidance-ledger compact --older-than 90d --max-bytes 100MB --yes
  guidance-ledger compact ./folder --older-than 90d --archive")]
pub(crate) struct CompactArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) keep: KeepArgs,
    /// Move them to the archive in DIR, instead of removing them
    #[arg(long, value_name = "DIR", num_args = 0..=1, value_parser = values::path)]
    #[expect(clippy::option_option, reason = "the option, and its value, may both be missing")]
    pub(crate) archive: Option<Option<PathBuf>>,
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

/// Options of archive.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Lists the files that 'compact --archive' has made, the oldest first. Each is
read to its end; exit code 1 if one is damaged. --all and --read write the
events of all, or of some, to stdout as NDJSON, each event once.

Examples
  guidance-ledger archive
  guidance-ledger archive --all --since 2026-01-01 --until 2026-01-31
  guidance-ledger archive --all | guidance-ledger import --dir restored")]
pub(crate) struct ArchiveArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
    /// The archives lie in DIR, not in the subfolder 'archive'
    #[arg(long, value_name = "DIR", value_parser = values::path)]
    pub(crate) from: Option<PathBuf>,
    /// Print the events of all archives
    #[arg(long, conflicts_with = "read")]
    pub(crate) all: bool,
    /// Print the events of this archive: its name or its path; may be repeated
    #[arg(long, value_name = "FILE", value_parser = values::path)]
    pub(crate) read: Vec<PathBuf>,
    /// Of the events that are printed, the last so many
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::count)]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) filters: FilterArgs,
}

/// Options of backup.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Holds the log as it is at one instant, while others go on writing: every whole
line, byte for byte, those that are not events included. The file is there whole
or not at all, and is read again before it is called done.

Examples
  guidance-ledger backup --out events.backup
  guidance-ledger backup /srv/agent/guidance --out /mnt/backup/today")]
pub(crate) struct BackupArgs {
    /// The folder
    #[arg(value_parser = values::path)]
    pub(crate) folder: Option<PathBuf>,
    /// Into this file
    #[arg(short, long, value_name = "FILE", value_parser = values::path)]
    pub(crate) out: PathBuf,
}

/// Options of restore.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
Never writes where a log is.

Examples
  guidance-ledger restore events.backup --dir ./restored
  guidance-ledger restore /mnt/backup/today   into the default folder")]
pub(crate) struct RestoreArgs {
    /// The backup
    #[arg(value_parser = values::path)]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) lock: LockArgs,
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
    /// Read the archive as well, before the log
    #[arg(long)]
    pub(crate) archive: bool,
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
  cd ~/.config/fish/completions
  guidance-ledger completions fish > guidance-ledger.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
