//! Questions and answers of DNS (RFC 1035), as far as addresses need them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use simple_dns::{
    CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, ResourceRecord, header_buffer,
    rdata::{OPT, RData},
};

pub const A: u16 = 1;
pub const AAAA: u16 = 28;
pub const SRV: u16 = 33;
/// Fits into a packet everywhere.
pub const MAX_DATAGRAM: u16 = 1232;
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
    let mut message = Packet::new_query(id);
    message.set_flags(PacketFlag::RECURSION_DESIRED);
    message.questions.push(asked(name, kind)?);
    *message.opt_mut() = Some(OPT {
        opt_codes: Vec::new(),
        udp_packet_size: MAX_DATAGRAM,
        version: 0,
    });
    message.build_bytes_vec().ok()
}

fn asked(name: &str, kind: u16) -> Option<Question<'_>> {
    let name = name.trim_end_matches('.');
    if name.is_empty() || name.split('.').any(str::is_empty) {
        return None;
    }
    let (name, kind) = (Name::new(name).ok()?, QTYPE::TYPE(kind.into()));
    Some(Question::new(name, kind, QCLASS::CLASS(CLASS::IN), false))
}

/// Nothing for a message that is not the answer to this question.
pub fn read(message: &[u8], id: u16, name: &str, kind: u16) -> Option<Said> {
    let flag = |flag| header_buffer::has_flags(message, flag).ok();
    if header_buffer::id(message).ok()? != id || !flag(PacketFlag::RESPONSE)? {
        return None;
    }
    // Its records may end in the middle of one.
    if flag(PacketFlag::TRUNCATION)? {
        return Some(Said::Truncated);
    }
    let packet = Packet::parse(message).ok()?;
    let is_of = |question: &Question| {
        question.qtype == QTYPE::TYPE(kind.into()) && text(&question.qname) == lower(name)
    };
    if !matches!(packet.questions.as_slice(), [only] if is_of(only)) {
        return None;
    }
    match packet.rcode() {
        RCODE::NoError => Some(of_records(&packet.answers, lower(name), kind)),
        RCODE::NameError => Some(Said::Nothing),
        _ => Some(Said::Failed),
    }
}

fn of_records(records: &[ResourceRecord], mut wanted: String, kind: u16) -> Said {
    let mut answer = Answer {
        ttl: u32::MAX,
        ..Answer::default()
    };
    let mut aliases = 0;
    for record in records {
        if record.class != CLASS::IN || text(&record.name) != wanted {
            continue;
        }
        match &record.rdata {
            RData::CNAME(alias) if aliases < MAX_ALIASES => {
                aliases += 1;
                wanted = text(&alias.0);
            }
            RData::A(found) if kind == A => {
                answer.addresses.push(Ipv4Addr::from(found.address).into());
            }
            RData::AAAA(found) if kind == AAAA => {
                answer.addresses.push(Ipv6Addr::from(found.address).into());
            }
            RData::SRV(found) if kind == SRV => answer.services.push(Service {
                priority: found.priority,
                weight: found.weight,
                port: found.port,
                host: text(&found.target),
            }),
            _ => continue,
        }
        // The highest bit means nothing (RFC 2181, 8).
        let ttl = if record.ttl >> 31 == 1 { 0 } else { record.ttl };
        answer.ttl = answer.ttl.min(ttl);
    }
    if answer.addresses.is_empty() && answer.services.is_empty() {
        Said::Nothing
    } else {
        Said::Answer(answer)
    }
}

fn lower(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

fn text(name: &Name) -> String {
    lower(&name.to_string())
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
