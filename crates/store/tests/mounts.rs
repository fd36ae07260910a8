//! Compactions beside a program that has the old log open, on file systems that tell less than ext4 does.

#![expect(clippy::disallowed_methods, reason = "a test uses real files, threads and clocks")]
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "a test may fail, and says why it is skipped")]

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use store::disk::folder::RealFolder;
use store::disk::{Disk, Open};
use store::{Durability, OnFault, Store};

/// A mount, and the folder in which it was made.
struct Mount {
    home: PathBuf,
    shown: PathBuf,
}

impl Mount {
    /// `None`, with a word, where it cannot be had.
    fn new(name: &str, mount: impl FnOnce(&Path, &Path) -> Option<()>) -> Option<Self> {
        let home = std::env::temp_dir().join(format!("guidance-ledger-{name}-{}", std::process::id()));
        let shown = home.join("shown");
        fs::create_dir_all(&shown).unwrap();
        let made = Self { home, shown };
        let mounted = mount(&made.home, &made.shown);
        if mounted.is_none() {
            eprintln!("skipped: {name} cannot be mounted here");
        }
        mounted.map(|()| made)
    }

    /// Another place for the same folder, whose daemon knows files by their paths.
    fn bindfs() -> Option<Self> {
        Self::new("bindfs", |home, shown| {
            let real = home.join("real");
            fs::create_dir(&real).unwrap();
            run(Command::new("bindfs").arg(&real).arg(shown))
        })
    }

    /// A file system without hard links. The loop device ends with the mount.
    fn exfat() -> Option<Self> {
        const MOUNT: &str = r#"device=$(losetup -f --show "$1") || exit
            mount.exfat-fuse "$device" "$2"; status=$?
            losetup -d "$device"; exit $status"#;
        Self::new("exfat", |home, shown| {
            let image = home.join("image");
            fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
            run(Command::new("mkfs.exfat").arg(&image))?;
            run(Command::new("sh").args(["-c", MOUNT, "sh"]).arg(&image).arg(shown))
        })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = run(Command::new("umount").arg("-l").arg(&self.shown));
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn run(command: &mut Command) -> Option<()> {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?;
    status.success().then_some(())
}

fn append(store: &Store, id: usize) {
    let line = format!("{{\"eventId\":{id},\"timestamp\":{id}}}\n");
    store.append(line.into_bytes(), OnFault::Refuse, Durability::Process).unwrap();
}

/// A program without any lock opens the log, and writes its lines while and after the log is replaced.
fn compact_beside_a_writer(folder: &Path) {
    let log = folder.join("events.ndjson");
    let store = Store::alone(Arc::new(RealFolder::new(folder)));
    (0..4).for_each(|id| append(&store, id));
    let mut writer = OpenOptions::new().append(true).open(&log).unwrap();
    let writing = thread::spawn(move || {
        for id in 10..20 {
            thread::sleep(Duration::from_millis(50));
            writeln!(writer, "{{\"eventId\":{id},\"timestamp\":{id}}}").unwrap();
        }
    });
    assert_eq!(store.compact(2, &store.caller()).unwrap(), 2);
    writing.join().unwrap();
    append(&store, 20);
    let text = fs::read_to_string(&log).unwrap();
    let ids: Vec<u32> =
        text.lines().map(|line| line.split([':', ',']).nth(1).unwrap().parse().unwrap()).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [vec![2, 3], (10..21).collect()].concat(), "{text}");
    assert!(!folder.join(".events.prev").exists());
}

#[test]
fn a_file_system_that_knows_files_by_their_paths_loses_no_late_line() {
    if let Some(mount) = Mount::bindfs() {
        compact_beside_a_writer(&mount.shown);
        // Programs that write to the real folder are unseen by the kernel.
        let log = RealFolder::new(&mount.shown).open("events.ndjson", Open::Read).unwrap();
        assert_eq!(log.has_no_writer().unwrap(), None);
    }
}

#[test]
fn a_file_system_without_hard_links_loses_no_late_line() {
    if let Some(mount) = Mount::exfat() {
        compact_beside_a_writer(&mount.shown);
    }
}
