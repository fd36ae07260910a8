//! `fleet` on a real `PostgreSQL`: init, ship, status, as a shell calls them.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../../fleet/tests/fleet/server.rs"]
#[expect(dead_code, reason = "a part of it is for other tests")]
mod server;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use server::{Server, server};

/// What a call ended with.
struct Ended {
    code: i32,
    out: String,
    err: String,
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gl-tool-fleet-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn call(&self, words: &str, more: &[&str]) -> Ended {
        let output = Command::new(env!("CARGO_BIN_EXE_guidance-ledger"))
            .args(words.split_ascii_whitespace())
            .args(more)
            .arg("--dir")
            .arg(&self.0)
            .env_clear()
            .env("HOME", &self.0)
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A call that is to end well: what it printed.
    fn done(&self, words: &str, more: &[&str]) -> String {
        let Ended { code, out, err } = self.call(words, more);
        assert_eq!(code, 0, "{words}: {err}");
        out
    }

    fn import(&self, numbers: std::ops::Range<u64>) {
        let file = self.0.join("new.ndjson");
        let line = |n| {
            format!("{{\"eventId\":\"e{n}\",\"taskId\":\"t\",\"timestamp\":{}}}\n", 1_700_000_000_000 + n)
        };
        std::fs::write(&file, numbers.map(line).collect::<String>()).unwrap();
        self.done("import", &[file.to_str().unwrap()]);
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn url(server: &Server, database: &str) -> String {
    format!("postgres://postgres:S3CRET@127.0.0.1:{}/{database}", server.port)
}

#[test]
fn init_ship_and_status() {
    let Some(server) = server() else { return };
    let (folder, database) = (Folder::new("all"), server.database());
    let url = url(server, &database);
    let schema = format!("s_{database}");
    assert!(folder.done("fleet status", &[]).contains("does not ship"));
    assert_eq!(folder.call("fleet ship --once", &[]).code, 2);
    let said = folder.done("fleet init --json", &["--url", &url, "--schema", &schema, "--label", "a folder"]);
    assert!(said.contains("\"schema\":\"created\",\"ledger\":\"created\""), "{said}");
    let kept = std::fs::read_to_string(folder.0.join(".events.fleet")).unwrap();
    assert!(!kept.contains("S3CRET") && kept.contains(&database), "{kept}");
    let mode = std::fs::metadata(folder.0.join(".events.fleet")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let said = folder.done("fleet init --json", &[]);
    assert!(said.contains("\"schema\":\"there\",\"ledger\":\"there\""), "again, by what is kept: {said}");
    folder.import(0..20);
    folder.done("compact --max-events 5 --yes", &[]);
    assert!(!folder.done("fleet status --json", &[]).contains("\"pendingBytes\":0,"));
    let said = folder.done("fleet ship --once --json", &[]);
    assert!(said.contains("\"stored\":20") && said.contains("\"pendingBytes\":0"), "{said}");
    let said = folder.done("fleet ship --once --json", &[]);
    assert!(said.contains("\"stored\":0,\"repeated\":0"), "{said}");
    let status = folder.done("fleet status --json", &[]);
    assert!(status.contains("\"pendingBytes\":0,") && !status.contains("S3CRET"), "{status}");
    // The cursor is a hint: without it all is offered again, and the store knows it.
    std::fs::remove_file(folder.0.join(".events.ship")).unwrap();
    folder.done("fleet init", &[]);
    let said = folder.done("fleet ship --once --json", &[]);
    assert!(said.contains("\"stored\":0,\"repeated\":5"), "{said}");
}

/// A shipper that stays, as a process of its own.
struct Service(Child);

impl Service {
    fn start(folder: &Folder, more: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guidance-ledger"));
        command.args(["fleet", "ship"]).args(more).arg("--dir").arg(&folder.0);
        command.env_clear().env("HOME", &folder.0).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn end(self) -> Ended {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.wait()
    }

    fn wait(self) -> Ended {
        let output = self.0.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// Waits until `fleet status --json` holds a text.
fn until(folder: &Folder, text: &str) {
    let started = Instant::now();
    loop {
        let status = folder.done("fleet status --json", &[]);
        if status.contains(text) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{text} never came: {status}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_service_ships_as_lines_come_and_ends_when_it_is_asked_to() {
    let Some(server) = server() else { return };
    let (folder, database) = (Folder::new("service"), server.database());
    let schema = format!("s_{database}");
    folder.done("fleet init", &["--url", &url(server, &database), "--schema", &schema]);
    let service = Service::start(&folder, &[]);
    for round in 0..3 {
        folder.import(round * 10..round * 10 + 10);
        until(&folder, &format!("\"shipped\":{}", round * 10 + 10));
    }
    // A compaction meanwhile, and half a line of a process that died.
    folder.done("compact --max-events 3 --yes", &[]);
    let mut log = std::fs::OpenOptions::new().append(true).open(folder.0.join("events.ndjson")).unwrap();
    std::io::Write::write_all(&mut log, b"{\"half").unwrap();
    let second = folder.call("fleet ship --once", &[]);
    assert!(second.code == 0 && second.err.contains("Another process ships"), "{}", second.err);
    folder.import(30..31);
    until(&folder, "\"shipped\":31");
    let Ended { code, out, err } = service.end();
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("31 events shipped") && err.contains("Ships to "), "{out} {err}");
    // Another one has nothing to do, and ends by itself.
    let Ended { code, out, .. } = Service::start(&folder, &["--linger", "300ms", "--json"]).wait();
    assert!(code == 0 && out.contains("\"stored\":0,\"repeated\":0"), "{out}");
}

#[test]
fn a_service_waits_for_a_server_that_is_away() {
    let Some(server) = server() else { return };
    let (folder, database) = (Folder::new("away"), server.database());
    let schema = format!("s_{database}");
    folder.done("fleet init", &["--url", &url(server, &database), "--schema", &schema]);
    folder.import(0..3);
    let file = folder.0.join(".events.fleet");
    let kept = std::fs::read_to_string(&file).unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    std::fs::write(&file, kept.replace(&server.port.to_string(), &closed.to_string())).unwrap();
    let service = Service::start(&folder, &[]);
    until(&folder, "\"lastError\":\"EFLEETDOWN\"");
    let status = folder.done("fleet status", &[]);
    assert!(status.contains("EFLEETDOWN") && status.contains("next attempt"), "{status}");
    let Ended { code, out, err } = service.end();
    assert!(code == 0 && out.contains("0 events shipped") && err.contains("tried again in"), "{out} {err}");
    std::fs::write(&file, kept).unwrap();
    assert!(folder.done("fleet ship --once", &[]).contains("3 events shipped"));
    assert!(!folder.done("fleet status --json", &[]).contains("lastError"));
}

#[test]
fn what_cannot_be_reached_has_its_exit_codes() {
    let Some(server) = server() else { return };
    let (folder, database) = (Folder::new("codes"), server.database());
    let schema = format!("s_{database}");
    folder.done("fleet init", &["--url", &url(server, &database), "--schema", &schema]);
    folder.import(0..3);
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let file = folder.0.join(".events.fleet");
    let kept = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, kept.replace(&server.port.to_string(), &closed.to_string())).unwrap();
    let late = folder.call("fleet ship --once --timeout 500ms", &[]);
    assert_eq!(late.code, 6, "{}", late.err);
    assert!(
        late.err.contains("EFLEETDOWN") && late.out.contains("0 events shipped"),
        "{} {}",
        late.err,
        late.out
    );
    let elsewhere = kept.replace(&format!("dbname='{database}'"), "dbname='nowhere'");
    assert_ne!(elsewhere, kept);
    std::fs::write(&file, elsewhere).unwrap();
    assert_eq!(folder.call("fleet ship --once", &[]).code, 5);
    let wrong = folder.call("fleet init", &["--url", "postgres://u:S3CRET@x@h/d"]);
    assert!(wrong.code == 2 && !wrong.err.contains("S3CRET"), "{}", wrong.err);
    for wrong in [
        "fleet status --once",
        "fleet ship --once --linger 1s",
        "fleet ship --timeout 1s",
        "fleet lanes",
        "fleet lanes 0",
        "fleet ship 3",
        "fleet compact",
        "fleet follow --from 2020",
        "fleet reship --sql",
    ] {
        assert_eq!(folder.call(wrong, &[]).code, 2, "{wrong}");
    }
    let sql = folder.done("fleet init --sql", &["--schema", "team"]);
    assert!(sql.contains("CREATE SCHEMA \"team\" AUTHORIZATION \"team_owner\""));
}

#[test]
fn operators_look_at_the_store_and_change_it() {
    let Some(server) = server() else { return };
    let (folder, database) = (Folder::new("operators"), server.database());
    let schema = format!("s_{database}");
    folder.done(
        "fleet init",
        &["--url", &url(server, &database), "--schema", &schema, "--label", "a\u{1b}[31mb"],
    );
    assert!(folder.done("fleet status --remote", &[]).contains("No folder has shipped yet"));
    folder.import(0..30);
    folder.done("fleet ship --once", &[]);
    let said = folder.done("fleet status --remote", &[]);
    assert!(said.contains("30 events") && said.contains("8 lanes") && !said.contains('\u{1b}'), "{said}");
    let said = folder.done("fleet status --remote --json", &[]);
    assert!(said.contains("\"events\":30,") && said.contains("\"stored\":30,\"repeated\":0"), "{said}");
    assert!(said.contains("\"pendingBytes\":0,\"setAside\":0,"), "{said}");
    assert!(said.contains("\"oldest\":1700000000000,\"newest\":1700000000029"), "{said}");

    assert!(folder.done("fleet lanes 12", &[]).contains("8 before, 12 now"));
    let fewer = folder.call("fleet lanes 4", &[]);
    assert!(fewer.code == 2 && fewer.err.contains("cannot have fewer"), "{}", fewer.err);
    assert!(folder.done("fleet migrate", &[]).contains("of version 1 already"));
    assert!(folder.done("fleet migrate --sql", &[]).contains("-- Steps to version 1"));

    let doctor = folder.call("fleet doctor", &[]);
    assert_eq!(doctor.code, 1, "the server has fsync=off: {}", doctor.out);
    assert!(doctor.out.contains("bad") && doctor.out.contains("fsync=off"), "{}", doctor.out);
    assert!(doctor.out.contains("may ship, read, evict") && !doctor.out.contains("S3CRET"), "{}", doctor.out);

    // Offered again from a time on.
    folder.done("fleet reship --since 2023-11-14T22:13:20.025Z", &[]);
    assert!(folder.done("fleet ship --once --json", &[]).contains("\"stored\":0,\"repeated\":5"));
    let more = folder.call("fleet reship --since 2h --task t", &[]);
    assert!(more.code == 2 && more.err.contains("no condition but --since"), "{}", more.err);

    // The store loses what it had, and does not know it.
    let lost = format!(
        "SET session_replication_role = replica; DELETE FROM {schema}.events WHERE key IN \
        (SELECT key FROM {schema}.events ORDER BY at LIMIT 10); UPDATE {schema}.lanes SET events = 20 WHERE events > 0"
    );
    server.run(&database, &lost);
    assert!(folder.done("fleet ship --once --json", &[]).contains("\"stored\":0,"));
    assert!(folder.done("fleet reship", &[]).contains("offered again"));
    let said = folder.done("fleet ship --once --json", &[]);
    assert!(said.contains("\"stored\":10,\"repeated\":20"), "{said}");

    assert!(
        folder.done("fleet compact --max-events 5 --dry-run", &[]).contains("25 events would be removed")
    );
    assert_eq!(
        folder.call("fleet compact --max-events 5", &[]).code,
        2,
        "without a terminal it asks for --yes"
    );
    assert!(folder.done("fleet compact --max-events 5 --yes", &[]).contains("25 events removed"));
    assert!(folder.done("fleet compact --max-events 5 --yes", &[]).contains("0 events removed"));
    // What was evicted does not come back, and is still in the folder.
    folder.done("fleet reship", &[]);
    assert!(folder.done("fleet ship --once --json", &[]).contains("\"stored\":0,"));
    assert!(folder.done("stats --json", &[]).contains("30"));
}

#[test]
fn the_events_of_all_machines_are_followed() {
    let Some(server) = server() else { return };
    let database = server.database();
    let (one, two) = (Folder::new("follow-one"), Folder::new("follow-two"));
    let schema = format!("s_{database}");
    for folder in [&one, &two] {
        folder.done("fleet init", &["--url", &url(server, &database), "--schema", &schema]);
    }
    one.import(0..3);
    one.done("fleet ship --once", &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_guidance-ledger"));
    command.args(["fleet", "follow", "--from", "start", "--json", "--dir"]).arg(&one.0);
    command.env_clear().env("HOME", &one.0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut next = |count: usize| lines.by_ref().take(count).map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(next(3).len(), 3);
    two.import(10..12);
    two.done("fleet ship --once", &[]);
    let came = next(2);
    assert!(came[0].contains("\"e10\"") && came[1].contains("\"e11\""), "{came:?}");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{err}");
    // It says how to go on.
    // All of it in the order of time, and some of it.
    let lines = |said: &str| said.lines().map(|line| line.contains("\"e1")).collect::<Vec<_>>();
    assert_eq!(lines(&one.done("fleet query --json", &[])), [false, true, false, true, true]);
    assert_eq!(one.done("fleet query --json --task t --until 1700000000001", &[]).lines().count(), 2);
    assert_eq!(one.done("fleet query --task other", &[]), "");
    assert_eq!(one.call("fleet ship --task t", &[]).code, 2);
    let cursor = err.split("--from ").nth(1).unwrap().trim().to_owned();
    one.import(20..21);
    one.done("fleet ship --once", &[]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_guidance-ledger"));
    command.args(["fleet", "follow", "--from", &cursor, "--json", "--dir"]).arg(&one.0);
    command.env_clear().env("HOME", &one.0).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut first)
        .unwrap();
    assert!(first.contains("\"e20\""), "{first}");
    child.kill().unwrap();
    child.wait().unwrap();
}
