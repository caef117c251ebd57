//! A mail server that speaks enough SMTP to receive mails, or to refuse them.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

#[derive(Clone, Default)]
pub struct SmtpServer(Arc<Inner>);

#[derive(Default)]
struct Inner {
    mails: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    /// Answers to the next `RCPT` commands, last first; then all are accepted.
    refusals: Mutex<Vec<&'static str>>,
}

/// A mail with its envelope and how its sender logged in.
#[derive(Clone, Debug, Default)]
pub struct Received {
    pub login: Option<String>,
    pub from: String,
    pub to: Vec<String>,
    pub data: String,
}

impl SmtpServer {
    /// Returns the server and its port.
    pub async fn start() -> (Self, u16) {
        let server = Self::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let accepting = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepting.0.connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(accepting.clone().converse(stream));
            }
        });
        (server, port)
    }

    pub fn refuse_next(&self, answer: &'static str) {
        self.0.refusals.lock().unwrap().push(answer);
    }

    pub fn mails(&self) -> Vec<Received> {
        self.0.mails.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        self.0.connections.load(Ordering::SeqCst)
    }

    async fn converse(self, stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let (mut mail, mut login) = (Received::default(), None);
        write.write_all(b"220 mail.acme.example ESMTP\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            let verb = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-mail.acme.example\r\n250-8BITMIME\r\n250 AUTH PLAIN",
                "AUTH" => {
                    login = Some(line.clone());
                    "235 welcome"
                }
                "MAIL" => {
                    mail = Received {
                        login: login.clone(),
                        from: line.clone(),
                        ..Received::default()
                    };
                    "250 ok"
                }
                "RCPT" => {
                    let refusal = self.0.refusals.lock().unwrap().pop();
                    if refusal.is_none() {
                        mail.to.push(line.clone());
                    }
                    refusal.unwrap_or("250 ok")
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        mail.data.push_str(&line);
                        mail.data.push('\n');
                    }
                    self.0.mails.lock().unwrap().push(mail.clone());
                    "250 queued"
                }
                "QUIT" => {
                    write.write_all(b"221 bye\r\n").await?;
                    return Ok(());
                }
                "RSET" | "NOOP" => "250 ok",
                _ => "502 what?",
            };
            write.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
        Ok(())
    }
}
