use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use serde_json::Value;

/// JSON that few will look at, compressed where that pays.
#[derive(Debug)]
pub enum Packed {
    Plain(Box<str>),
    Deflated {
        bytes: Box<[u8]>,
        /// Of the JSON.
        length: usize,
    },
}

/// Shorter JSON stays as it is: reading it would cost more than the room that it takes.
const PLAIN: usize = 1024;

impl Packed {
    pub fn size(&self) -> usize {
        match self {
            Self::Plain(json) => json.len(),
            Self::Deflated { bytes, .. } => bytes.len(),
        }
    }

    /// What was packed, read.
    pub fn read(&self) -> Option<Value> {
        let (bytes, length) = match self {
            Self::Plain(json) => return serde_json::from_str(json).ok(),
            Self::Deflated { bytes, length } => (bytes, *length),
        };
        let mut json = Vec::with_capacity(length);
        let finish = FlushDecompress::Finish;
        match Decompress::new(false).decompress_vec(bytes, &mut json, finish) {
            Ok(Status::StreamEnd) => serde_json::from_slice(&json).ok(),
            _ => None,
        }
    }
}

/// Packs one text after the other. Most definitions have none that is long enough.
#[derive(Default)]
pub struct Packer(Option<Compress>);

impl Packer {
    pub fn pack(&mut self, json: &str) -> Option<Packed> {
        if json.len() < PLAIN {
            return Some(Packed::Plain(json.into()));
        }
        let compress = || Compress::new(Compression::fast(), false);
        let compress = self.0.get_or_insert_with(compress);
        compress.reset();
        // What cannot be made smaller grows by a few bytes for each block.
        let mut packed = Vec::with_capacity(json.len() + json.len() / 1000 + 64);
        let finish = FlushCompress::Finish;
        match compress.compress_vec(json.as_bytes(), &mut packed, finish) {
            Ok(Status::StreamEnd) => Some(Packed::Deflated {
                bytes: packed.into(),
                length: json.len(),
            }),
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
