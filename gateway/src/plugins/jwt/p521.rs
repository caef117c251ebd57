//! ES512 (RFC 7518, 3.4), by the OpenSSL that the program has anyhow: ring does not know its curve.

use openssl::{
    bn::{BigNum, BigNumContext},
    ec::{EcGroup, EcKey, EcPoint},
    ecdsa::EcdsaSig,
    error::ErrorStack,
    nid::Nid,
    pkey::Public,
};
use ring::digest::{SHA512, digest};

/// Bytes of a coordinate, and of either half of a signature.
pub const COORDINATE: usize = 66;

pub struct P521Key(EcKey<Public>);

impl P521Key {
    /// From an uncompressed point, which has to be one of the curve.
    pub fn new(point: &[u8]) -> Result<Self, ErrorStack> {
        let group = EcGroup::from_curve_name(Nid::SECP521R1)?;
        let mut context = BigNumContext::new()?;
        let point = EcPoint::from_bytes(&group, point, &mut context)?;
        let key = EcKey::from_public_key(&group, &point)?;
        key.check_key()?;
        Ok(Self(key))
    }

    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        if signature.len() != 2 * COORDINATE {
            return false;
        }
        let (r, s) = signature.split_at(COORDINATE);
        let number = BigNum::from_slice;
        let is_good = || {
            let signature = EcdsaSig::from_private_components(number(r)?, number(s)?)?;
            signature.verify(digest(&SHA512, message).as_ref(), &self.0)
        };
        is_good().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use openssl::ec::PointConversionForm;

    use super::*;

    #[test]
    fn only_a_signature_of_the_very_message_and_key_is_good() {
        let group = EcGroup::from_curve_name(Nid::SECP521R1).unwrap();
        let pair = EcKey::generate(&group).unwrap();
        let mut context = BigNumContext::new().unwrap();
        let form = PointConversionForm::UNCOMPRESSED;
        let point = pair.public_key().to_bytes(&group, form, &mut context);
        let point = point.unwrap();
        let signature = EcdsaSig::sign(digest(&SHA512, b"m").as_ref(), &pair).unwrap();
        let half = |number: &openssl::bn::BigNumRef| number.to_vec_padded(66).unwrap();
        let signature = [half(signature.r()), half(signature.s())].concat();
        let key = P521Key::new(&point).unwrap();
        assert!(key.verifies(b"m", &signature));
        let mut changed = signature.clone();
        changed[100] ^= 1;
        for (message, signature) in [
            (&b"n"[..], &signature[..]),
            (b"m", &changed),
            (b"m", &signature[..131]),
            (b"m", &[0; 2 * COORDINATE]),
            (b"m", b""),
        ] {
            assert!(!key.verifies(message, signature), "{signature:?}");
        }
        let other = EcKey::generate(&group).unwrap();
        let other = other.public_key().to_bytes(&group, form, &mut context);
        let other = P521Key::new(&other.unwrap()).unwrap();
        assert!(!other.verifies(b"m", &signature));
        let mut beside = point.clone();
        beside[132] ^= 1;
        for point in [&beside[..], &point[..132], &[], &[0]] {
            assert!(P521Key::new(point).is_err(), "{point:?}");
        }
    }
}
