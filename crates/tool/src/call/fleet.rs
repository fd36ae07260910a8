//! Options of the commands about a store that many machines share.

use clap::{Args, ValueEnum};

use super::values;

/// What `fleet` is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum FleetAction {
    /// Prepare the store and this folder
    Init,
    /// Ship what waits in this folder
    Ship,
    /// Show what waits in this folder
    Status,
}

/// Options of fleet.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
init creates the schema and the ledger in a PostgreSQL, unless they are there,
and has this folder keep what is not shipped. --sql prints the SQL instead, for
an administrator. ship --once ships what waits, each event once, and ends.
status tells what waits; it asks no server.

The address is a URL or a list of KEY=VALUE as libpq takes it; without --url that
of the folder, else $GUIDANCE_FLEET_URL, else libpq's PGHOST, PGSERVICE, … The
password comes from PGPASSWORD or a passfile, and is not kept in the folder. A
host other than this machine needs a certificate that can be verified (sslmode,
sslrootcert).

Exit codes beside those of all commands
  5  the store cannot be reached, or refuses
  6  not all was shipped within --timeout

Examples
  guidance-ledger fleet init --url postgres://host_a@db.example/agents
  guidance-ledger fleet init --sql | psql agents
  guidance-ledger fleet ship --once --timeout 30s
  guidance-ledger fleet status --json")]
pub(crate) struct FleetArgs {
    /// What to do
    #[arg(value_name = "ACTION", value_enum, hide_possible_values = true, help = "init, ship or status")]
    pub(crate) action: FleetAction,
    /// init: the address of the store
    #[arg(long, value_name = "URL", value_parser = values::some)]
    pub(crate) url: Option<String>,
    /// init: the ledger in it
    #[arg(long, value_name = "NAME", help = "init: the ledger in it [default: default]", value_parser = values::some)]
    pub(crate) ledger: Option<String>,
    /// init: the schema
    #[arg(long, value_name = "NAME", help = "init: the schema [default: guidance_ledger]", value_parser = values::some)]
    pub(crate) schema: Option<String>,
    /// init: a name for this folder
    #[arg(long, value_name = "TEXT", help = "init: a name for this folder, for people", value_parser = values::some)]
    pub(crate) label: Option<String>,
    /// init: print the SQL
    #[arg(long, help = "init: only print the SQL")]
    pub(crate) sql: bool,
    /// ship: end when nothing waits
    #[arg(long, help = "ship: end when nothing waits")]
    pub(crate) once: bool,
    /// ship: how long to try again
    #[arg(long, value_name = "SPAN", help = "ship: how long to try again [default: 60s]", value_parser = values::span)]
    pub(crate) timeout: Option<f64>,
}
