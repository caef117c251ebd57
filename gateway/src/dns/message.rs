//! Questions and answers of DNS (RFC 1035), as far as addresses need them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub const A: u16 = 1;
pub const AAAA: u16 = 28;
pub const SRV: u16 = 33;
const CNAME: u16 = 5;
/// EDNS: how large an answer may be (RFC 6891).
const OPT: u16 = 41;
const INTERNET: u16 = 1;
/// Fits into a packet everywhere.
pub const MAX_DATAGRAM: u16 = 1232;
const HEADER: usize = 12;
const MAX_NAME: usize = 253;
/// Names that may lead to each other.
const MAX_ALIASES: usize = 16;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub addresses: Vec<IpAddr>,
    pub services: Vec<Service>,
    /// Seconds for which all of it counts.
    pub ttl: u32,
}

/// Where a service is offered (RFC 2782).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Lower ones come first.
    pub priority: u16,
    pub weight: u16,
    pub port: u16,
    pub host: String,
}

/// What a message says.
#[derive(Debug, PartialEq, Eq)]
pub enum Said {
    Answer(Answer),
    /// There is no such name, or nothing of this kind.
    Nothing,
    /// More than fits; it has to be asked for in another way.
    Truncated,
    /// The server cannot tell.
    Failed,
}

