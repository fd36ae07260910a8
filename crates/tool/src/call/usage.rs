//! A wrong call, answered with what is wrong and the nearest right call.
//!
//! clap finds the mistake and what was probably meant; the words are ours, since a word of the call may hold anything
//! and must not reach a terminal as it is.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::exit::Failure;
use crate::text::safe::safe;

const TOOL: &str = "guidance-ledger";

/// What is wrong with a call of `tool`. `args` are its words, without the tool's name.
pub(crate) fn failure(error: &clap::Error, args: &[String], tool: &Command) -> Failure {
    let call = Words { args, tool, command: args.iter().find(|word| tool.find_subcommand(word).is_some()) };
    let text = |kind: ContextKind| context(error, kind);
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    let flag = argument.split([' ', '=']).next().unwrap_or_default().to_owned();
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            call.unknown_command(&name, text(ContextKind::SuggestedSubcommand))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            Failure::usage("which command?", format!("{TOOL} --help"))
        }
        ErrorKind::UnknownArgument => call.unknown_argument(&argument, text(ContextKind::SuggestedArg)),
        ErrorKind::InvalidValue if text(ContextKind::InvalidValue).is_none_or(|value| value.is_empty()) => {
            Failure::usage(format!("{} needs a value", safe(&flag)), call.with(&argument))
        }
        ErrorKind::InvalidValue => {
            let value = text(ContextKind::InvalidValue).unwrap_or_default();
            let valid = text(ContextKind::ValidValue).unwrap_or_default();
            let near = text(ContextKind::SuggestedValue);
            let message = format!("{} takes one of {valid}; got '{}'", safe(&flag), safe(&value));
            let near = near.unwrap_or_else(|| nearest(&value, valid.split(", ")).to_owned());
            Failure::usage(message, call.with(&format!("{flag} {near}")))
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            if reason == "needs a value" {
                return Failure::usage(format!("{} needs a value", safe(&flag)), call.with(&argument));
            }
            let example = example_of(&reason);
            Failure::usage(
                format!("{} takes {}", safe(&flag), safe(&reason)),
                call.with(&format!("{flag} {example}")),
            )
        }
        ErrorKind::TooManyValues => {
            let value = text(ContextKind::InvalidValue).unwrap_or_default();
            let message = if flag.starts_with('-') {
                format!("{} takes no value", safe(&flag))
            } else {
                format!("unexpected argument '{}'", safe(&value))
            };
            Failure::usage(message, if flag.starts_with('-') { call.with(&flag) } else { call.help() })
        }
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg).unwrap_or_default();
            let message = if other == argument {
                format!("{} was given twice", safe(&flag))
            } else {
                format!("{} and {} exclude each other", safe(&flag), safe(&other))
            };
            Failure::usage(message, call.help())
        }
        ErrorKind::MissingRequiredArgument => Failure::usage(
            format!("{} is missing", safe(&argument.replace(['<', '>'], ""))),
            call.with(&argument),
        ),
        _ => Failure::usage(safe(error.to_string().trim().trim_start_matches("error: ")), call.help()),
    }
}

/// The word that is most like another one.
fn nearest<'a>(word: &str, words: impl Iterator<Item = &'a str>) -> &'a str {
    words.min_by_key(|known| strsim::damerau_levenshtein(word, known)).unwrap_or_default()
}

/// An example of a value, after the words that refused one.
fn example_of(reason: &str) -> &'static str {
    if reason.starts_with("a time span") {
        "5s"
    } else if reason.starts_with("a size") {
        "100MB"
    } else if reason.starts_with("KEY") {
        "KEY=VALUE"
    } else {
        "20"
    }
}

fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        ContextValue::Strings(texts) => {
            let texts: Vec<_> = texts.iter().filter(|text| !text.is_empty()).cloned().collect();
            (!texts.is_empty()).then(|| texts.join(", "))
        }
        ContextValue::StyledStr(text) => Some(text.to_string()),
        ContextValue::StyledStrs(texts) => texts.first().map(ToString::to_string),
        ContextValue::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The words of the call that was wrong.
