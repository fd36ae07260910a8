//! Following the log: what is there, then what comes, each event once, whatever replaces the log meanwhile.
//!
//! ```text
//! follower   looks, and reads
//! seen       what of which log was seen, and what that says of the log that took its place
//! track      how far which logs were read, and so which lines of the present one were seen
//! late       lines known by their events, where places say nothing
//! cursor     all of that as a text that another process takes up
//! given      events with their cursors
//! watch      waiting for the next look
//! ```
//!
//! A place in a log says what was seen until a rewrite sorts, drops and adds lines. Then `hints/moves` says where each
//! line of the new log stood in the old one, and the question is asked again there.
//!
//! Invariant: no event is given out twice, and none is passed over in silence; where neither can be known, a gap is
//! reported and what may have been seen is left out. Nothing is created, and no lock is taken.

pub(crate) mod cursor;
pub(crate) mod follower;
pub(crate) mod given;
mod late;
pub(crate) mod seen;
mod track;
pub(crate) mod watch;
