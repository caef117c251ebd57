//! All data in one encrypted file, and back (portal-api B14). For portal-api's own identity, which
//! whoever holds the master key can make.

use std::time::Duration;

use bytes::BytesMut;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use super::{
    Client, Error,
    call::{pass_on, read_json},
};
use crate::types::archive::ImportedData;

/// Much data takes long.
const LONGEST: Duration = Duration::from_hours(6);
const PIECE: usize = 64 * 1024;

impl Client {
    /// `POST /export`, written as it arrives. Answers with the number of bytes; after an error the
    /// archive is no whole one.
    pub async fn export_data(&self, target: impl AsyncWrite + Unpin) -> Result<u64, Error> {
        let call = self.post(&["export"]).long(LONGEST, 0);
        pass_on(call.send().await?, target, "POST /export").await
    }

    /// `POST /import`: replaces all data by that of the archive. Data of people that is there
    /// already is replaced only if `replace` says so.
    pub async fn import_data(
        &self,
        archive: impl AsyncRead + Send + Sync + Unpin + 'static,
        replace: bool,
    ) -> Result<ImportedData, Error> {
        let pieces = futures_util::stream::try_unfold(archive, async |mut archive| {
            let mut piece = BytesMut::with_capacity(PIECE);
            let length = archive.read_buf(&mut piece).await?;
            let frame = (length > 0).then(|| (Frame::data(piece.freeze()), archive));
            Ok::<_, std::io::Error>(frame)
        });
        let body = reqwest::Body::wrap(StreamBody::new(pieces));
        let replace = replace.then_some(("replace", "true"));
        let call = self.post(&["import"]).query(replace).long(LONGEST, 0);
        let response = call.send_stream(body).await?;
        read_json(response, "POST /import").await
    }
}
