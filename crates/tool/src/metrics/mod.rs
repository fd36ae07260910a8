//! Sums over events, and what can be said from them.
//!
//! ```text
//! tallies   all sums of one pass: by day, rule, guidance, session, agent, tool, kind of work
//! weeks     the last whole week beside the one before
//! measure   the rates, which way is better, what a change means
//! interval  how far off a rate may be
//! tally     the sums over some events
//! run       one event, as far as it is counted
//! ```

pub(crate) mod interval;
pub(crate) mod measure;
pub(crate) mod run;
pub(crate) mod tallies;
pub(crate) mod tally;
pub(crate) mod weeks;
