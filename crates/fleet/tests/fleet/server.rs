//! A `PostgreSQL` server of one's own, in a temporary folder, as a user other than root.
//!
//! It ends with this process, however that ends: a shell waits for the end of a pipe, stops the server, and removes the
//! folder.

use std::ffi::OsString;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use fleet::settings::Surroundings;
use fleet::{Connection, Settings};

/// A running server.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
    programs: PathBuf,
    keeper: Mutex<Child>,
}

/// The server that all tests of this process share; `None` where there is none to be had.
pub(crate) fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| Server::start("fsync=off")).as_ref()
}

impl Server {
    /// Starts one with these settings, separated by spaces.
    pub(crate) fn start(options: &str) -> Option<Self> {
        is_installed().then(|| Self::start_in(new_folder(), options))
    }

    /// The same in a folder in which its data may have a disk of their own; the write-ahead log is beside it.
    pub(crate) fn start_in(folder: PathBuf, options: &str) -> Self {
        let programs = programs().unwrap();
        let made = as_user(&programs.join("initdb"))
            .args(["-N", "-A", "trust", "-U", "postgres", "--encoding=UTF8", "--locale=C", "-X"])
            .arg(folder.join("wal"))
            .arg("-D")
            .arg(folder.join("data"))
            .current_dir("/")
            .output()
            .unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(folder.join("data/pg_hba.conf"), HBA).unwrap();
        Self::over(folder, programs, options)
    }

    /// Over data that are there.
    fn over(folder: PathBuf, programs: PathBuf, options: &str) -> Self {
        let port = free_port(COUNT.fetch_add(1, Ordering::Relaxed));
        let keeper = Mutex::new(keep(&programs, &folder, port, options));
        let server = Self { port, folder, programs, keeper };
        server.wait_until_ready();
        server
    }

    /// Another server that begins with what this one holds now: a restored backup, or with `-R` a standby.
    pub(crate) fn copy(&self, options: &str, more: &[&str]) -> Self {
        let folder = new_folder();
        let made = self
            .program("pg_basebackup")
            .args(["-c", "fast", "-X", "stream", "-D"])
            .arg(folder.join("data"))
            .args(more)
            .output()
            .unwrap();
        assert!(made.status.success(), "pg_basebackup: {}", String::from_utf8_lossy(&made.stderr));
        Self::over(folder, self.programs.clone(), options)
    }