struct Words<'a> {
    args: &'a [String],
    tool: &'a Command,
    command: Option<&'a String>,
}

impl Words<'_> {
    fn base(&self) -> String {
        self.command.map_or_else(|| TOOL.to_owned(), |command| format!("{TOOL} {command}"))
    }

    fn with(&self, more: &str) -> String {
        // clap writes `--since <TIME>`, people `--since TIME`.
        let more: String = more.chars().filter(|char| !matches!(char, '<' | '>')).collect();
        format!("{} {}", self.base(), safe(&more))
    }

    /// A flag with what its value is called.
    fn with_value(&self, flag: &str) -> String {
        let command = self.command.and_then(|name| self.tool.find_subcommand(name)).unwrap_or(self.tool);
        let named = |arg: &&Arg| arg.get_long().is_some_and(|long| flag.strip_prefix("--") == Some(long));
        let arg = command.get_arguments().chain(self.tool.get_arguments()).find(named);
        let value =
            arg.filter(|arg| arg.get_action().takes_values()).and_then(|arg| arg.get_value_names()?.first());
        value.map_or_else(|| flag.to_owned(), |value| format!("{flag} {value}"))
    }

    fn help(&self) -> String {
        format!("{} --help", self.base())
    }

    fn unknown_command(&self, name: &str, near: Option<String>) -> Failure {
        let shown = safe(name);
        if name == "version" {
            return Failure::usage(format!("unknown command '{shown}'"), format!("{TOOL} --version"));
        }
        if let (Some(command), None) = (self.command, &near) {
            let others: Vec<_> =
                self.args.iter().filter(|word| *word != command).map(|word| safe(word)).collect();
            let message =
                format!("'{shown}' is not a command; the options of a command stand behind its name");
            return Failure::usage(message, format!("{TOOL} {command} {}", others.join(" ")));
        }
        let position = self.args.iter().position(|word| word == name).map_or(0, |at| at + 1);
        let rest: Vec<_> =
            self.args.get(position..).unwrap_or_default().iter().map(|word| safe(word)).collect();
        let names =
            self.tool.get_subcommands().filter(|command| !command.is_hide_set()).map(Command::get_name);
        let near = near.map(|near| near.split(", ").next().unwrap_or_default().to_owned()).or_else(|| {
            let nearest = nearest(name, names);
            (strsim::damerau_levenshtein(nearest, name) <= 2).then(|| nearest.to_owned())
        });
        let help =
            if self.args.first().is_some_and(|word| word == "help") { vec!["--help".into()] } else { rest };
        let hint = match near {
            Some(near) => [vec![TOOL.into(), near.into()], help].concat().join(" "),
            None => format!("{TOOL} --help"),
        };
        Failure::usage(format!("unknown command '{shown}'"), hint)
    }

    fn unknown_argument(&self, argument: &str, near: Option<String>) -> Failure {
        let shown = safe(argument);
        if !argument.starts_with('-') {
            return Failure::usage(format!("unexpected argument '{shown}'"), self.help());
        }
        let number = |word: &&String| {
            word.starts_with(argument)
                && word.strip_prefix('-').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        // clap takes `-30` for `-3` and what follows it.
        let argument = self.args.iter().find(number).map_or(argument, String::as_str);
        let shown = safe(argument);
        let digits = argument.trim_start_matches('-');
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let hint = if self.command.is_some_and(|command| command == "tail") {
                self.with(&format!("-n {digits}"))
            } else {
                self.help()
            };
            return Failure::usage(format!("unknown option {shown}"), hint);
        }
        let hint = near.map_or_else(|| self.help(), |near| self.with(&self.with_value(&near)));
        Failure::usage(format!("unknown option {shown}"), hint)
    }
}
