//! A mail server: EHLO, STARTTLS or TLS from the start, AUTH, and whatever goes wrong with one.

mod session;

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{io::BufReader, net::TcpListener, sync::Notify};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// The certificate that signs the server's.
pub const CA: &str = include_str!("keys/ca.pem");

/// How the server behaves beside receiving mails.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    pub tls: Tls,
    /// Wants a log-in, `portal` with `hush`.
    pub auth: bool,
    /// Refuses the first try of every receiver (RFC 6647).
    pub greylisting: bool,
    pub smtputf8: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Never,
    /// Offers STARTTLS, and takes log-ins and mails only after it.
    Offered,
    FromTheStart,
}

/// What goes wrong with a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The answer to `RCPT`.
    Refuse(&'static str),
    /// The answer to the whole mail.
    RefuseContent(&'static str),
    /// Every answer comes that much later.
    Slow(Duration),
    /// The connection is cut after some lines of the mail.
    CutInData,
    /// The mail is received, and the connection is cut before the answer.
    LoseAnswer,
    /// No answer to `RCPT`, for as long as the client cares to wait.
    Silent,
    /// The mail is received, and there is no answer.
    SilentAfterMail,
}

#[derive(Clone)]
pub struct SmtpServer(Arc<Inner>);

struct Inner {
    manners: Manners,
    tls: TlsAcceptor,
    mails: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    troubles: Mutex<VecDeque<Trouble>>,
    greeted: Mutex<HashSet<String>>,
    arrived: Notify,
}

/// A mail with its envelope and how its sender logged in.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub login: Option<String>,
    pub is_encrypted: bool,
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
}

impl Received {
    /// The value of a header.
    pub fn header(&self, name: &str) -> String {
        let start = format!("{name}: ");
        let line = self.data.lines().find_map(|line| line.strip_prefix(&start));
        line.unwrap_or_default().to_owned()
    }
}

impl SmtpServer {
    /// Starts on a free port; returns it, too.
    pub async fn start(manners: Manners) -> (Self, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        (Self::on(listener, manners), port)
    }

    pub fn on(listener: TcpListener, manners: Manners) -> Self {
        service::http::install_crypto();
        let certificate = CertificateDer::from_pem_slice(include_bytes!("keys/server.pem"));
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("keys/server.key"));
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.unwrap()], key.unwrap())
            .unwrap();
        let server = Self(Arc::new(Inner {
            manners,
            tls: TlsAcceptor::from(Arc::new(config)),
            mails: Mutex::default(),
            connections: AtomicUsize::new(0),
            troubles: Mutex::default(),
            greeted: Mutex::default(),
            arrived: Notify::new(),
        }));
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.0.connections.fetch_add(1, Ordering::SeqCst);
                let server = accepting.clone();
                tokio::spawn(async move {
                    if server.0.manners.tls == Tls::FromTheStart {
                        if let Ok(stream) = server.0.tls.accept(stream).await {
                            let _ = session::run(&server, BufReader::new(stream), true).await;
                        }
                    } else {
                        let _ = session::run(&server, BufReader::new(stream), false).await;
                    }
                });
            }
        });
        server
    }

    /// What goes wrong with the next mails, one after the other.
    pub fn trouble(&self, trouble: Trouble) {
        self.0.troubles.lock().unwrap().push_back(trouble);
    }

    pub fn mails(&self) -> Vec<Received> {
        self.0.mails.lock().unwrap().clone()
    }

    /// Waits for that many mails.
    pub async fn until(&self, count: usize) -> Vec<Received> {
        let waiting = async {
            loop {
                let arrived = self.0.arrived.notified();
                let mails = self.mails();
                if mails.len() >= count {
                    return mails;
                }
                arrived.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), waiting).await;
        waited.unwrap_or_else(|_| panic!("{} of {count} mails have arrived", self.mails().len()))
    }

    pub fn connections(&self) -> usize {
        self.0.connections.load(Ordering::SeqCst)
    }

    fn receive(&self, mail: Received) {
        self.0.mails.lock().unwrap().push(mail);
        self.0.arrived.notify_waiters();
    }

    fn next_trouble(&self) -> Option<Trouble> {
        self.0.troubles.lock().unwrap().pop_front()
    }

    /// Whether this receiver is new here.
    fn is_new(&self, to: &str) -> bool {
        self.0.greeted.lock().unwrap().insert(to.to_owned())
    }
}
