//! A server whose disk is full: what is accepted waits, and arrives once there is room.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fleet::Code;

use crate::memory::through;
use crate::server::{Server, give_to_user, is_installed, is_root, new_folder};
use crate::stayer::Staying;
use crate::store::Store;

/// A disk of its own for a server's data, in memory.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: &Path, megabytes: u32) -> Option<Self> {
        std::fs::create_dir(path).unwrap();
        let size = format!("size={megabytes}m,mode=0700");
        let mounted = is_root()
            && Command::new("mount")
                .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
                .arg(path)
                .status()
                .is_ok_and(|status| status.success());
        if !mounted {
            // Past the test harness, which keeps what is printed to itself.
            let _ = writeln!(std::io::stderr(), "skipped: the test of a full disk may mount nothing here");
            return None;
        }
        give_to_user(path);
        Some(Self(path.to_owned()))
    }

    /// Leaves so many bytes.
    fn fill(&self, left: u64) -> File {
        let mut ballast =
            OpenOptions::new().create(true).truncate(true).write(true).open(self.0.join("ballast")).unwrap();
        // Until it is full, and back a bit.
        let chunk = vec![7; 64 << 10];
        let mut size = 0;
        while let Ok(written @ 1..) = ballast.write(&chunk) {
            size += written as u64;
        }
        ballast.set_len(size.saturating_sub(left)).unwrap();
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The server may still be at work: it goes when the last file is closed.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_of_the_server_is_waited_for() {
    if !is_installed() {
        return;
    }
    let folder = new_folder();
    let Some(disk) = SmallDisk::mount(&folder.join("data"), 120) else { return };
    let server: &'static Server = Box::leak(Box::new(Server::start_in(folder, "fsync=off")));
    let database = server.database();
    let store = fleet::run(Store::of(server, database)).unwrap();
    let ballast = disk.fill(1 << 20);
    let shippers: Vec<_> =
        (0..3).map(|_| Staying::start(through(server.port, &store), &store.ledger, None)).collect();
    // 600 bytes each: more than there is room for.
    let wide = |n: u32| format!("{{\"timestamp\":{n},\"x\":\"{}\"}}", "y".repeat(560)).into_bytes();
    for (number, shipper) in (0..).zip(&shippers) {
        shipper.folder.lock().lines.extend((number * 10_000..number * 10_000 + 3000).map(wide));
    }
    let started = Instant::now();
    while !shippers.iter().all(|it| it.folder.lock().failures.last() == Some(&Code::Full)) {
        assert!(started.elapsed() < Duration::from_secs(30), "it is not full");
        std::thread::sleep(Duration::from_millis(10));
    }
    ballast.set_len(0).unwrap();
    for shipper in shippers {
        shipper.shipped(3000);
        let (ended, said) = shipper.end();
        assert_eq!(ended.unwrap().set_aside, 0);
        assert_eq!(said, ["EFLEETFULL", "recovered"]);
    }
    fleet::run(store.check(9000)).unwrap();
}
