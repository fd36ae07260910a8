//! A folder on a memory disk, filled with what the fuzzer thinks of.

#![allow(dead_code, reason = "each target uses its part")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use store::Store;
use store::disk::folder::RealFolder;
use store::disk::{Disk, FileId};

use super::threads;

pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder.
    pub fn new() -> Self {
        let shared = Path::new("/dev/shm");
        let root = if shared.is_dir() { shared.to_owned() } else { std::env::temp_dir() };
        let path = root.join(format!("guidance-ledger-fuzz-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a folder of our own");
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).expect("a file of our own");
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_default()
    }

    pub fn remove(&self, name: &str) {
        let _ = fs::remove_file(self.path(name));
    }

    pub fn link(&self, from: &str, to: &str) {
        fs::hard_link(self.path(from), self.path(to)).expect("a name of our own");
    }

    pub fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    pub fn id(&self, name: &str) -> FileId {
        RealFolder::new(&self.0).stat(name).expect("a file of our own").expect("a file of our own").id
    }

    /// A process that has just come to the folder.
    pub fn store(&self) -> Arc<Store> {
        let disk = Arc::new(RealFolder::new(&self.0));
        Store::new(store::folder::Folder::new(disk, threads::background()), false)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
