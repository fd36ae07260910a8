//! The log: from a line in memory to a line in the file, and what is known of it.

pub(crate) mod appender;
pub(crate) mod batch;
pub(crate) mod draft;
pub(crate) mod group_commit;
pub(crate) mod javascript_programs;
pub(crate) mod late_lines;
pub(crate) mod line_run;
pub(crate) mod log_columns;
pub(crate) mod missing_lines;
pub(crate) mod open_log;
pub(crate) mod parts;
pub(crate) mod queue;
pub(crate) mod recovery;
pub(crate) mod rejected;
pub(crate) mod tenure;
pub(crate) mod views;
