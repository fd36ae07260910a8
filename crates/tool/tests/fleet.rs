//! `fleet` on a real `PostgreSQL`: init, ship, status, as a shell calls them.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

#[path = "../../fleet/tests/fleet/server.rs"]
#[expect(dead_code, reason = "a part of it is for other tests")]
mod server;

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

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
    assert_eq!(folder.call("fleet ship", &[]).code, 2);
    assert_eq!(folder.call("fleet status --once", &[]).code, 2);
    let sql = folder.done("fleet init --sql", &["--schema", "team"]);
    assert!(sql.contains("CREATE SCHEMA \"team\" AUTHORIZATION \"team_owner\""));
}
