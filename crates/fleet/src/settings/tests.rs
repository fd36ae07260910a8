//! libpq's rules over a table of cases; secrets in no message.

use std::collections::HashMap;

use super::*;
use crate::error::Code;

/// Settings with an environment and a home folder.
fn settings(text: Option<&str>, environment: &[(&str, &str)], home: Option<&Path>) -> Result<Settings> {
    let all: HashMap<&str, &str> = environment.iter().copied().collect();
    let variable = |name: &str| all.get(name).map(|value| (*value).to_owned());
    Settings::new(
        text,
        &Surroundings { variable: &variable, home: home.map(Path::to_owned), user: Some("os".to_owned()) },
    )
}

fn of(text: &str) -> Settings {
    settings(Some(text), &[], None).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `user@host:port,…/database`.
fn shown(settings: &Settings) -> String {
    format!("{}@{}", settings.user(), settings.place())
}

struct Home(PathBuf);

impl Home {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("gl-fleet-home-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        let _ = mode;
        path
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn connection_strings() {
    for (text, expected) in [
        ("postgres://u@h/d", "u@h:5432/d"),
        ("postgresql://u:p%40ss@h:1/d", "u@h:1/d"),
        ("postgres://h", "os@h:5432/os"),
        ("postgres://u@h", "u@h:5432/u"),
        ("postgres://u@[::1]:7,h2/d", "u@[::1]:7,h2:5432/d"),
        ("postgres://u@a:1,b:2,c/d?target_session_attrs=any", "u@a:1,b:2,c:5432/d"),
        ("postgres://%2Fvar%2Frun/d?user=x", "x@/var/run:5432/d"),
        ("postgres:///d?host=/tmp&port=9", "os@/tmp:9/d"),
        ("postgres://u@h/d%20e?password=a%26b", "u@h:5432/d e"),
        ("host=h user=u dbname=d", "u@h:5432/d"),
        ("host = 'h' user = 'a b' dbname='it\\'s' port=6", "a b@h:6/it's"),
        ("host=h user=u dbname=d dbname=e", "u@h:5432/e"),
        ("host=a,b port=1,2 user=u", "u@a:1,b:2/u"),
        ("host=a,b port=3 user=u", "u@a:3,b:3/u"),
        ("hostaddr=10.0.0.1 user=u", "u@10.0.0.1:5432/u"),
        ("host=h\tuser=u\n", "u@h:5432/u"),
    ] {
        assert_eq!(shown(&of(text)), expected, "{text}");
    }
    let password =
        |text: &str| of(text).password_for(&of(text).hosts()[0]).unwrap().unwrap().reveal().to_owned();
    assert_eq!(password("postgres://u:p%40s%3As@h/d"), "p@s:s");
    assert_eq!(password("postgres://u:a+b@h/d"), "a+b");
    assert_eq!(password("host=h password='a b\\\\c'"), "a b\\c");
    assert_eq!(password("postgres://h/d?password=x%3Dy"), "x=y");
}

#[test]
fn wrong_ones_are_refused_and_never_quoted() {
    for text in [
        "postgres://u:S3CRET@ss@h/d",
        "postgres://u:S3CRET/x@h/d",
        "postgres://u:S3CRET%zz@h/d",
        "postgres://u:S3CRET%4",
        "postgres://u:%ff@S3CRET:x/d",
        "postgres://u@h/d?S3CRET",
        "postgres://u@h/d?password=a&S3CRET=1",
        "postgres://[S3CRET/d",
        "mysql://u:S3CRET@h",
        "S3CRET",
        "host=h password=S3 CRET",
        "host=h password=a S3CRET=b",
        "host=h password='S3CRET",
        "host=h port=S3CRET",
        "host=h port=0",
        "host=h port=70000",
        "host=a,b port=1,2,3",
        "host=a,b hostaddr=1.1.1.1",
        "hostaddr=S3CRET",
        "host='S3CRET h'",
        "host=h sslmode=S3CRET",
        "host=h sslmode=prefer",
        "host=h sslmode=allow",
        "host=h sslmode=require sslrootcert=system",
        "host=h channel_binding=S3CRET",
        "host=h target_session_attrs=S3CRET",
        "host=h connect_timeout=S3CRET",
        "host=h options='-c S3CRET'",
        "host=h sslpassword=S3CRET",
        "host=h sslcert=S3CRET",
        "host=h service=S3CRET",
        "host=h gssencmode=require",
        "host=h ssl_min_protocol_version=S3CRET",
    ] {
        let error = settings(Some(text), &[], None).expect_err(text);
        assert_eq!(error.code(), Code::Config, "{text}");
        for said in [error.to_string(), format!("{error:?}")] {
            assert!(!said.contains("S3") && !said.contains("CRET"), "{text}: {said}");
        }
    }
}

#[test]
fn debug_shows_no_password() {
    let settings = of("postgres://u:S3CRET@h/d");
    assert!(!format!("{settings:?} {} {settings:#?}", settings.place()).contains("S3CRET"));
}

#[test]
fn what_is_kept_has_no_password_and_means_the_same() {
    for text in
        ["postgres://u%27x:S3CRET@a:1,[::1]/d%5Ce?sslmode=verify-ca", "host=h user='a b' password=S3CRET"]
    {
        let kept = without_password(text).unwrap();
        assert!(!kept.contains("S3CRET"), "{kept}");
        assert_eq!(shown(&of(&kept)), shown(&of(text)));
    }
}

#[test]
fn a_string_comes_before_a_service_and_that_before_the_environment() {
    let home = Home::new("order");
    let file = home.write(
        "services",
        "# mine\n[other]\nhost=o\n\n[it]\nhost=s\nport = 2\nuser=su\nhost=late\n[it]\nhost=x\n",
        0o644,
    );
    let environment = [
        ("PGHOST", "e"),
        ("PGPORT", "3"),
        ("PGUSER", "eu"),
        ("PGDATABASE", "ed"),
        ("PGSERVICEFILE", file.to_str().unwrap()),
    ];
    let with = |text: Option<&str>, more: &[(&str, &str)]| {
        shown(&settings(text, &[&environment[..], more].concat(), None).unwrap())
    };
    assert_eq!(with(None, &[]), "eu@e:3/ed");
    assert_eq!(with(None, &[("PGSERVICE", "it")]), "su@s:2/ed");
    assert_eq!(with(Some("service=it port=9"), &[]), "su@s:9/ed");
    assert_eq!(with(Some("host=h service=other"), &[("PGSERVICE", "it")]), "eu@h:3/ed");
    assert_eq!(with(Some("user=u"), &[("PGPORT", "")]), "u@e:5432/ed");
    let missing = settings(Some("service=none"), &environment, None).unwrap_err();
    assert_eq!(missing.code(), Code::Config);
    for text in ["[it]\nnothing\n", "[it]\nservice=it\n", "[it]\nS3CRET=1\n"] {
        let file = home.write("broken", text, 0o644);
        let error =
            settings(Some("service=it"), &[("PGSERVICEFILE", file.to_str().unwrap())], None).unwrap_err();
        assert!(!error.to_string().contains("S3CRET"));
    }
    home.write(".pg_service.conf", "[it]\nhost=home\nuser=u\n", 0o644);
    assert_eq!(shown(&settings(Some("service=it"), &[], Some(&home.0)).unwrap()), "u@home:5432/u");
    home.write("sys/pg_service.conf", "[sys]\nhost=sys\nuser=u\n", 0o644);
    let system = [("PGSYSCONFDIR", home.0.join("sys").to_str().unwrap().to_owned())];
    let system = [(system[0].0, system[0].1.as_str())];
    assert_eq!(shown(&settings(Some("service=sys"), &system, Some(&home.0)).unwrap()), "u@sys:5432/u");
}

#[test]
#[cfg(unix)]
fn passfiles() {
    let home = Home::new("passfile");
    home.write(
        ".pgpass",
        "# h:5432:d:u:comment\nh\\:x:5432:d:u:colon\nh:5432:d:u:pa\\:ss\\\\word\nh:*:*:u:port\nlocalhost:5432:d:u:socket\n\
         short:1\n*:*:*:other:any\n*:*:*:*:last\n",
        0o600,
    );
    let found = |text: &str, number: usize| {
        let settings = settings(Some(text), &[], Some(&home.0)).unwrap();
        let host = settings.hosts()[number].clone();
        settings.password_for(&host).unwrap().map(|secret| secret.reveal().to_owned())
    };
    let is = |text: &str, number, expected: &str| {
        assert_eq!(found(text, number).as_deref(), Some(expected), "{text}");
    };
    is("host=h user=u dbname=d", 0, "pa:ss\\word");
    is("host=h user=u dbname=d port=1", 0, "port");
    is("host=h user=other dbname=d", 0, "any");
    is("host=x,h user=u dbname=d", 0, "last");
    is("host=x,h user=u dbname=d", 1, "pa:ss\\word");
    is("host=/var/run/postgresql user=u dbname=d", 0, "socket");
    is("host=h user=u dbname=d password=given", 0, "given");
    // The password of the environment comes before a passfile.
    let settings_of = |environment: &[(&str, &str)]| {
        settings(Some("host=h user=u dbname=d"), environment, Some(&home.0)).unwrap()
    };
    let first = settings_of(&[("PGPASSWORD", "env")]);
    assert_eq!(first.password_for(&first.hosts()[0]).unwrap().unwrap().reveal(), "env");
    // Found anew at each connect.
    let kept = settings_of(&[]);
    home.write(".pgpass", "h:5432:d:u:new\n", 0o600);
    assert_eq!(kept.password_for(&kept.hosts()[0]).unwrap().unwrap().reveal(), "new");
    // Readable by others: refused, and what it holds is not said.
    home.write(".pgpass", "h:5432:d:u:S3CRET\n", 0o640);
    let error = kept.password_for(&kept.hosts()[0]).unwrap_err();
    assert!(error.to_string().contains("chmod 600") && !error.to_string().contains("S3CRET"), "{error}");
    let none = settings_of(&[("PGPASSFILE", "/nowhere/at/all")]);
    assert_eq!(none.password_for(&none.hosts()[0]).unwrap(), None);
}

#[test]
fn channels_are_verified_unless_they_stay_on_this_machine() {
    use SslMode::{Disable, Require, VerifyCa, VerifyFull};
    let home = Home::new("tls");
    let mode = |text: &str, home: Option<&Path>| {
        let settings = settings(Some(text), &[], home).unwrap();
        settings.mode_for(&settings.hosts()[0])
    };
    for (text, expected) in [
        ("host=db.example", VerifyFull),
        ("host=10.0.0.1", VerifyFull),
        ("host=localhost", Disable),
        ("host=LOCALHOST", Disable),
        ("host=127.8.8.8", Disable),
        ("host=::1", Disable),
        ("host=/tmp", Disable),
        // A name is not an address: this one leads elsewhere.
        ("host=localhost hostaddr=10.0.0.1", VerifyFull),
        ("host=db.example hostaddr=127.0.0.1", Disable),
        ("host=localhost.example", VerifyFull),
        ("host=localhost sslmode=verify-full", VerifyFull),
        ("host=/tmp sslmode=verify-full", Disable),
        ("host=db.example sslmode=disable", Disable),
        ("host=db.example sslmode=require", Require),
        ("host=db.example sslmode=verify-ca", VerifyCa),
        ("host=db.example sslmode=require sslrootcert=/ca.pem", VerifyCa),
        ("postgres://db.example/?ssl=true", Require),
    ] {
        assert_eq!(mode(text, None), expected, "{text}");
    }
    assert_eq!(of("host=db.example").roots(), Roots::System);
    home.write(".postgresql/root.crt", "", 0o644);
    assert_eq!(mode("host=db.example sslmode=require", Some(&home.0)), VerifyCa, "as with libpq");
    let both = of("host=localhost,db.example");
    assert_eq!(
        both.hosts().iter().map(|host| both.mode_for(host)).collect::<Vec<_>>(),
        [Disable, VerifyFull]
    );
}

#[test]
fn an_attempt_always_ends() {
    for (text, seconds) in [
        ("", 15),
        ("connect_timeout=0", 15),
        ("connect_timeout=-1", 15),
        ("connect_timeout=1", 2),
        ("connect_timeout=30", 30),
    ] {
        assert_eq!(of(&format!("host=h {text}")).connect_timeout().as_secs(), seconds);
    }
}
