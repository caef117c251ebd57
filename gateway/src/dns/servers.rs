use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use super::message::{self, Answer, MAX_DATAGRAM, Said};

/// How long one server may take, and how often all of them are asked.
const PATIENCE: Duration = Duration::from_secs(2);
const ROUNDS: usize = 2;
const PORT: u16 = 53;
const MAX_SERVERS: usize = 3;

/// No server has answered.
#[derive(Clone, Copy, Debug)]
pub struct Unanswered;

/// Who is asked, and for what (resolv.conf).
#[derive(Debug, PartialEq, Eq)]
pub struct Servers {
    addresses: Vec<SocketAddr>,
    /// What is put behind short names.
    search: Vec<String>,
    /// A name with so many dots is not short.
    dots: usize,
}

impl Servers {
    /// As the system is configured now, with other servers if there are some.
    pub async fn of_system(instead: &[SocketAddr]) -> Self {
        let text = tokio::fs::read_to_string("/etc/resolv.conf").await;
        let mut servers = Self::parse(&text.unwrap_or_default());
        if !instead.is_empty() {
            servers.addresses = instead.to_vec();
        }
        servers
    }

    fn parse(text: &str) -> Self {
        let mut servers = Self {
            addresses: Vec::new(),
            search: Vec::new(),
            dots: 1,
        };
        for line in text.lines() {
            let line = line.split(['#', ';']).next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|text| text.parse::<IpAddr>().ok());
                    let address = address.map(|address| SocketAddr::new(address, PORT));
                    servers.addresses.extend(address);
                }
                Some("search" | "domain") => servers.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let dots = words.find_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    servers.dots = dots.unwrap_or(servers.dots);
                }
                _ => {}
            }
        }
        servers.addresses.truncate(MAX_SERVERS);
        servers
    }

    /// The full names that a name may stand for, in the order in which they are tried.
    pub fn candidates(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let longer = self.search.iter().map(|domain| format!("{name}.{domain}"));
        let mut all: Vec<String> = longer.collect();
        let is_short = name.matches('.').count() < self.dots;
        let place = if is_short { all.len() } else { 0 };
        all.insert(place, name.to_owned());
        all
    }

    /// Nothing if there are no such addresses.
    pub async fn ask(&self, name: &str, kind: u16) -> Result<Option<Answer>, Unanswered> {
        for server in std::iter::repeat_n(&self.addresses, ROUNDS).flatten() {
            match timeout(PATIENCE, ask(*server, name, kind)).await {
                Ok(Ok(Some(Said::Answer(answer)))) => return Ok(Some(answer)),
                Ok(Ok(Some(Said::Nothing) | None)) => return Ok(None),
                // The next one may know.
                Ok(Ok(Some(Said::Failed | Said::Truncated)) | Err(_)) | Err(_) => {}
            }
        }
        Err(Unanswered)
    }
}

/// Nothing for a name that cannot be asked for.
async fn ask(server: SocketAddr, name: &str, kind: u16) -> std::io::Result<Option<Said>> {
    let mut id = [0; 2];
    service::random::fill(&mut id);
    let id = u16::from_be_bytes(id);
    let Some(question) = message::question(id, name, kind) else {
        return Ok(None);
    };
    let own = match server {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(own).await?;
    // Nobody else can answer then.
    socket.connect(server).await?;
    socket.send(&question).await?;
    let mut buffer = [0; MAX_DATAGRAM as usize];
    loop {
        let length = socket.recv(&mut buffer).await?;
        match message::read(&buffer[..length], id, name, kind) {
            Some(Said::Truncated) => break,
            Some(said) => return Ok(Some(said)),
            // The answer to something else.
            None => {}
        }
    }
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.len()).unwrap_or_default();
    stream
        .write_all(&[&length.to_be_bytes(), &question[..]].concat())
        .await?;
    let mut answer = vec![0; stream.read_u16().await?.into()];
    stream.read_exact(&mut answer).await?;
    let said = message::read(&answer, id, name, kind);
    Ok(Some(said.unwrap_or(Said::Failed)))
}

#[cfg(test)]
mod tests {
    use super::Servers;

    #[test]
    fn short_names_are_tried_with_their_domains_first() {
        let servers = Servers::parse(
            "# comment\nnameserver 10.0.0.2\nnameserver fe80::1\nsearch a.svc b.svc ; x\noptions edns0 ndots:2\n",
        );
        assert_eq!(servers.addresses.len(), 2);
        for (name, expected) in [
            ("db", vec!["db.a.svc", "db.b.svc", "db"]),
            ("db.x", vec!["db.x.a.svc", "db.x.b.svc", "db.x"]),
            ("db.x.y", vec!["db.x.y", "db.x.y.a.svc", "db.x.y.b.svc"]),
            ("db.", vec!["db."]),
        ] {
            assert_eq!(servers.candidates(name), expected, "{name}");
        }
        assert_eq!(Servers::parse("").candidates("a"), ["a"]);
    }
}
