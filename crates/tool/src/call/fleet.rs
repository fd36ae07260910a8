//! Options of the commands about a store that many machines share.

use clap::{Args, ValueEnum};

use super::filters::FilterArgs;
use super::values;

/// What `fleet` is to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum FleetAction {
    /// Prepare the store and this folder
    Init,
    /// Ship what waits in this folder
    Ship,
    /// Show what waits, and with --remote who ships
    Status,
    /// Look at each step of the way to the store
    Doctor,
    /// Print the events of all machines, in the order of time
    Query,
    /// Print the events of all machines as they come
    Follow,
    /// Remove the oldest events from the store
    Compact,
    /// Offer what the folder holds again
    Reship,
    /// Give the ledger more lanes
    Lanes,
    /// Bring the store to this version
    Migrate,
}

/// Options of fleet.
#[derive(Args, Clone, Debug)]
#[command(after_help = "\
init      creates the schema and the ledger in a PostgreSQL, unless they are
          there, and has this folder keep what is not shipped
ship      ships what waits, each event once, and what comes; --once ends then
status    shows what waits; --remote asks the store who ships, and how much it
          has
doctor    looks at names, ports, certificates, rights and settings of the server
query     prints the events of all machines, in the order of time
follow    prints the events of all machines as they arrive
compact   removes the oldest events from the store; other folders keep theirs
reship    has the next shipping offer what this folder holds again: all of it,
          or with --since TIME from the first event on that is as new
lanes N   gives the ledger more lanes, for many machines that ship at once
migrate   brings the schema to this version

The address is a URL or a list of KEY=VALUE as libpq takes it; without --url it
is $GUIDANCE_FLEET_URL, else that of the folder, else libpq's PGHOST, PGSERVICE,
… The password comes from PGPASSWORD or a passfile, and is not kept in the
folder. A host other than this machine needs a certificate that can be verified
(sslmode, sslrootcert).

Exit codes beside those of all commands
  5  the store cannot be reached, or refuses
  6  not all was shipped within --timeout

Examples
  guidance-ledger fleet init --url postgres://host_a@db.example/agents
  guidance-ledger fleet init --sql | psql agents
  guidance-ledger fleet ship
  guidance-ledger fleet ship --once --timeout 30s
  guidance-ledger fleet status --remote
  guidance-ledger fleet query --since 2h --task T-17 --json
  guidance-ledger fleet compact --max-events 1000000 --dry-run")]
#[expect(clippy::struct_excessive_bools, reason = "options of several actions")]
pub(crate) struct FleetArgs {
    /// What to do
    #[arg(
        value_name = "ACTION",
        value_enum,
        hide_possible_values = true,
        help = "init, ship, status, doctor, query, follow, compact, reship, lanes or migrate"
    )]
    pub(crate) action: FleetAction,
    /// lanes: how many
    #[arg(value_name = "N", help = "lanes: how many there are to be", value_parser = values::count)]
    pub(crate) number: Option<u64>,
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
    /// init, migrate: print the SQL
    #[arg(long, help = "init, migrate: only print the SQL")]
    pub(crate) sql: bool,
    /// ship: end when nothing waits
    #[arg(long, help = "ship: end when nothing waits")]
    pub(crate) once: bool,
    /// ship: end when nothing came for so long
    #[arg(long, value_name = "SPAN", help = "ship: end when nothing came for so long", value_parser = values::span)]
    pub(crate) linger: Option<f64>,
    /// ship: how long to try again
    #[arg(long, value_name = "SPAN", help = "ship --once: how long to try again [default: 60s]", value_parser = values::span)]
    pub(crate) timeout: Option<f64>,
    /// status: ask the store
    #[arg(long, help = "status: ask the store who ships, and how much it has")]
    pub(crate) remote: bool,
    /// follow: where to begin
    #[arg(long, value_name = "PLACE", help = "follow: start, now, or a cursor [default: now]", value_parser = values::some)]
    pub(crate) from: Option<String>,
    /// compact: how many to keep
    #[arg(long, value_name = "N", help = "compact: how many events to keep", value_parser = values::count)]
    pub(crate) max_events: Option<u64>,
    /// compact: only count
    #[arg(long, help = "compact: only tell how many events would go")]
    pub(crate) dry_run: bool,
    /// compact: ask nothing
    #[arg(long, help = "compact: do not ask")]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) filters: FilterArgs,
}
