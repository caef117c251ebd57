//! Encryption of what is too long for memory: the STREAM construction over XChaCha20-Poly1305, in
//! pieces of one size. A piece that was changed, left out, moved or added does not open, and the
//! last one is marked, so that a beginning is never taken for the whole.

use chacha20poly1305::{
    XChaCha20Poly1305,
    aead::{
        KeyInit, Payload,
        stream::{DecryptorBE32, EncryptorBE32},
    },
};

use super::{Key, OpenError, seal::key_id};

/// Plain bytes of every piece but the last, which is shorter or equal.
pub const CHUNK: usize = 64 * 1024;
/// The same encrypted.
pub const SEALED_CHUNK: usize = CHUNK + 16;
/// Bytes in front of the pieces: which format, which key, the nonce.
pub const HEAD: usize = MAGIC.len() + KEY_ID + NONCE;

const MAGIC: &[u8; 8] = b"wgstream";
const KEY_ID: usize = 8;
const NONCE: usize = 19;

impl Key {
    /// Begins to encrypt. The bytes come first, then the pieces.
    pub fn seal_stream(&self) -> ([u8; HEAD], Sealer) {
        let mut nonce = [0; NONCE];
        crate::random::fill(&mut nonce);
        let mut head = [0; HEAD];
        head[..MAGIC.len()].copy_from_slice(MAGIC);
        head[MAGIC.len()..][..KEY_ID].copy_from_slice(key_id(&self.current).as_bytes());
        head[MAGIC.len() + KEY_ID..].copy_from_slice(&nonce);
        let cipher = XChaCha20Poly1305::new(&self.current.into());
        let stream = EncryptorBE32::from_aead(cipher, &nonce.into());
        (head, Sealer { stream, head })
    }

    /// Begins to decrypt what starts with `head`, also with the previous key during a rotation.
    pub fn open_stream(&self, head: &[u8; HEAD]) -> Result<Opener, OpenError> {
        let (magic, rest) = head.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(OpenError::Malformed);
        }
        let (id, nonce) = rest.split_at(KEY_ID);
        let key = std::iter::once(&self.current)
            .chain(self.previous.as_ref())
            .find(|key| key_id(key).as_bytes() == id)
            .ok_or(OpenError::OtherKey)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| OpenError::Malformed)?;
        let cipher = XChaCha20Poly1305::new(&(*key).into());
        Ok(Opener {
            stream: DecryptorBE32::from_aead(cipher, &nonce.into()),
            head: *head,
        })
    }
}

/// Encrypts piece after piece.
pub struct Sealer {
    stream: EncryptorBE32<XChaCha20Poly1305>,
    head: [u8; HEAD],
}

impl Sealer {
    /// A piece of [`CHUNK`] bytes that is not the last.
    pub fn next(&mut self, plain: &[u8]) -> Vec<u8> {
        debug_assert_eq!(plain.len(), CHUNK);
        let (msg, aad) = (plain, self.head.as_slice());
        self.stream
            .encrypt_next(Payload { msg, aad })
            .expect("2^32 pieces are 256 TiB")
    }

    /// The last piece, which may be empty.
    pub fn last(self, plain: &[u8]) -> Vec<u8> {
        let (msg, aad) = (plain, self.head.as_slice());
        self.stream
            .encrypt_last(Payload { msg, aad })
            .expect("2^32 pieces are 256 TiB")
    }
}

/// Decrypts piece after piece.
pub struct Opener {
    stream: DecryptorBE32<XChaCha20Poly1305>,
    head: [u8; HEAD],
}

impl Opener {
    /// A piece of [`SEALED_CHUNK`] bytes that is not the last.
    pub fn next(&mut self, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (msg, aad) = (sealed, self.head.as_slice());
        let opened = self.stream.decrypt_next(Payload { msg, aad });
        opened.map_err(|_| OpenError::Malformed)
    }

    /// The last piece.
    pub fn last(self, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let (msg, aad) = (sealed, self.head.as_slice());
        let opened = self.stream.decrypt_last(Payload { msg, aad });
        opened.map_err(|_| OpenError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use crate::keys::{Keys, MasterKey, Purpose};

    use super::*;

    fn key() -> Key {
        let keys = Keys::from_master(MasterKey::generate());
        keys.derive(&Purpose::Archive).unwrap()
    }

    fn open(key: &Key, head: &[u8; HEAD], pieces: &[Vec<u8>]) -> Result<Vec<u8>, OpenError> {
        let mut opener = key.open_stream(head)?;
        let (last, others) = pieces.split_last().unwrap();
        let mut plain = Vec::new();
        for piece in others {
            plain.extend(opener.next(piece)?);
        }
        plain.extend(opener.last(last)?);
        Ok(plain)
    }

    #[test]
    fn only_the_whole_stream_opens_and_only_with_its_key() {
        let key = key();
        let (head, mut sealer) = key.seal_stream();
        let (first, second) = (vec![1; CHUNK], vec![2; CHUNK]);
        let pieces = vec![
            sealer.next(&first),
            sealer.next(&second),
            sealer.last(b"end"),
        ];
        assert_eq!(pieces[0].len(), SEALED_CHUNK);
        let plain = open(&key, &head, &pieces).unwrap();
        assert_eq!(plain, [first, second, b"end".to_vec()].concat());
        let refused = |pieces: &[Vec<u8>]| open(&key, &head, pieces).unwrap_err();
        assert_eq!(refused(&pieces[..2]), OpenError::Malformed, "cut off");
        assert_eq!(refused(&pieces[1..]), OpenError::Malformed, "beheaded");
        let moved = [pieces[1].clone(), pieces[0].clone(), pieces[2].clone()];
        assert_eq!(refused(&moved), OpenError::Malformed);
        let mut changed = pieces.clone();
        changed[1][7] ^= 1;
        assert_eq!(refused(&changed), OpenError::Malformed);
        let other = self::key();
        assert_eq!(open(&other, &head, &pieces), Err(OpenError::OtherKey));
        let mut other_head = head;
        other_head[HEAD - 1] ^= 1;
        assert_eq!(open(&key, &other_head, &pieces), Err(OpenError::Malformed));
        assert_eq!(open(&key, &[0; HEAD], &pieces), Err(OpenError::Malformed));
    }
}
