//! Writing an archive while its events leave the log.
//!
//! Invariant: the file is made under another name, brought to the disk and renamed before the log is replaced. If the
//! log is not replaced, neither the one nor the other stays.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use super::{is_archive, new_name};
use crate::context::quoted;
use crate::engine::{Archive, Evicted, LOG, make_folder};
use crate::exit::{Failure, Result};
use crate::folder::shown;
use crate::whole_file::Draft;

/// An archive in the making.
pub(crate) struct Writer {
    folder: PathBuf,
    path: PathBuf,
    draft: Option<GzEncoder<Draft>>,
    kept: bool,
    /// What went wrong, with its place.
    failure: Option<Failure>,
}

impl Writer {
    /// An archive in a folder, which need not be there yet. Touches no disk.
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), path: PathBuf::new(), draft: None, kept: false, failure: None }
    }

    /// The file, if it is there.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.kept.then_some(&*self.path)
    }

    /// What went wrong here; else what the engine says.
    pub(crate) fn failure_or(&mut self, other: Failure) -> Failure {
        self.failure.take().unwrap_or(other)
    }

    fn start(&mut self, evicted: &Evicted) -> Result<()> {
        make_folder(&self.folder)?;
        loop {
            self.path = self.folder.join(new_name(evicted));
            if fs::symlink_metadata(&self.path).is_err() {
                break;
            }
        }
        let draft = Draft::at(self.path.clone(), &is_archive)?;
        self.draft = Some(GzEncoder::new(draft, Compression::default()));
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(draft) = &mut self.draft else { return Ok(()) };
        draft.get_ref().check()?;
        draft.write_all(bytes).map_err(|error| Failure::io("write", draft.get_ref().temporary(), &error))
    }

    fn finish(&mut self) -> Result<()> {
        let Some(mut draft) = self.draft.take() else { return Ok(()) };
        draft.try_finish().map_err(|error| Failure::io("write", draft.get_ref().temporary(), &error))?;
        let temporary = draft.get_ref().temporary().to_owned();
        let draft = draft.finish().map_err(|error| Failure::io("write", &temporary, &error))?;
        // From here on there may be a file of that name.
        self.kept = true;
        draft.finish()
    }

    /// Remembers a failure for people, and tells the engine that there was one.
    fn told(&mut self, result: Result<()>) -> io::Result<()> {
        result.map_err(|failure| {
            self.failure = Some(failure);
            io::Error::other("the archive could not be written")
        })
    }
}

impl Archive for Writer {
    fn begin(&mut self, evicted: &Evicted) -> io::Result<()> {
        let started = self.start(evicted);
        self.told(started)
    }

    fn lines(&mut self, bytes: &[u8]) -> io::Result<()> {
        let added = self.add(bytes);
        self.told(added)
    }

    fn keep(&mut self) -> io::Result<()> {
        let finished = self.finish();
        self.told(finished)
    }

    fn forget(&mut self) {
        self.draft = None;
        if std::mem::take(&mut self.kept) {
            // Should it stay, its events are there twice.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Refuses a place for archives that is a store, which was perhaps meant to be compacted, or a link in a store.
pub(crate) fn check_place(folder: &Path, store: &Path, call: &str) -> Result<()> {
    if folder.join(LOG).exists() {
        let message = format!("{} holds a log: --archive takes the folder for the archive", shown(folder));
        let hint = format!("{call} --archive --dir {}", quoted(&shown(folder)));
        return Err(Failure::usage(message, hint));
    }
    let linked = fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_symlink());
    if linked && folder.parent() == Some(store) {
        let message = format!(
            "ELOOP: '{}' is a symbolic link; the store follows none. Name the folder that it leads to",
            shown(folder)
        );
        return Err(Failure::System(message));
    }
    Ok(())
}
