//! The PROXY protocol, versions 1 and 2: a load balancer that does not speak HTTP says at the start
//! of a connection whose it is.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
};

use tokio::io::{AsyncRead, AsyncReadExt};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1, its end included.
const MAX_LINE: usize = 107;
/// Addresses and whatever else a balancer adds.
const MAX_LENGTH: usize = 4096;

/// Whose connection it is, and where it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub source: SocketAddr,
    pub destination: SocketAddr,
}

/// Reads the header and nothing behind it. Nothing for a connection of the balancer's own, such as
/// a check.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Ends>> {
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    if start == *SIGNATURE {
        return read_binary(stream).await;
    }
    if !start.starts_with(b"PROXY ") {
        return Err(malformed());
    }
    let mut line = start.to_vec();
    while !line.ends_with(b"\r\n") {
        if line.len() >= MAX_LINE {
            return Err(malformed());
        }
        line.push(stream.read_u8().await?);
    }
    let line = std::str::from_utf8(&line[..line.len() - 2]).map_err(|_| malformed())?;
    parse_line(line)
}

fn parse_line(line: &str) -> io::Result<Option<Ends>> {
    let mut words = line.split(' ').skip(1);
    let family = words.next();
    if family == Some("UNKNOWN") {
        return Ok(None);
    }
    let mut address = || words.next()?.parse::<IpAddr>().ok();
    let (source, destination) = (address(), address());
    let mut port = || words.next()?.parse::<u16>().ok();
    let (source_port, destination_port) = (port(), port());
    let is_of_family = |address: &IpAddr| match family {
        Some("TCP4") => address.is_ipv4(),
        Some("TCP6") => address.is_ipv6(),
        _ => false,
    };
    let source = source.filter(is_of_family).zip(source_port);
    let destination = destination.filter(is_of_family).zip(destination_port);
    match (source, destination, words.next()) {
        (Some(source), Some(destination), None) => Ok(Some(Ends {
            source: source.into(),
            destination: destination.into(),
        })),
        _ => Err(malformed()),
    }
}

async fn read_binary(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<Ends>> {
    let mut fixed = [0; 4];
    stream.read_exact(&mut fixed).await?;
    let [version, family, high, low] = fixed;
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > MAX_LENGTH {
        return Err(malformed());
    }
    let mut addresses = vec![0; length];
    stream.read_exact(&mut addresses).await?;
    match version {
        // What the balancer says of itself.
        0x20 => Ok(None),
        0x21 => ends(family, &addresses),
        _ => Err(malformed()),
    }
}

fn ends(family: u8, bytes: &[u8]) -> io::Result<Option<Ends>> {
    let (size, is_v4) = match family {
        0x11 => (4, true),
        0x21 => (16, false),
        // Unix sockets, datagrams: nobody who could be named.
        _ => return Ok(None),
    };
    let slice = |from: usize, length: usize| bytes.get(from..from + length).ok_or_else(malformed);
    let address = |from| -> io::Result<IpAddr> {
        let bytes = slice(from, size)?;
        Ok(if is_v4 {
            Ipv4Addr::from_octets(bytes.try_into().map_err(|_| malformed())?).into()
        } else {
            Ipv6Addr::from_octets(bytes.try_into().map_err(|_| malformed())?).into()
        })
    };
    let number = |from| -> io::Result<u16> {
        let bytes = slice(from, 2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    };
    Ok(Some(Ends {
        source: SocketAddr::new(address(0)?, number(2 * size)?),
        destination: SocketAddr::new(address(size)?, number(2 * size + 2)?),
    }))
}

fn malformed() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "not a header of the PROXY protocol",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(source: &str, destination: &str) -> Ends {
        Ends {
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
        }
    }

    #[tokio::test]
    async fn both_versions_are_read_and_nothing_behind_them() {
        let v4 = [
            &SIGNATURE[..],
            b"\x21\x11\0\x0e\xc0\0\x02\x01\xcb\0\x71\x05\x1f\x90\x01\xbb\x04\0",
        ]
        .concat();
        let own = [&SIGNATURE[..], b"\x20\0\0\0"].concat();
        let mut v6 = [&SIGNATURE[..], b"\x21\x21\0\x24"].concat();
        v6.extend(Ipv6Addr::LOCALHOST.octets());
        v6.extend(Ipv6Addr::LOCALHOST.octets());
        v6.extend([0, 1, 0, 2]);
        for (header, expected) in [
            (
                b"PROXY TCP4 192.0.2.1 203.0.113.5 8080 443\r\n".to_vec(),
                Some(ends("192.0.2.1:8080", "203.0.113.5:443")),
            ),
            (
                b"PROXY TCP6 ::1 ::1 1 2\r\n".to_vec(),
                Some(ends("[::1]:1", "[::1]:2")),
            ),
            (b"PROXY UNKNOWN anything\r\n".to_vec(), None),
            (v4, Some(ends("192.0.2.1:8080", "203.0.113.5:443"))),
            (v6, Some(ends("[::1]:1", "[::1]:2"))),
            (own, None),
        ] {
            let bytes = [&header[..], b"GET / HTTP/1.1"].concat();
            let mut stream = bytes.as_slice();
            assert_eq!(read(&mut stream).await.unwrap(), expected);
            assert_eq!(stream, b"GET / HTTP/1.1");
        }
    }

    #[tokio::test]
    async fn anything_else_is_refused() {
        for header in [
            "GET / HTTP/1.1\r\n\r\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n",
            "PROXY TCP4 192.0.2.1 203.0.113.5 8080\r\n",
            "PROXY TCP4 192.0.2.1 203.0.113.5 8080 443 more\r\n",
            "PROXY TCP4 192.0.2.1 203.0.113.5 99999 443\r\n",
            "PROXY UNIX a b 1 2\r\n",
            &format!("PROXY UNKNOWN {}\r\n", "a".repeat(200)),
            "\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0",
            "\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x02ab",
            "\r\n\r\n\0\r\nQUIT\n\x21\x11\x7f\x7f",
        ] {
            assert!(read(&mut header.as_bytes()).await.is_err(), "{header:?}");
        }
    }
}
