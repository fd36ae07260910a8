//! The archive: compressed files of the events that compactions evicted.
//!
//! ```text
//! <store>/.events.evicting.<uuid>    written and synced before the log is replaced
//!         .events.evicted.<uuid>     the same file, from before the log is replaced, with the folder held …
//!         .events.archived.<uuid>    … until it was
//! <archive>/events-2026-11.ndjson.gz where its members go then; the month is that of the eviction
//! <archive>/.archive.lk              a lock for writing there, and from where on the end may be torn
//!
//! member      some whole lines as one gzip member, with a head that says what is in it
//! members     the members of a file, one after the other, whatever lies between them
//! eviction    the file of one eviction in the store's folder
//! undecided   whether an eviction has happened
//! month       taking an eviction into the file of its month
//! snapshot    log and archive as of one moment
//! contents    the lines of an archive
//! survey      what is damaged
//! ```
//!
//! Invariant: at every instant each event is in exactly one of log and archive, where the archive is what
//! [`snapshot`] says it is: the files of the months, and the evictions that have happened and are not yet there.
//! Nothing of an archive is ever removed by us but the end of a member that a dead process was writing, which an
//! eviction still holds.

pub(crate) mod contents;
pub(crate) mod eviction;
pub(crate) mod member;
pub(crate) mod members;
pub(crate) mod month;
pub(crate) mod snapshot;
pub(crate) mod survey;
pub(crate) mod undecided;

use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::paths::ARCHIVE;

/// Where an archive is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ArchivePlace {
    /// In the folder `archive` of the store.
    #[default]
    Beside,
    /// In the folder of this absolute path.
    At(String),
}

impl ArchivePlace {
    fn path(&self) -> &str {
        match self {
            Self::Beside => "",
            Self::At(path) => path,
        }
    }

    fn of(path: &str) -> Self {
        if path.is_empty() { Self::Beside } else { Self::At(path.to_owned()) }
    }

    /// The folder. A link of that name in the store's folder is refused: the store follows none.
    pub(crate) fn folder(&self, store: &Folder) -> Result<Folder> {
        let folder = store.elsewhere(match self {
            Self::Beside => ARCHIVE,
            Self::At(path) => path,
        });
        let failed = |error| Error::io("stat", folder.path(), &error);
        if *self == Self::Beside
            && let Some(named) = store.stat(ARCHIVE).map_err(failed)?
            && folder.identity().map_err(failed)?.is_none_or(|id| id != named.id)
        {
            return Err(Error::io("open", folder.path(), &std::io::ErrorKind::NotADirectory.into()));
        }
        Ok(folder)
    }
}

/// Which events a compaction keeps: those within all the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Retention {
    /// How many of the newest.
    pub max_events: Option<u64>,
    /// Those not older than so many milliseconds.
    pub max_age_ms: Option<f64>,
    /// As many of the newest as have so many bytes in the log.
    pub max_bytes: Option<u64>,
}

impl Retention {
    /// The newest so many.
    #[must_use]
    pub fn of_events(keep: u64) -> Self {
        Self { max_events: Some(keep), ..Self::default() }
    }
}
