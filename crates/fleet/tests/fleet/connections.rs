//! Connecting: users, passwords, several hosts, certificates; and what is said when it fails.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use fleet::{Code, Connection, Error, Settings};

use crate::certificates::{Authority, show};
use crate::server::{Server, server, surroundings, write_private};

async fn open(settings: &Settings) -> Result<Connection, Error> {
    let connection = Connection::open(settings).await?;
    connection.one("SELECT 1", &[]).await?;
    Ok(connection)
}

/// What an attempt says; `Ok` or the code.
fn says(settings: &Settings) -> Result<(), Error> {
    let result = fleet::run(open(settings)).unwrap().map(|_| ());
    if let Err(error) = &result {
        let said = format!("{error} {error:?}");
        assert!(!said.contains("S3CRET"), "{said}");
    }
    result
}

fn code(settings: &Settings) -> Result<(), Code> {
    says(settings).map_err(|error| error.code())
}

#[test]
fn sockets_and_addresses() {
    let Some(server) = server() else { return };
    for text in [
        format!("host={} port={} user=postgres", server.folder.display(), server.port),
        format!(
            "postgres://postgres@%2Ftmp%2F{}:{}/postgres",
            server.folder.file_name().unwrap().to_str().unwrap(),
            server.port
        ),
        format!("postgres://postgres@localhost:{}/postgres", server.port),
        format!("host=db.example hostaddr=127.0.0.1 port={} user=postgres", server.port),
        format!("postgres://postgres@[::1]:{}/postgres", server.port),
    ] {
        assert_eq!(code(&Settings::new(Some(&text), &surroundings()).unwrap()), Ok(()), "{text}");
    }
}

#[test]
fn users_and_databases() {
    let Some(server) = server() else { return };
    server.run("postgres", "DROP ROLE IF EXISTS scram; CREATE ROLE scram LOGIN PASSWORD 'S3CRET it''s'");
    assert_eq!(code(&server.settings("user=scram dbname=postgres password='S3CRET it\\'s'")), Ok(()));
    assert_eq!(code(&server.settings("user=scram dbname=postgres password=S3CRET")), Err(Code::Auth));
    assert_eq!(code(&server.settings("user=scram dbname=postgres")), Err(Code::Auth));
    assert_eq!(code(&server.settings("user=nobody dbname=postgres")), Err(Code::Auth));
    assert_eq!(code(&server.settings("dbname=nowhere")), Err(Code::Schema));
    // A statement's words do not come back with a password in them.
    let refused = fleet::run(async {
        let connection =
            Connection::open(&server.settings("user=scram dbname=postgres password='S3CRET it\\'s'"))
                .await
                .unwrap();
        connection.batch("SELECT 'S3CRET it''s'::int").await.unwrap_err()
    });
    assert!(!refused.unwrap().to_string().contains("S3CRET it"));
    let passfile = server.folder.with_extension("pgpass");
    write_private(&passfile, &format!("127.0.0.1:{}:*:scram:S3CRET it's\n", server.port));
    let with = format!("user=scram dbname=postgres passfile={}", passfile.display());
    assert_eq!(code(&server.settings(&with)), Ok(()));
    std::fs::remove_file(passfile).unwrap();
}

#[test]
fn several_hosts() {
    let Some(server) = server() else { return };
    let port = server.port;
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let of = |text: String| Settings::new(Some(&text), &surroundings()).unwrap();
    assert_eq!(
        code(&of(format!("postgres://postgres@127.0.0.1:{closed},127.0.0.1:{port}/postgres"))),
        Ok(())
    );
    let error =
        says(&of(format!("postgres://postgres@127.0.0.1:{closed},[::1]:{closed}/postgres"))).unwrap_err();
    assert_eq!(error.code(), Code::Down);
    assert!(error.to_string().matches("connection refused").count() == 2, "{error}");
    // A user that one host refuses is not tried at the next, as with libpq.
    let error =
        says(&of(format!("postgres://nobody@127.0.0.1:{port},127.0.0.1:{closed}/postgres"))).unwrap_err();
    assert!(error.code() == Code::Auth && !error.to_string().contains(&closed.to_string()), "{error}");
    let database = server.database();
    server.run("postgres", &format!("ALTER DATABASE {database} SET default_transaction_read_only = on"));
    let read_only = server.settings(&format!("dbname={database}"));
    assert_eq!(code(&read_only), Ok(()));
    assert_eq!(code(&read_only.for_writing()), Err(Code::ReadOnly));
}

#[test]
fn a_host_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let text =
        format!("host=127.0.0.1 port={} user=u connect_timeout=2", silent.local_addr().unwrap().port());
    let started = Instant::now();
    let error = says(&Settings::new(Some(&text), &surroundings()).unwrap()).unwrap_err();
    assert_eq!(error.code(), Code::Down);
    assert!((2..10).contains(&started.elapsed().as_secs()), "{error}");
}

