//! File descriptors on their way from process to process.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

/// Descriptors of one message; the kernel takes 253.
const TOGETHER: usize = 64;
const MAX_HEADER: usize = 4096;

/// Sends the header with as many sockets as one message takes, and the others after it.
pub async fn send(
    stream: &tokio::net::UnixStream,
    header: &[u8],
    sockets: &[OwnedFd],
) -> io::Result<()> {
    if header.len() > MAX_HEADER {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = header;
    for part in sockets.chunks(TOGETHER) {
        let descriptors: Vec<BorrowedFd<'_>> = part.iter().map(AsFd::as_fd).collect();
        stream
            .async_io(tokio::io::Interest::WRITABLE, || {
                let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(TOGETHER))];
                let mut control = SendAncillaryBuffer::new(&mut space);
                if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
                    return Err(io::ErrorKind::InvalidInput.into());
                }
                let text = [IoSlice::new(text)];
                rustix::net::sendmsg(stream, &text, &mut control, SendFlags::NOSIGNAL)?;
                Ok(())
            })
            .await?;
        // Descriptors travel only with a byte of text.
        text = b"+";
    }
    Ok(())
}

/// One message: its text and what came with it.
pub fn receive(stream: &UnixStream) -> io::Result<(Vec<u8>, Vec<OwnedFd>)> {
    let mut text = vec![0; MAX_HEADER];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(TOGETHER))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut text)];
    let flags = RecvFlags::CMSG_CLOEXEC;
    let received = rustix::net::recvmsg(stream, &mut parts, &mut control, flags)?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(sent) = message {
            descriptors.extend(sent);
        }
    }
    text.truncate(received.bytes);
    Ok((text, descriptors))
}
