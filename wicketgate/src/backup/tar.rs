//! The part of the tar format (POSIX ustar) that an archive of a few files needs.

use std::io::{self, Read, Write};

const BLOCK: usize = 512;
const ZEROES: [u8; BLOCK] = [0; BLOCK];
/// Where name, mode, length and checksum are in a header.
const NAME: std::ops::Range<usize> = 0..100;
const LENGTH: std::ops::Range<usize> = 124..136;
const CHECKSUM: std::ops::Range<usize> = 148..156;
/// Says that the length is a number and no text: files of 8 GiB and more.
const BINARY: u8 = 0x80;

/// What comes next in an archive.
pub struct Entry {
    pub name: String,
    pub length: u64,
}

/// Adds a file.
pub fn append(
    archive: &mut impl Write,
    name: &str,
    length: u64,
    mut content: impl Read,
) -> io::Result<()> {
    archive.write_all(&header(name, length))?;
    let copied = io::copy(&mut content, archive)?;
    if copied != length {
        return Err(io::Error::other("the file changed while it was read"));
    }
    archive.write_all(&ZEROES[..padding(length)])
}

/// The end of an archive.
pub fn finish(archive: &mut impl Write) -> io::Result<()> {
    archive.write_all(&ZEROES)?;
    archive.write_all(&ZEROES)
}

/// The next file, whose content follows; nothing at the end.
pub fn next(archive: &mut impl Read) -> io::Result<Option<Entry>> {
    let mut header = [0; BLOCK];
    archive.read_exact(&mut header)?;
    if header == ZEROES {
        return Ok(None);
    }
    let written = octal(&header[CHECKSUM]);
    if written != Some(checksum(&header)) {
        return Err(io::Error::other("a header has a wrong checksum"));
    }
    let name = &header[NAME];
    let end = name
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(name.len());
    let name = std::str::from_utf8(&name[..end]).map_err(io::Error::other)?;
    let length = if header[LENGTH.start] & BINARY == 0 {
        octal(&header[LENGTH])
    } else {
        let number = header[LENGTH.end - 8..LENGTH.end].try_into();
        number.ok().map(u64::from_be_bytes)
    };
    Ok(Some(Entry {
        name: name.to_owned(),
        length: length.ok_or_else(|| io::Error::other("a header has no length"))?,
    }))
}

/// Goes on to the header after a content of this length.
pub fn skip_padding(archive: &mut impl Read, length: u64) -> io::Result<()> {
    archive.read_exact(&mut [0; BLOCK][..padding(length)])
}

fn padding(length: u64) -> usize {
    let rest = usize::try_from(length % BLOCK as u64).expect("less than a block");
    (BLOCK - rest) % BLOCK
}

fn header(name: &str, length: u64) -> [u8; BLOCK] {
    let mut header = ZEROES;
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(NAME.start, name.as_bytes());
    put(100, b"0000600\0");
    // Owner, group, and a time that says nothing.
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(136, b"00000000000\0");
    put(156, b"0");
    put(257, b"ustar\x0000");
    if length < 1 << 33 {
        put(LENGTH.start, format!("{length:011o}\0").as_bytes());
    } else {
        put(LENGTH.start, &[BINARY]);
        put(LENGTH.end - 8, &length.to_be_bytes());
    }
    let sum = format!("{:06o}\0 ", checksum(&header));
    header[CHECKSUM].copy_from_slice(sum.as_bytes());
    header
}

/// Of all bytes, with blanks in the place of the checksum itself.
fn checksum(header: &[u8; BLOCK]) -> u64 {
    let byte = |(at, byte): (usize, &u8)| {
        let is_sum = CHECKSUM.contains(&at);
        u64::from(if is_sum { b' ' } else { *byte })
    };
    header.iter().enumerate().map(byte).sum()
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    u64::from_str_radix(text.trim_matches(['\0', ' ']), 8).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read_and_a_changed_header_cannot() {
        let mut archive = Vec::new();
        append(&mut archive, "a.db", 5, &b"hello"[..]).unwrap();
        append(&mut archive, "b.db", 512, &[7; 512][..]).unwrap();
        finish(&mut archive).unwrap();
        assert_eq!(archive.len(), 6 * BLOCK);
        let mut rest = &archive[..];
        for (name, content) in [("a.db", &b"hello"[..]), ("b.db", &[7; 512])] {
            let entry = next(&mut rest).unwrap().unwrap();
            assert_eq!(
                (entry.name.as_str(), entry.length),
                (name, content.len() as u64)
            );
            let (found, after) = rest.split_at(content.len());
            assert_eq!(found, content);
            rest = after;
            skip_padding(&mut rest, entry.length).unwrap();
        }
        assert!(next(&mut rest).unwrap().is_none());
        archive[0] = b'x';
        assert!(next(&mut &archive[..]).is_err());
        assert!(next(&mut &archive[..100]).is_err());
    }

    #[test]
    fn lengths_above_eight_gibibytes_have_their_own_form() {
        for length in [(1 << 33) - 1, 1 << 33, 1 << 40] {
            let header = header("a", length);
            let entry = next(&mut &header[..]).unwrap().unwrap();
            assert_eq!(entry.length, length);
        }
    }

    #[test]
    fn other_programs_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("archive.tar");
        let mut archive = Vec::new();
        append(&mut archive, "a.db", 5, &b"hello"[..]).unwrap();
        finish(&mut archive).unwrap();
        std::fs::write(&file, archive).unwrap();
        let mut tar = std::process::Command::new("tar");
        let output = tar.arg("xOf").arg(&file).arg("a.db").output().unwrap();
        assert_eq!(output.stdout, b"hello", "{output:?}");
    }
}
