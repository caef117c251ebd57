//! A git host as companies have one: https with a certificate of their own, and a password.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{Response, StatusCode, header},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use service::settings;
use tempfile::TempDir;
use tokio::{
    io::{AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    process::Command,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// Serves one repository, `config.git`, with the sample configuration in it.
pub struct GitHost {
    folder: TempDir,
    port: u16,
    password: Password,
}

/// What the host takes, together with the user `wicketgate`.
type Password = Arc<Mutex<String>>;

impl GitHost {
    /// Nothing, and a line that says so, where there is no git or openssl; with
    /// `WICKETGATE_TEST_FULL` that is a failure.
    pub async fn start(password: &str) -> Option<Self> {
        let mut missing = None;
        for (tool, option) in [("git", "--version"), ("openssl", "version")] {
            if Command::new(tool).arg(option).output().await.is_err() {
                missing = Some(tool);
            }
        }
        if let Some(tool) = missing {
            let must_be_there = settings::var("WICKETGATE_TEST_FULL").is_some();
            assert!(!must_be_there, "{tool} is needed");
            // Written past the test runner, which shows nothing of tests that pass.
            let line = format_args!("skipped: no {tool}\n");
            let _ = std::io::Write::write_fmt(&mut std::io::stderr(), line);
            return None;
        }
        service::http::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        make_certificate(folder.path()).await;
        config::sample::write_to(&folder.path().join("work/static")).unwrap();
        let password: Password = Arc::new(Mutex::new(password.to_owned()));
        let git = (folder.path().to_owned(), password.clone());
        let router = Router::new().fallback(answer).with_state(git);
        let port = serve_tls(router, folder.path()).await;
        let host = Self {
            folder,
            port,
            password,
        };
        host.git(&["init", "-q", "-b", "main"]).await;
        host.git(&["init", "-q", "--bare", "-b", "main", "../config.git"])
            .await;
        host.push("the sample").await;
        Some(host)
    }

    /// Takes commits over https, too.
    pub async fn take_pushes(&self) {
        let place = ["-C", "../config.git", "config"];
        self.git(&[&place[..], &["http.receivepack", "true"]].concat())
            .await;
    }

    /// What a git command says about the repository.
    pub async fn ask(&self, arguments: &[&str]) -> String {
        let place = ["-C", "../config.git"];
        self.git(&[&place[..], arguments].concat()).await
    }

    pub fn address(&self) -> String {
        format!("https://localhost:{}/config.git", self.port)
    }

    /// File with the certificate of the authority.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub fn set_password(&self, password: &str) {
        password.clone_into(&mut self.password.lock().unwrap());
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join("work/static").join(path)).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join("work/static").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Commits everything that was written.
    pub async fn push(&self, message: &str) {
        self.git(&["add", "."]).await;
        self.git(&["commit", "-q", "-m", message]).await;
        self.git(&["push", "-q", "../config.git", "main"]).await;
    }

    async fn git(&self, arguments: &[&str]) -> String {
        let done = Command::new("git")
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
            .args(arguments)
            .current_dir(self.folder.path().join("work"))
            .output()
            .await
            .unwrap();
        let error = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{arguments:?}: {error}");
        String::from_utf8(done.stdout).unwrap()
    }
}

async fn make_certificate(folder: &Path) {
    let arguments = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
                     -subj /CN=localhost -addext subjectAltName=DNS:localhost \
                     -keyout key.pem -out certificate.pem";
    let made = Command::new("openssl")
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .output()
        .await
        .unwrap();
    let error = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{error}");
}

/// `router` on a free port behind TLS.
async fn serve_tls(router: Router, folder: &Path) -> u16 {
    let inner = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let behind = inner.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(inner, router).await });
    let certificate = CertificateDer::from_pem_file(folder.join("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let settings = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(settings));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let (Ok(mut client), Ok(mut server)) = (
                    acceptor.accept(client).await,
                    TcpStream::connect(behind).await,
                ) else {
                    return;
                };
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}

/// Lets `git http-backend` answer those who know the password.
async fn answer(
    State((folder, password)): State<(PathBuf, Password)>,
    request: Request,
) -> Response<axum::body::Body> {
    let login = format!("wicketgate:{}", password.lock().unwrap());
    let expected = format!("Basic {}", STANDARD.encode(login));
    let given = request.headers().get(header::AUTHORIZATION);
    if given.is_none_or(|given| given.as_bytes() != expected.as_bytes()) {
        let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"git\"")];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 64 << 20).await.unwrap();
    let kind = parts.headers.get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut backend = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", kind)
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = backend.stdin.take().unwrap();
    tokio::spawn(async move { input.write_all(&body).await });
    let output = backend.wait_with_output().await.unwrap().stdout;
    let end = output.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    let end = end.expect("a CGI answer has headers");
    let mut response = Response::builder();
    for line in String::from_utf8_lossy(&output[..end]).lines() {
        let (name, value) = line.split_once(": ").unwrap();
        response = match name {
            "Status" => response.status(&value[..3]),
            name => response.header(name, value),
        };
    }
    let content = output[end + 4..].to_vec();
    response.body(content.into()).unwrap()
}
