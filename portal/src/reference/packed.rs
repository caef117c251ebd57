use std::io::Read;

use flate2::{Compress, Compression, FlushCompress, read::DeflateDecoder};
use serde_json::Value;

/// JSON that few will look at, compressed.
#[derive(Debug)]
pub struct Packed(Box<[u8]>);

impl Packed {
    pub fn size(&self) -> usize {
        self.0.len()
    }

    /// What was packed, read.
    pub fn read(&self) -> Option<Value> {
        let mut text = Vec::new();
        DeflateDecoder::new(&*self.0).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

/// Packs one text after the other.
pub struct Packer(Compress);

impl Default for Packer {
    fn default() -> Self {
        Self(Compress::new(Compression::fast(), false))
    }
}

impl Packer {
    pub fn pack(&mut self, json: &str) -> Option<Packed> {
        self.0.reset();
        // What cannot be made smaller grows by a few bytes for each block.
        let mut packed = Vec::with_capacity(json.len() + json.len() / 1000 + 64);
        let done = self
            .0
            .compress_vec(json.as_bytes(), &mut packed, FlushCompress::Finish);
        match done {
            Ok(flate2::Status::StreamEnd) => Some(Packed(packed.into())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_packed_comes_back() {
        let mut packer = Packer::default();
        let random: String = (0..1500).map(|_| service::random::token(24)).collect();
        for value in [
            json!({}),
            json!({"get": {"description": "x".repeat(100_000)}}),
            json!({"get": {"description": random, "summary": "ä"}}),
            json!([1, null]),
        ] {
            let kept = packer.pack(&value.to_string()).unwrap();
            assert_eq!(kept.read(), Some(value));
        }
        let small = packer.pack(&"x ".repeat(10_000)).unwrap();
        assert!(small.size() < 500 && small.read().is_none());
    }
}
