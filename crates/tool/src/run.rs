//! From the words of a call to an exit code.
//!
//! Invariant: `hook` ends with 0 whatever happens. `record` and `hook` are parsed by themselves: the other commands
//! with all their options cost more than the rest of such a call.

use std::ffi::OsString;
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser};

use crate::call::commands::{Call, Command, CommonArgs};
use crate::call::recording::{HookArgs, RecordArgs};
use crate::call::usage;
use crate::commands;
use crate::context::Context;
use crate::exit::{Exit, Failure, Result};
use crate::report::{Output, note};
use crate::text::paint::room;

/// A call of record alone.
#[derive(Parser, Debug)]
#[command(name = "guidance-ledger record", version)]
struct RecordCall {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    record: RecordArgs,
}

/// A call of hook alone.
#[derive(Parser, Debug)]
#[command(name = "guidance-ledger hook", version)]
struct HookCall {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    hook: HookArgs,
}

/// Runs the call of this process.
#[must_use]
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    let first = args.first().and_then(|word| word.to_str()).unwrap_or_default();
    let asks = args.iter().any(|word| word == "--help" || word == "-h" || word == "--version");
    let result = match first {
        "hook" if !asks => {
            // Nothing that happens here may fail the host.
            let _ = catch_unwind(|| hook(&args));
            return ExitCode::SUCCESS;
        }
        "record" if !asks => record(&args),
        _ => run(&args),
    };
    match result {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(failure) => {
            if let Some(message) = failure.message() {
                note(&format!("guidance-ledger: {message}"));
            }
            ExitCode::from(failure.code())
        }
    }
}

fn hook(args: &[OsString]) {
    let dir = match HookCall::try_parse_from(args) {
        Ok(call) => call.common.dir,
        Err(error) => {
            // Options that a later version knows are no reason to record nothing.
            note(&format!("guidance-ledger: {}", crate::text::safe::safe(error.to_string().trim())));
            None
        }
    };
    commands::hook::run(dir.as_deref());
}

fn record(args: &[OsString]) -> Result<Exit> {
    let call = RecordCall::try_parse_from(args).map_err(|error| wrong(&error, args))?;
    commands::record::run(&call.common, &call.record)
}

fn run(args: &[OsString]) -> Result<Exit> {
    let words = std::iter::once(OsString::from("guidance-ledger")).chain(args.iter().cloned());
    let command = Call::command().term_width(room().unwrap_or(80).min(100)).propagate_version(true);
    let parsed = command.try_get_matches_from(words).and_then(|matches| Call::from_arg_matches(&matches));
    match parsed {
        Ok(call) => dispatch(&call),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp => say(&error.render().to_string()),
            ErrorKind::DisplayVersion => say(concat!(env!("CARGO_PKG_VERSION"), "\n")),
            _ => Err(wrong(&error, args)),
        },
    }
}

fn say(text: &str) -> Result<Exit> {
    let mut out = Output::new();
    out.bytes(text.as_bytes())?;
    out.flush()?;
    Ok(Exit::Done)
}

fn wrong(error: &clap::Error, args: &[OsString]) -> Failure {
    let words: Vec<String> = args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    usage::failure(error, &words, &Call::command())
}

fn dispatch(call: &Call) -> Result<Exit> {
    let common = &call.common;
    let context =
        |name: &str, folder: Option<&PathBuf>| Context::new(common, name, folder.map(PathBuf::as_path));
    match &call.command {
        Command::Record(args) => commands::record::run(common, args),
        Command::Hook(_) => {
            commands::hook::run(common.dir.as_deref());
            Ok(Exit::Done)
        }
        Command::Init(args) => commands::init::run(common, args),
        Command::Which(_) => commands::which::run(common),
        Command::Stats(args) => commands::stats::run(context("stats", args.folder.as_ref())?),
        Command::Tail(args) => commands::tail::run(context("tail", args.folder.as_ref())?, args),
        Command::Query(args) => commands::query::run(context("query", args.folder.as_ref())?, args),
        Command::Show(args) => commands::show::run(context("show", None)?, args),
        Command::Metrics(args) => commands::metrics::run(context("metrics", args.folder.as_ref())?, args),
        Command::Compare(args) => commands::compare::run(context("compare", None)?, args),
        Command::Verify(args) => commands::verify::run(context("verify", args.folder.as_ref())?, args),
        Command::Compact(args) => commands::compact::run(context("compact", args.folder.as_ref())?, args),
        Command::Archive(args) => commands::archive::run(context("archive", args.folder.as_ref())?, args),
        Command::Backup(args) => commands::backup::backup(context("backup", args.folder.as_ref())?, args),
        Command::Restore(args) => commands::backup::restore(context("restore", None)?, args),
        Command::Export(args) => commands::export::run(context("export", args.folder.as_ref())?, args),
        Command::Import(args) => commands::import::run(context("import", None)?, args),
        Command::Fleet(args) => commands::fleet::run(context("fleet", None)?, args),
        Command::Doctor(args) => commands::doctor::run(context("doctor", args.folder.as_ref())?),
        Command::Completions(args) => commands::completions::completions(args),
        Command::Man => commands::completions::man(),
        Command::HoldLock { folder } => commands::doctor::hold_lock(folder),
    }
}
