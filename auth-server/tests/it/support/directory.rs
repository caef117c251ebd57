//! The directory `slapd` with a few people.

use std::{
    fmt::Write as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tokio::net::TcpStream;

use super::{PASSWORD, self_signed, skip};

/// A running directory; ends when dropped.
pub struct Directory {
    /// `ldap://127.0.0.1:<port>`
    pub plain: String,
    /// `ldaps://127.0.0.1:<port>`
    pub tls: String,
    /// Its own, in PEM form.
    pub certificate: String,
    process: Child,
    _folder: TempDir,
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// In Debian it is not in everybody's path.
const SLAPD: &str = "/usr/sbin/slapd";
const SLAPADD: &str = "/usr/sbin/slapadd";

impl Directory {
    /// Nothing where there is no slapd.
    pub async fn start() -> Option<Self> {
        if !Path::new(SLAPD).exists() {
            return skip("slapd");
        }
        let folder = tempfile::tempdir().unwrap();
        let (key, certificate) = self_signed(folder.path())?;
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("db")).unwrap();
        let configuration = format!(
            "include /etc/ldap/schema/core.schema\n\
             include /etc/ldap/schema/cosine.schema\n\
             include /etc/ldap/schema/inetorgperson.schema\n\
             modulepath /usr/lib/ldap\n\
             moduleload back_mdb\n\
             allow bind_anon_cred bind_anon_dn\n\
             TLSCertificateFile {certificate}\n\
             TLSCertificateKeyFile {key}\n\
             database mdb\n\
             maxsize 16777216\n\
             suffix \"dc=example,dc=org\"\n\
             directory {db}\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to * by dn.exact=\"cn=service,dc=example,dc=org\" read by anonymous auth by * none\n",
            certificate = certificate.display(),
            key = key.display(),
            db = path("db").display(),
        );
        std::fs::write(path("slapd.conf"), configuration).unwrap();
        std::fs::write(path("people.ldif"), people()).unwrap();
        let loaded = Command::new(SLAPADD)
            .arg("-f")
            .arg(path("slapd.conf"))
            .arg("-l")
            .arg(path("people.ldif"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&loaded.stderr);
        assert!(loaded.status.success(), "{text}");
        let (plain, tls) = (free_port(), free_port());
        let addresses = [
            format!("ldap://127.0.0.1:{plain}"),
            format!("ldaps://127.0.0.1:{tls}"),
        ];
        let process = Command::new(SLAPD)
            .arg("-f")
            .arg(path("slapd.conf"))
            .arg("-h")
            .arg(addresses.join(" "))
            .args(["-d", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let [plain_url, tls_url] = addresses;
        let directory = Self {
            plain: plain_url,
            tls: tls_url,
            certificate: std::fs::read_to_string(certificate).unwrap(),
            process,
            _folder: folder,
        };
        for port in [plain, tls] {
            let mut tries = 0;
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                tries += 1;
                assert!(tries < 1000, "slapd does not start");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Some(directory)
    }
}

/// Free a moment ago: slapd cannot be given an open port.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn people() -> String {
    let mut text = "dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n\n\
        dn: ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\nou: people\n\n\
        dn: ou=guests,ou=people,dc=example,dc=org\nobjectClass: organizationalUnit\nou: guests\n\n\
        dn: cn=service,dc=example,dc=org\nobjectClass: organizationalRole\n\
        objectClass: simpleSecurityObject\ncn: service\nuserPassword: let me search\n\n"
        .to_owned();
    for (place, uid, mail) in [
        ("ou=people", "turing", Some("turing@example.org")),
        ("ou=people", "twin", Some("twin@example.org")),
        ("ou=guests,ou=people", "twin", Some("twin@guests.example")),
        ("ou=people", "hermit", None),
    ] {
        let mail = mail.map_or_else(String::new, |mail| format!("mail: {mail}\n"));
        writeln!(
            text,
            "dn: uid={uid},{place},dc=example,dc=org\nobjectClass: inetOrgPerson\nuid: {uid}\n\
             cn: {uid}\nsn: {uid}\nou: Research\nemployeeNumber: 7\n{mail}userPassword: {PASSWORD}\n"
        )
        .unwrap();
    }
    text
}