#[test]
fn a_call_that_missed_its_deadline_ends_its_connection() {
    let Some(server) = server() else { return };
    fleet::run(async {
        let connection = Connection::open(&server.settings("dbname=postgres")).await.unwrap();
        let connection = connection.with_deadline(Duration::from_millis(200));
        let error = connection.batch("SELECT pg_sleep(20)").await.unwrap_err();
        assert_eq!(error.code(), Code::Down);
        assert!(!connection.is_usable());
        assert_eq!(connection.batch("SELECT 1").await.unwrap_err().code(), Code::Down);
    })
    .unwrap();
}

/// sslmode × certificate × version of TLS.
#[test]
fn certificates() {
    let Some(server) = Server::start("fsync=off") else { return };
    let no_tls = server.settings("host=localhost dbname=postgres sslmode=require");
    assert_eq!(code(&no_tls), Err(Code::Tls), "a server without TLS");
    let (ours, other) = (Authority::new(&server, "ours"), Authority::new(&server, "other"));
    server.run("postgres", "CREATE ROLE tls LOGIN PASSWORD 'S3CRET'; CREATE ROLE cert LOGIN");
    let attempt = |more: &str| {
        let text = format!(
            "hostaddr=127.0.0.1 port={} user=tls password=S3CRET dbname=postgres {more}",
            server.port
        );
        says(&Settings::new(Some(&text), &surroundings()).unwrap())
    };
    let check = |certificate: &(std::path::PathBuf, std::path::PathBuf), shown: &str, expected: [bool; 4]| {
        show(&server, &certificate.0, &certificate.1, &ours.file());
        // Reloading takes a moment.
        wait_for(&certificate.0, server.port);
        let ca = ours.file();
        for version in ["TLSv1.2", "TLSv1.3"] {
            let modes = [
                format!("sslmode=require channel_binding=require ssl_min_protocol_version={version}"),
                format!("sslmode=verify-ca sslrootcert={ca} ssl_min_protocol_version={version}"),
                format!(
                    "host=db.example sslmode=verify-full sslrootcert={ca} ssl_min_protocol_version={version}"
                ),
                format!(
                    "host=127.0.0.1 sslmode=verify-full sslrootcert={ca} ssl_min_protocol_version={version}"
                ),
            ];
            for (mode, expected) in modes.iter().zip(expected) {
                let got = attempt(mode);
                assert_eq!(
                    got.as_ref().map_err(Error::code),
                    if expected { Ok(&()) } else { Err(Code::Tls) },
                    "{shown}: {mode}: {got:?}"
                );
            }
        }
    };
    let right = ours.issue("right", "DNS:db.example,IP:127.0.0.1", "/CN=db.example", "-days 30");
    check(&right, "right", [true, true, true, true]);
    // What is left out is verified, and this CA is none of the machine's.
    assert_eq!(attempt("host=db.example sslmode=verify-full").map_err(|error| error.code()), Err(Code::Tls));
    assert_eq!(
        attempt("host=db.example sslmode=disable").map_err(|error| error.code()),
        Err(Code::Auth),
        "hostssl"
    );
    // A client's certificate in place of a password.
    let (certificate, key) = ours.issue("client", "", "/CN=cert", "-days 30");
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let with = format!(
        "host=db.example user=cert sslmode=verify-full sslrootcert={} sslcert={} sslkey={}",
        ours.file(),
        certificate.display(),
        key.display()
    );
    assert_eq!(attempt(&with), Ok(()));
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    assert_eq!(attempt(&with).map_err(|error| error.code()), Err(Code::Config), "a key that others can read");
    let name = ours.issue("name", "DNS:elsewhere.example", "/CN=elsewhere.example", "-days 30");
    check(&name, "another name", [true, true, false, false]);
    let said = attempt(&format!("host=db.example sslmode=verify-full sslrootcert={}", ours.file()))
        .unwrap_err()
        .to_string();
    assert!(
        said.contains("db.example") && said.contains("elsewhere.example") && said.contains("sslrootcert"),
        "{said}"
    );
    let expired = ours.issue("expired", "DNS:db.example,IP:127.0.0.1", "/CN=db.example", "-days -1");
    check(&expired, "expired", [true, false, false, false]);
    let foreign = other.issue("foreign", "DNS:db.example,IP:127.0.0.1", "/CN=db.example", "-days 30");
    check(&foreign, "another CA", [true, false, false, false]);
}

/// Waits until the server shows this certificate.
fn wait_for(certificate: &Path, port: u16) {
    let wanted = std::fs::read_to_string(certificate).unwrap();
    let wanted = wanted.trim();
    let started = Instant::now();
    loop {
        let shown = std::process::Command::new("openssl")
            .args(["s_client", "-starttls", "postgres", "-connect"])
            .arg(format!("127.0.0.1:{port}"))
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        if String::from_utf8_lossy(&shown.stdout).contains(wanted) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "the server does not reload");
        std::thread::sleep(Duration::from_millis(20));
    }
}