/// Nothing for a text that is no name.
pub fn question(id: u16, name: &str, kind: u16) -> Option<Vec<u8>> {
    let name = name.trim_end_matches('.');
    if name.is_empty() || name.len() > MAX_NAME {
        return None;
    }
    let mut message = Vec::with_capacity(HEADER + name.len() + 17);
    // Recursion is wanted; one question, one further record.
    for word in [id, 0x0100, 1, 0, 0, 1] {
        message.extend_from_slice(&word.to_be_bytes());
    }
    for label in name.split('.') {
        let length = u8::try_from(label.len()).ok()?;
        if length == 0 || length > 63 {
            return None;
        }
        message.push(length);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    for word in [kind, INTERNET] {
        message.extend_from_slice(&word.to_be_bytes());
    }
    message.push(0);
    for word in [OPT, MAX_DATAGRAM, 0, 0, 0] {
        message.extend_from_slice(&word.to_be_bytes());
    }
    Some(message)
}

/// Nothing for a message that is not the answer to this question.
pub fn read(message: &[u8], id: u16, name: &str, kind: u16) -> Option<Said> {
    let mut reader = Reader { message, at: 0 };
    let (own, flags, questions, answers) = (
        reader.word()?,
        reader.word()?,
        reader.word()?,
        reader.word()?,
    );
    let is_answer = flags & 0x8000 != 0 && flags & 0x7800 == 0;
    if own != id || !is_answer || questions != 1 {
        return None;
    }
    reader.at = HEADER;
    let mut wanted = name.trim_end_matches('.').to_ascii_lowercase();
    if (reader.name()?, reader.word()?, reader.word()?) != (wanted.clone(), kind, INTERNET) {
        return None;
    }
    if flags & 0x0200 != 0 {
        return Some(Said::Truncated);
    }
    match flags & 0x000F {
        0 => {}
        3 => return Some(Said::Nothing),
        _ => return Some(Said::Failed),
    }
    let mut answer = Answer {
        ttl: u32::MAX,
        ..Answer::default()
    };
    let mut aliases = 0;
    for _ in 0..answers {
        let record = reader.record()?;
        if record.class != INTERNET || record.owner != wanted {
            continue;
        }
        match (record.kind, record.data) {
            (CNAME, _) if aliases < MAX_ALIASES => {
                aliases += 1;
                let start = reader.at - record.data.len();
                wanted = Reader { message, at: start }.name()?;
            }
            (A, data) if kind == A => {
                let address: [u8; 4] = data.try_into().ok()?;
                answer.addresses.push(Ipv4Addr::from(address).into());
            }
            (AAAA, data) if kind == AAAA => {
                let address: [u8; 16] = data.try_into().ok()?;
                answer.addresses.push(Ipv6Addr::from(address).into());
            }
            (SRV, data) if kind == SRV => {
                let start = reader.at - data.len();
                let mut reader = Reader { message, at: start };
                answer.services.push(Service {
                    priority: reader.word()?,
                    weight: reader.word()?,
                    port: reader.word()?,
                    host: reader.name()?,
                });
            }
            _ => continue,
        }
        // The highest bit means nothing (RFC 2181, 8).
        answer.ttl = answer
            .ttl
            .min(if record.ttl >> 31 == 1 { 0 } else { record.ttl });
    }
    Some(
        if answer.addresses.is_empty() && answer.services.is_empty() {
            Said::Nothing
        } else {
            Said::Answer(answer)
        },
    )
}

struct Record<'a> {
    owner: String,
    kind: u16,
    class: u16,
    ttl: u32,
    data: &'a [u8],
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let bytes = self.message.get(self.at..self.at.checked_add(length)?)?;
        self.at += length;
        Some(bytes)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.bytes(2)?.try_into().ok()?))
    }

    fn record(&mut self) -> Option<Record<'a>> {
        let (owner, kind, class) = (self.name()?, self.word()?, self.word()?);
        let ttl = u32::from_be_bytes(self.bytes(4)?.try_into().ok()?);
        let length = self.word()?;
        let data = self.bytes(length.into())?;
        Some(Record {
            owner,
            kind,
            class,
            ttl,
            data,
        })
    }

    /// In lower case. A part may be written elsewhere, but only further in front, so this ends.
    fn name(&mut self) -> Option<String> {
        let mut name = String::new();
        let mut at = self.at;
        let mut after = None;
        loop {
            let length = usize::from(*self.message.get(at)?);
            if length == 0 {
                self.at = after.unwrap_or(at + 1);
                return Some(name);
            }
            if length & 0xC0 == 0xC0 {
                let target = (length & 0x3F) << 8 | usize::from(*self.message.get(at + 1)?);
                if target >= at {
                    return None;
                }
                after.get_or_insert(at + 2);
                at = target;
                continue;
            }
            let label = self.message.get(at + 1..at + 1 + length)?;
            if length > 63 || name.len() + length > MAX_NAME {
                return None;
            }
            if !name.is_empty() {
                name.push('.');
            }
            name.extend(
                label
                    .iter()
                    .map(|byte| char::from(byte.to_ascii_lowercase())),
            );
            at += 1 + length;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The answer to `a.example`: an alias to `b.example`, and two addresses of that.
    fn answer() -> Vec<u8> {
        let mut message = question(7, "a.example", A).unwrap();
        message.truncate(message.len() - 11);
        message[2] = 0x81;
        message[7] = 3;
        message[11] = 0;
        // `a.example` stands at 12, `example` at 14.
        message.extend(b"\xC0\x0C\0\x05\0\x01\0\0\0\x3C\0\x04\x01b\xC0\x0E");
        let alias = u8::try_from(message.len() - 4).unwrap();
        for last in [1, 2] {
            message.extend([0xC0, alias]);
            message.extend(b"\0\x01\0\x01\0\0\0\x05\0\x04\x0A\0\0");
            message.push(last);
        }
        message
    }

    #[test]
    fn aliases_are_followed() {
        let expected = Answer {
            addresses: vec![[10, 0, 0, 1].into(), [10, 0, 0, 2].into()],
            services: Vec::new(),
            ttl: 5,
        };
        let read_it = |message: &[u8]| read(message, 7, "A.example.", A);
        assert_eq!(read_it(&answer()), Some(Said::Answer(expected)));
        assert_eq!(read(&answer(), 8, "a.example", A), None);
        assert_eq!(read(&answer(), 7, "c.example", A), None);
        assert_eq!(read(&answer(), 7, "a.example", AAAA), None);
        for (flags, said) in [
            ([0x83, 0], Said::Truncated),
            ([0x81, 3], Said::Nothing),
            ([0x81, 2], Said::Failed),
        ] {
            let mut message = answer();
            message[2..4].copy_from_slice(&flags);
            assert_eq!(read_it(&message), Some(said));
        }
        // Somebody else's addresses do not count.
        let mut message = answer();
        let place = message
            .windows(3)
            .position(|part| part == b"\x01b\xC0")
            .unwrap();
        message[place + 1] = b'c';
        let mut other = message.clone();
        other.truncate(place);
        assert!(read_it(&message).is_some());
        assert_eq!(read_it(&other), None);
        assert_eq!(question(1, &"a.".repeat(200), A), None);
        assert_eq!(question(1, "a..b", A), None);
    }

    proptest! {
        #[test]
        fn any_message_is_read_or_refused(changes in prop::collection::vec((0_usize..90, any::<u8>()), 0..6), length in 0_usize..90) {
            let mut message = answer();
            for (place, byte) in changes {
                let place = place % message.len();
                message[place] = byte;
            }
            message.truncate(length);
            read(&message, 7, "a.example", A);
        }
    }
}
