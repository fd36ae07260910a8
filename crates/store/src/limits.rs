//! The sizes and times that the protocol and the promises are made of.
//!
//! What belongs to one format alone stands beside it: how large a block of the checkpoint is, say.

use std::time::Duration;

/// The outbox grows no longer than this: nothing is evicted then, until a shipper has been there.
pub(crate) const MAX_OUTBOX: u64 = 1 << 30;
/// Longest line that is accepted, in bytes without its newline.
pub const MAX_LINE: usize = 64 << 20;
/// Longest line that is read as an event: V8 has no longer strings (`buffer.constants.MAX_STRING_LENGTH`), and events
/// reach it between the two brackets of an array.
pub const MAX_READ_LINE: usize = 536_870_888 - 2;
/// More bytes of lines than this do not wait in memory.
pub(crate) const MAX_WAITING: usize = 64 << 20;
/// Most of `.lock` that is ever read.
pub(crate) const MAX_LOCK_FILE: usize = 4096;
/// A store with more tasks than this is large: its `index.json` is not rewritten at each append.
pub(crate) const SMALL_TASKS: usize = 1000;
/// … or with more bytes of task names than this.
pub(crate) const SMALL_TASK_BYTES: usize = 256 << 10;

/// A foreign `.lock` older than this belongs to a dead process (the original's rule).
pub(crate) const LOCK_STALE_MS: i64 = 30_000;
/// How often a held `.lock` gets a new timestamp.
pub(crate) const LOCK_REFRESH: Duration = Duration::from_secs(10);
/// An unreadable `.lock` younger than this may be half written.
pub(crate) const LOCK_SETTLE: Duration = Duration::from_secs(1);
/// How long a caller on Node's main thread waits for the folder.
pub(crate) const INLINE_WAIT: Duration = Duration::from_millis(3);
/// How long a caller in the background waits for the folder.
pub(crate) const FOLDER_WAIT: Duration = Duration::from_secs(20);
/// How long after an append `index.json` follows.
pub(crate) const INDEX_DELAY: Duration = Duration::from_millis(40);
/// After so long without a write an idle folder gives its descriptors back.
pub(crate) const IDLE: Duration = Duration::from_secs(1);
/// How often a reader that follows the log looks at it, whatever the system says of files that change.
pub(crate) const LOOK: Duration = Duration::from_millis(200);
/// How long the folder lock is kept over a burst.
pub(crate) const LEASE: Duration = Duration::from_millis(1);
/// A process that held the folder lock within this time lets those that wait go first.
pub(crate) const COURTESY: Duration = Duration::from_millis(20);
/// How long a rewrite waits for other programs to close the replaced log.
pub(crate) const DRAIN_WAIT: Duration = Duration::from_secs(2);
/// … where the system cannot tell whether any still has it open.
pub(crate) const DRAIN_GRACE: Duration = Duration::from_millis(100);
