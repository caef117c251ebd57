use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use anyhow::{Context, ensure};

use super::{Header, NAME, QUESTION, SERVING, descriptors};
use crate::settings::Bound;

/// How long the old process may take to let go.
const PATIENCE: Duration = Duration::from_secs(30);
const MAX_DOCUMENT: usize = 512 << 20;

/// The gateway that served before. Gone without a word, it goes on serving.
pub struct Predecessor {
    stream: UnixStream,
    /// What it serves, with its hash, in mode memory.
    pub document: Option<(String, String)>,
}

impl Predecessor {
    /// Asks the gateway that uses this folder for its sockets.
    pub fn ask(directory: &Path) -> anyhow::Result<(Bound, Self)> {
        let path = directory.join(NAME);
        let mut stream = UnixStream::connect(&path).with_context(|| {
            format!(
                "no gateway hands over its sockets at `{}`; start without --take-over",
                path.display()
            )
        })?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(QUESTION)?;
        let (text, mut sockets) =
            descriptors::receive(&stream).context("the old gateway does not let go")?;
        ensure!(!text.is_empty(), "the old gateway does not let go");
        let header: Header =
            serde_json::from_slice(&text).context("the old gateway is of another version")?;
        while sockets.len() < header.sockets() {
            let (text, more) = descriptors::receive(&stream)?;
            ensure!(!text.is_empty(), "the old gateway has gone away");
            sockets.extend(more);
        }
        let bound = header.bound(sockets);
        let bound = bound.context("the old gateway handed over other sockets than it said")?;
        let document = match header.document {
            None => None,
            Some((length, hash)) => {
                ensure!(
                    length <= MAX_DOCUMENT,
                    "the old gateway's document is too long"
                );
                let mut text = vec![0; length];
                stream.read_exact(&mut text)?;
                Some((String::from_utf8(text)?, hash))
            }
        };
        Ok((bound, Self { stream, document }))
    }

    /// Tells it to stop: this process serves.
    pub fn retire(mut self) -> std::io::Result<()> {
        self.stream.write_all(SERVING)
    }
}
