//! Folders and files that no program of ours would make: the answer is an error or the truth, in bounded memory.

#![cfg(target_os = "linux")]

use std::path::Path;
use std::sync::Arc;

use store::disk::Disk;
use store::disk::folder::RealFolder;
use store::{Durability, OnFault, Store};

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    for path in ["/proc/x", "/proc/x/y/z", "/proc/self/x", "/sys/x/y"] {
        let folder = RealFolder::new(Path::new(path));
        assert!(folder.create_folder().is_err(), "{path}");
        let store = Store::new(Arc::new(folder), false);
        let failure =
            store.append(b"{\"timestamp\":1}\n".to_vec(), OnFault::Refuse, Durability::Process).unwrap_err();
        assert!(["ENOENT", "EPERM", "EACCES"].contains(&failure.code()), "{failure}");
        assert_eq!((failure.path(), failure.syscall()), (Some(path), Some("mkdir")));
    }
}

#[test]
fn missing_ancestors_are_made() {
    let root = std::env::temp_dir().join(format!("guidance-ledger-deep-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&root);
    let deep = root.join("a/b/c");
    RealFolder::new(&deep).create_folder().unwrap();
    RealFolder::new(&deep).create_folder().unwrap();
    assert!(deep.is_dir());
    std::fs::write(root.join("file"), b"").unwrap();
    let failure = RealFolder::new(&root.join("file")).create_folder().unwrap_err();
    assert_eq!(failure.kind(), std::io::ErrorKind::NotADirectory);
    std::fs::remove_dir_all(&root).unwrap();
}