    /// A program of `PostgreSQL` that is to connect to this server.
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = as_user(&self.programs.join(name));
        command.args(["-h", "127.0.0.1", "-U", "postgres", "-p"]).arg(self.port.to_string()).current_dir("/");
        command
    }

    fn wait_until_ready(&self) {
        let started = Instant::now();
        while fleet::run(Connection::open(&self.settings("dbname=postgres"))).unwrap().is_err() {
            assert!(started.elapsed() < Duration::from_secs(60), "the server does not start: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Ends all its processes at once, as a loss of power of its machine does.
    pub(crate) fn kill(&self) {
        let pid = std::fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        // Stopped first: a child that it starts meanwhile would live on, and hold up the next start.
        assert!(Command::new("kill").args(["-STOP", &pid]).status().unwrap().success());
        let children = Command::new("ps").args(["--ppid", &pid, "-o", "pid="]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        // It fails for one that has ended meanwhile.
        let _ = Command::new("kill").arg("-9").arg(&pid).args(children.split_whitespace()).output().unwrap();
        let mut keeper = self.keeper.lock().unwrap();
        // Waiting would close it, and that is the sign to remove the folder.
        let kept = keeper.stdin.take();
        let _ = keeper.wait();
        drop(kept);
    }

    /// Starts it again after [`Server::kill`].
    pub(crate) fn restart(&self, options: &str) {
        // Until its children are gone, it refuses to start.
        let started = Instant::now();
        loop {
            let mut keeper = self.keeper.lock().unwrap();
            *keeper = keep(&self.programs, &self.folder, self.port, options);
            while keeper.try_wait().unwrap().is_none() {
                if fleet::run(Connection::open(&self.settings("dbname=postgres"))).unwrap().is_ok() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            std::thread::sleep(Duration::from_millis(50));
            assert!(
                started.elapsed() < Duration::from_secs(60),
                "the server does not start again: {}",
                self.log()
            );
        }
    }

    /// Settings from a connection string, with this server's address before it.
    pub(crate) fn settings(&self, more: &str) -> Settings {
        let text = format!("host=127.0.0.1 port={} user=postgres {more}", self.port);
        Settings::new(Some(&text), &surroundings()).unwrap()
    }

    /// A new, empty database.
    pub(crate) fn database(&self) -> String {
        let name = format!("db{}", COUNT.fetch_add(1, Ordering::Relaxed));
        self.run("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// Runs SQL as the superuser.
    pub(crate) fn run(&self, database: &str, sql: &str) {
        let settings = self.settings(&format!("dbname={database}"));
        fleet::run(async { Connection::open(&settings).await?.batch(sql).await }).unwrap().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut keeper = self.keeper.lock().unwrap();
        drop(keeper.stdin.take());
        let _ = keeper.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Counts servers and databases.
pub(crate) static COUNT: AtomicU32 = AtomicU32::new(0);

const HBA: &str = "\
local   all all               trust
hostssl all tls    127.0.0.1/32 scram-sha-256
host    all tls    127.0.0.1/32 reject
host    all scram  127.0.0.1/32 scram-sha-256
hostssl all cert   127.0.0.1/32 cert
host    replication all 127.0.0.1/32 trust
host    all all    127.0.0.1/32 trust
host    all all    ::1/128      trust
";

/// No environment and no home: what a test says is all.
pub(crate) fn surroundings() -> Surroundings<'static> {
    Surroundings { variable: &|_| None, home: None, user: None }
}

/// A port on which nothing listens, below those that the system gives to clients: a client of another test could have it
/// when the server starts again.
pub(crate) fn free_port(number: u32) -> u16 {
    let first = 20_000 + (std::process::id() * 31 + number * 997) % 10_000;
    let mut ports = (first..32_000).filter_map(|port| u16::try_from(port).ok());
    ports.find(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok()).unwrap()
}

/// Runs the server until the pipe that is returned ends.
fn keep(programs: &Path, folder: &Path, port: u16, options: &str) -> Child {
    let mut command =
        vec![programs.join("postgres").into_os_string(), "-D".into(), folder.join("data").into()];
    let ours = format!(
        "port={port} listen_addresses=127.0.0.1,::1 unix_socket_directories={} max_connections=60 \
         shared_buffers=32MB log_min_messages=warning {options}",
        folder.display()
    );
    command.extend(ours.split_whitespace().flat_map(|option| ["-c".into(), option.into()]));
    run_until_dropped(folder, &command)
}

/// A shell that runs a program until its stdin ends, and removes the folder then.
pub(crate) fn run_until_dropped(folder: &Path, command: &[OsString]) -> Child {
    let script = r#"
        exec 3<&0
        folder=$1; shift
        "$@" >>"$folder/log" 2>&1 </dev/null 3<&- &
        program=$!
        (read -r _; : >"$folder/over"; kill -INT $program 2>/dev/null) <&3 &
        waiter=$!
        wait $program; kill $waiter 2>/dev/null
        # What was killed is started again.
        [ -e "$folder/over" ] && rm -rf "$folder"
        exit 0"#;
    let mut child = as_user(Path::new("bash"));
    child.args(["-c", script, "server"]).arg(folder).args(command);
    child.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// A folder of one's own, which the user of the server may write to.
pub(crate) fn new_folder() -> PathBuf {
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    // A short path: that of a socket has at most 107 bytes.
    let folder = PathBuf::from(format!("/tmp/gl-fleet-{}-{number}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir(&folder).unwrap();
    if is_root() {
        std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755)).unwrap();
        give_to_user(&folder);
    }
    folder
}

/// The user of the server owns it from now on.
pub(crate) fn give_to_user(path: &Path) {
    assert!(Command::new("chown").arg("postgres:").arg(path).status().unwrap().success());
}

/// Whether there is a `PostgreSQL`; see [`missing`].
pub(crate) fn is_installed() -> bool {
    let found = programs().is_some();
    if !found {
        missing("PostgreSQL", "postgresql");
    }
    found
}

/// What a test needs is not there: a failure where it must be, else a word past the test harness, which keeps what is
/// printed to itself.
pub(crate) fn missing(what: &str, package: &str) {
    assert!(
        std::env::var_os("GUIDANCE_LEDGER_REQUIRE_POSTGRES")
            .is_none_or(|value| value.is_empty() || value == "0"),
        "{what} is not installed, and GUIDANCE_LEDGER_REQUIRE_POSTGRES says that it must be"
    );
    let _ = writeln!(
        std::io::stderr(),
        "skipped, as all tests that need it: {what} is not installed (apt-get install {package})"
    );
}

pub(crate) fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout == b"0\n")
}

/// A program, run as `postgres` if this is root: the server refuses root.
fn as_user(program: &Path) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    command
}

/// The folder of the server's programs.
fn programs() -> Option<PathBuf> {
    let named = std::env::var_os("PG_BIN").map(PathBuf::from);
    let asked = || {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
    };
    let mut debian: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .map(|all| all.flatten().map(|entry| entry.path().join("bin")).collect())
        .unwrap_or_default();
    debian.sort();
    let folders = named.into_iter().chain(asked()).chain(debian.into_iter().rev());
    folders.into_iter().find(|folder| folder.join("postgres").exists() && folder.join("initdb").exists())
}

/// Writes a file that its owner alone may read.
pub(crate) fn write_private(path: &Path, text: &str) {
    let mut file = std::fs::File::create(path).unwrap();
    file.set_permissions(PermissionsExt::from_mode(0o600)).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
