//! `completions` and `man`: what clap makes of the commands for shells and manuals.

use clap::CommandFactory;

use crate::call::commands::Call;
use crate::call::keeping::CompletionsArgs;
use crate::exit::{Exit, Failure, Result};
use crate::report::Output;

const TOOL: &str = "guidance-ledger";

/// Prints completions for a shell.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Call::command(), TOOL, &mut text);
    print(&text)
}

/// Prints the man page: the tool, then each command.
pub(crate) fn man() -> Result<Exit> {
    let failed = |error| Failure::io("render", std::path::Path::new("the man page"), &error);
    let mut text = Vec::new();
    let mut tool = Call::command();
    tool.build();
    clap_mangen::Man::new(tool.clone()).render(&mut text).map_err(failed)?;
    for command in tool.get_subcommands().filter(|command| !command.is_hide_set()) {
        let page = clap_mangen::Man::new(command.clone());
        text.extend_from_slice(format!(".SH \"{}\"\n", command.get_name().to_uppercase()).as_bytes());
        page.render_description_section(&mut text).map_err(failed)?;
        page.render_options_section(&mut text).map_err(failed)?;
    }
    print(&text)
}

fn print(text: &[u8]) -> Result<Exit> {
    let mut out = Output::new();
    out.bytes(text)?;
    out.flush()?;
    Ok(Exit::Done)
}
