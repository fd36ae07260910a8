//! A CA of one's own, and certificates of it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::Server;

pub(crate) struct Authority {
    folder: PathBuf,
}

impl Authority {
    /// In a folder of the server's user.
    pub(crate) fn new(server: &Server, name: &str) -> Self {
        let folder = PathBuf::from(format!("/tmp/gl-fleet-ca-{name}-{}", server.port));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        let it = Self { folder };
        it.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN={name} \
             -addext keyUsage=critical,keyCertSign -keyout ca.key -out ca.crt"
        ));
        it
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split_ascii_whitespace())
            .current_dir(&self.folder)
            .output()
            .unwrap();
        assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// The file of the CA.
    pub(crate) fn file(&self) -> String {
        self.folder.join("ca.crt").to_str().unwrap().to_owned()
    }

    /// A certificate for names, by name: its file and the key's. `options` as for `openssl x509`.
    pub(crate) fn issue(&self, name: &str, names: &str, subject: &str, options: &str) -> (PathBuf, PathBuf) {
        self.openssl(&format!(
            "req -new -newkey rsa:2048 -nodes -subj {subject} -keyout {name}.key -out {name}.csr"
        ));
        let usage = "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth,clientAuth\n";
        let names = if names.is_empty() { String::new() } else { format!("subjectAltName={names}\n") };
        std::fs::write(self.folder.join("ext"), format!("{usage}{names}")).unwrap();
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.crt -CAkey ca.key -CAcreateserial {options} -extfile ext -out {name}.crt"
        ));
        (self.folder.join(format!("{name}.crt")), self.folder.join(format!("{name}.key")))
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Has the server show a certificate from now on.
pub(crate) fn show(server: &Server, certificate: &Path, key: &Path, ca: &str) {
    let data = server.folder.join("data");
    for (from, to) in [(certificate, "server.crt"), (key, "server.key"), (Path::new(ca), "root.crt")] {
        let to = data.join(to);
        let _ = std::fs::remove_file(&to);
        std::fs::copy(from, &to).unwrap();
        // The key must be its user's alone.
        let mode = Command::new("chmod").arg("600").arg(&to).status().unwrap();
        let owner = Command::new("chown").arg("--reference").arg(&data).arg(&to).status().unwrap();
        assert!(mode.success() && owner.success());
    }
    for setting in ["ssl_ca_file = 'root.crt'", "ssl = on"] {
        server.run("postgres", &format!("ALTER SYSTEM SET {setting}"));
    }
    server.run("postgres", "SELECT pg_reload_conf()");
}
