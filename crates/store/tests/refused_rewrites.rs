//! Folders that refuse to let a file be replaced: the rewrite says so, and appending goes on.

#![expect(clippy::disallowed_methods, reason = "a test uses real files, threads and clocks")]
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail, and says why it is skipped")]

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use store::disk::folder::RealFolder;
use store::{Durability, OnFault, Store};

const FOLDER: &str = "GUIDANCE_LEDGER_REFUSED";
/// Any user but root, who may do everything in a sticky folder.
const USER: &str = "12345";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("guidance-ledger-refused-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        for id in ["a", "b", "c"] {
            append(&store(&path), id);
        }
        Self(path)
    }

    fn names(&self, part: &str) -> Vec<(String, u64)> {
        let entries = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap());
        let named = entries.map(|entry| {
            (entry.file_name().into_string().unwrap(), entry.metadata().map_or(0, |metadata| metadata.len()))
        });
        named.filter(|(name, _)| name.contains(part)).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = Command::new("chattr").arg("-a").arg(&self.0).output();
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn store(path: &Path) -> Arc<Store> {
    Store::alone(Arc::new(RealFolder::new(path)))
}

fn append(store: &Store, id: &str) {
    let line = format!("{{\"eventId\":\"{id}\",\"timestamp\":1}}\n");
    store.append(line.into_bytes(), OnFault::Refuse, Durability::Process).unwrap();
}

fn ids(path: &Path) -> String {
    let log = fs::read_to_string(path.join("events.ndjson")).unwrap();
    log.lines().map(|line| line.get(12..13).unwrap()).collect()
}

/// A refused rewrite, and what must go on working.
fn go_on(path: &Path) {
    for id in ["d", "e"] {
        let refused = store(path).compact(1, &store(path).caller()).unwrap_err();
        assert_eq!((refused.code(), refused.syscall()), ("EPERM", Some("rename")), "{refused}");
        let said = refused.to_string();
        assert!(said.contains("Give this user the right") && said.contains("(chattr -a -i)"), "{said}");
        append(&store(path), id);
        let one = store(path);
        append(&one, id);
        append(&one, id);
    }
    assert_eq!(ids(path), "abcdddeee");
    assert_eq!(store(path).stats(&store(path).caller()).unwrap().events, 9);
}

#[test]
fn an_append_only_folder_goes_on() {
    let folder = Folder::new("append-only");
    if !Command::new("chattr").arg("+a").arg(&folder.0).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user or this file system cannot make a folder append-only");
        return;
    }
    go_on(&folder.0);
    assert_eq!(folder.names("prev").len(), 1);
    assert!(folder.names("events.tmp").iter().all(|(_, size)| *size == 0), "nothing is left but names");
    assert!(Command::new("chattr").arg("-a").arg(&folder.0).status().unwrap().success());
    assert_eq!(store(&folder.0).compact(2, &store(&folder.0).caller()).unwrap(), 7);
    assert_eq!(ids(&folder.0), "ee");
    assert!(folder.names("prev").is_empty() && folder.names("events.tmp").is_empty());
}

/// Each try finds malformed lines that came since the one before.
#[test]
fn what_is_set_aside_stands_there_once_however_often_the_rewrite_is_refused() {
    let folder = Folder::new("set-aside");
    if !Command::new("chattr").arg("+a").arg(&folder.0).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user or this file system cannot make a folder append-only");
        return;
    }
    let mut log = fs::OpenOptions::new().append(true).open(folder.0.join("events.ndjson")).unwrap();
    for number in 0..4 {
        log.write_all(format!("malformed {number}\n").as_bytes()).unwrap();
        let refused = store(&folder.0).compact(1, &store(&folder.0).caller()).unwrap_err();
        assert_eq!(refused.code(), "EPERM", "{refused}");
    }
    assert!(Command::new("chattr").arg("-a").arg(&folder.0).status().unwrap().success());
    assert_eq!(store(&folder.0).compact(2, &store(&folder.0).caller()).unwrap(), 1);
    let rejected = fs::read_to_string(folder.0.join("events.rejected.ndjson")).unwrap();
    assert_eq!(rejected, "malformed 0\nmalformed 1\nmalformed 2\nmalformed 3\n");
    assert_eq!(ids(&folder.0), "bc");
}

/// The same for what a shared store has not got yet.
#[test]
fn what_is_not_shipped_is_saved_once_however_often_the_rewrite_is_refused() {
    let folder = Folder::new("outbox");
    store(&folder.0).begin_shipping(&store(&folder.0).caller()).unwrap();
    if !Command::new("chattr").arg("+a").arg(&folder.0).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user or this file system cannot make a folder append-only");
        return;
    }
    for id in ["d", "e", "f"] {
        let refused = store(&folder.0).compact(1, &store(&folder.0).caller()).unwrap_err();
        assert_eq!(refused.code(), "EPERM", "{refused}");
        append(&store(&folder.0), id);
    }
    assert!(Command::new("chattr").arg("-a").arg(&folder.0).status().unwrap().success());
    assert_eq!(store(&folder.0).compact(1, &store(&folder.0).caller()).unwrap(), 5);
    let outbox = fs::read_to_string(folder.0.join(".events.outbox")).unwrap();
    let saved: String = outbox.lines().map(|line| line.get(12..13).unwrap()).collect();
    assert_eq!(saved, "abcdef");
}

/// The second name stays, and then a JavaScript program, which may, replaces the log.
#[test]
fn what_was_appended_since_is_not_doubled_by_another_rewrite() {
    let folder = Folder::new("then-replaced");
    if !Command::new("chattr").arg("+a").arg(&folder.0).output().is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this user or this file system cannot make a folder append-only");
        return;
    }
    store(&folder.0).compact(1, &store(&folder.0).caller()).unwrap_err();
    append(&store(&folder.0), "d");
    assert!(Command::new("chattr").arg("-a").arg(&folder.0).status().unwrap().success());
    let log = folder.0.join("events.ndjson");
    let text = fs::read_to_string(&log).unwrap();
    let kept = text.split_inclusive('\n').skip(3).collect::<String>();
    fs::write(folder.0.join("events.tmp"), kept).unwrap();
    fs::rename(folder.0.join("events.tmp"), &log).unwrap();
    append(&store(&folder.0), "e");
    assert_eq!(ids(&folder.0), "de");
    assert!(folder.names("prev").is_empty());
}

#[test]
fn a_sticky_folder_with_the_log_of_another_user_goes_on() {
    if let Some(path) = std::env::var_os(FOLDER) {
        return go_on(Path::new(&path));
    }
    let folder = Folder::new("sticky");
    for (name, _) in folder.names("") {
        fs::set_permissions(folder.0.join(name), Permissions::from_mode(0o666)).unwrap();
    }
    fs::set_permissions(&folder.0, Permissions::from_mode(0o1777)).unwrap();
    let test = "a_sticky_folder_with_the_log_of_another_user_goes_on";
    // By a copy that every user can run, wherever this program stands.
    let program = folder.0.join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
    let as_user = |program: &Path| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]).arg(program);
        command
    };
    if !as_user(Path::new("true")).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: this user cannot act as another");
        return;
    }
    let status =
        as_user(&program).args(["--exact", test, "--nocapture"]).env(FOLDER, &folder.0).status().unwrap();
    assert!(status.success(), "{status}");
    // Its owner may remove the second name, and does.
    append(&store(&folder.0), "f");
    assert!(folder.names("prev").is_empty());
    assert_eq!(store(&folder.0).compact(1, &store(&folder.0).caller()).unwrap(), 9);
    assert_eq!(ids(&folder.0), "f");
}
