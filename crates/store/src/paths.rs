//! The names that the protocol is made of. Nothing else in the engine spells one.
//!
//! ```text
//! events.ndjson            the log, shared with the JavaScript module; the only truth
//! index.json               courtesy copy of the sums, for others
//! .lock                    the user-level lock: {"holder","timestamp","pid"}
//! .events.lk               target of the folder lock; empty; never replaced
//! .events.gate             queue of those who wait for the folder lock; empty
//! .events.own              locked as long as .lock is ours: tells whether its holder lives
//! .events.ckpt             checkpoint: how far the log was summed up, and the sums
//! .events.moves            where the lines of the last logs went when these were replaced
//! .events.prev             during a rewrite: second name of the log that is being replaced
//! events.tmp.<uuid>.ndjson during a rewrite: the new log
//! events.rejected.ndjson   lines that a rewrite could not understand; never removed by us
//! .events.ship             how far all is shipped to a shared store; there only if the folder ships
//! .events.ship.lk          locked while a shipper works; empty
//! .events.outbox           lines that a rewrite took out of the log before they were shipped
//! events.unshipped.ndjson  lines that no shared store takes; never removed by us
//! .events.evicting.<uuid>  events that a compaction is about to evict into an archive
//! .events.evicted.<uuid>   the same, at the instant at which the log is replaced
//! .events.archived.<uuid>  events of the archive that are not yet in its files
//! archive/                 files of evicted events: events-<year>-<month>.ndjson.gz; never removed by us
//! archive/.archive.lk      the lock of those who write there, and how far they got
//! ```

/// The log.
pub(crate) const LOG: &str = "events.ndjson";
/// The sums, for others.
pub(crate) const INDEX: &str = "index.json";
/// The user-level lock.
pub(crate) const LOCK: &str = ".lock";
/// Target of the folder lock.
pub(crate) const FOLDER_LOCK: &str = ".events.lk";
/// Target of the lock that those who wait for the folder lock queue for.
pub(crate) const GATE: &str = ".events.gate";
/// Locked while `.lock` is ours.
pub(crate) const OWNER: &str = ".events.own";
/// The checkpoint.
pub(crate) const CHECKPOINT: &str = ".events.ckpt";
/// Where lines went.
pub(crate) const MOVES: &str = ".events.moves";
/// The log that a rewrite replaces.
pub(crate) const PREVIOUS: &str = ".events.prev";
/// Lines set aside.
pub(crate) const REJECTED: &str = "events.rejected.ndjson";

/// How far all is shipped.
pub(crate) const SHIP: &str = ".events.ship";
/// Locked while a shipper works.
pub(crate) const SHIP_LOCK: &str = ".events.ship.lk";
/// Lines that were taken out of the log before they were shipped.
pub(crate) const OUTBOX: &str = ".events.outbox";
/// Lines that no shared store takes.
pub(crate) const UNSHIPPED: &str = "events.unshipped.ndjson";

/// Where a folder keeps its archive, unless a call says otherwise.
pub(crate) const ARCHIVE: &str = "archive";
/// The lock of an archive.
pub(crate) const ARCHIVE_LOCK: &str = ".archive.lk";
const EVICTIONS: [(&str, EvictionState); 3] = [
    (".events.evicting.", EvictionState::Draft),
    (".events.evicted.", EvictionState::Undecided),
    (".events.archived.", EvictionState::Happened),
];

/// How far an eviction got, as the name of its file says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum EvictionState {
    /// The log was not replaced yet.
    Draft,
    /// The log tells whether it was.
    Undecided,
    /// The log was replaced.
    Happened,
}

/// The file of an eviction.
pub(crate) fn eviction(id: &str, state: EvictionState) -> String {
    let prefix = EVICTIONS.iter().find(|(_, each)| *each == state).map_or("", |(prefix, _)| prefix);
    format!("{prefix}{id}")
}

/// The id in the name of an eviction, and how far it got.
pub(crate) fn eviction_of(name: &str) -> Option<(&str, EvictionState)> {
    let found = EVICTIONS.iter().find_map(|(prefix, state)| Some((name.strip_prefix(prefix)?, *state)));
    found.filter(|(id, _)| is_ours(id))
}

/// A file of the archive: the first of its month, or a further one.
pub(crate) fn archive_file(month: &str, number: u32) -> String {
    if number <= 1 {
        format!("events-{month}.ndjson.gz")
    } else {
        format!("events-{month}-{number}.ndjson.gz")
    }
}

/// Whether a name is that of a file of an archive.
pub(crate) fn is_archive_file(name: &str) -> bool {
    name.starts_with("events-") && name.ends_with(".ndjson.gz")
}

/// A new log in the making. `id` is a version 8 UUID (see [`is_ours`]), so that what a crash leaves can be
/// told from the JavaScript module's temporary files, which look the same but for the version.
pub(crate) fn temporary_log(id: &str) -> String {
    format!("events.tmp.{id}.ndjson")
}

/// A small file in the making, to be renamed or linked to `name`.
pub(crate) fn temporary(name: &str, id: &str) -> String {
    format!(".{}.{id}.tmp", name.trim_start_matches('.'))
}

/// The id in the name of a temporary file of ours, log or small.
pub(crate) fn temporary_id(name: &str) -> Option<&str> {
    let id = match name.strip_prefix("events.tmp.").and_then(|rest| rest.strip_suffix(".ndjson")) {
        Some(id) => id,
        None => name.strip_prefix('.')?.strip_suffix(".tmp")?.rsplit('.').next()?,
    };
    is_ours(id).then_some(id)
}

/// Whether `file` is a temporary file of ours for `name`, as [`temporary`] names it.
pub(crate) fn is_draft_of(file: &str, name: &str) -> bool {
    file.strip_prefix('.')
        .and_then(|rest| rest.strip_prefix(name.trim_start_matches('.')))
        .and_then(|rest| rest.strip_prefix('.')?.strip_suffix(".tmp"))
        .is_some_and(is_ours)
}

/// Whether a UUID was made by us: version 8 ("vendor-specific", RFC 9562), where `randomUUID` makes version
/// 4.
pub(crate) fn is_ours(id: &str) -> bool {
    uuid::Uuid::try_parse(id).is_ok_and(|uuid| uuid.get_version_num() == 8)
}

/// A new UUID of ours from random bits.
pub(crate) fn new_id(random: u128) -> String {
    uuid::Uuid::new_v8(random.to_be_bytes()).to_string()
}
