//! A connection's bytes. Write timeout for a client that does not take its response; a response of our own where hyper
//! would send a bare status; a lingering close, so that the last response is not lost.

use std::{
    future::Future,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

use super::phase::Phase;

/// A client that takes no [`PROGRESS`] bytes in this time is cut off.
const WRITE_WITHIN: Duration = Duration::from_secs(10);
const PROGRESS: usize = 16 * 1024;
/// How long a client may go on sending what nobody reads, after the last answer. Closed at once, with bytes unread,
/// the connection would be reset, and the client would not see the answer (RFC 9112, section 9.6).
const LINGER: Duration = Duration::from_secs(1);
/// What is kept of a request's head: enough for the router to tell whose route it is.
const BEGINNING: usize = 32;

/// Makes the response to a request that hyper could not parse, from hyper's status, the request's first bytes, and the
/// length of its first line, as far as that was read.
pub(super) type RejectUnparsed = Box<dyn Fn(u16, &[u8], usize) -> Vec<u8> + Send>;

pub(super) struct Socket {
    stream: TcpStream,
    phase: Phase,
    reject: RejectUnparsed,
    /// The first bytes of the request.
    beginning: Vec<u8>,
    /// The length of its first line, and whether that was read to its end.
    line: (usize, bool),
    /// What is sent in place of hyper's own answer, and how much of it was.
    own: Option<(Vec<u8>, usize)>,
    /// Runs while the client does not take what is to be sent.
    stalled: Option<Pin<Box<Sleep>>>,
    taken: usize,
    lingering: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, phase: Phase, reject: RejectUnparsed) -> Self {
        Self {
            stream,
            phase,
            reject,
            beginning: Vec::new(),
            line: (0, false),
            own: None,
            stalled: None,
            taken: 0,
            lingering: None,
        }
    }

    fn remember(&mut self, read: &[u8]) {
        // Clients may send empty lines before a request (RFC 9112, section 2.2).
        let blank = |b: &u8| *b == b'\r' || *b == b'\n';
        let skipped = if self.beginning.is_empty() { read.iter().take_while(|b| blank(b)).count() } else { 0 };
        let read = &read[skipped..];
        let missing = BEGINNING.saturating_sub(self.beginning.len()).min(read.len());
        self.beginning.extend_from_slice(&read[..missing]);
        if let (length, false) = self.line {
            let end = read.iter().position(|b| *b == b'\n');
            self.line = (length + end.unwrap_or(read.len()), end.is_some());
        }
    }

    /// Takes an answer that is not ours out of what hyper writes: one that it writes while no request is served.
    fn replace(&mut self, written: &[u8]) -> bool {
        if self.own.is_none() {
            if !self.phase.is_head() {
                return false;
            }
            let status = written.get(9..12).and_then(|digits| str::from_utf8(digits).ok()?.parse().ok());
            self.own = Some(((self.reject)(status.unwrap_or(400), &self.beginning, self.line.0), 0));
        }
        true
    }

    fn poll_own(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, sent)) = &self.own
            && *sent < bytes.len()
        {
            let wrote = Pin::new(&mut self.stream).poll_write(cx, &bytes[*sent..]);
            let wrote = ready!(self.count(wrote, cx))?;
            if wrote == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            if let Some((_, sent)) = &mut self.own {
                *sent += wrote;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The client takes what is sent to it.
    fn moving(&mut self) {
        self.taken = 0;
        if self.stalled.take().is_some() {
            self.phase.stalled(false);
        }
    }

    fn count(&mut self, wrote: Poll<io::Result<usize>>, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(taken)) = &wrote {
            self.taken += taken;
            if self.taken >= PROGRESS {
                self.moving();
            }
        }
        if wrote.is_pending() {
            if self.stalled.is_none() {
                self.phase.stalled(true);
            }
            let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(WRITE_WITHIN)));
            ready!(stalled.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        wrote
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if self.phase.is_head() {
            self.remember(&buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.replace(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let wrote = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.count(wrote, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.replace(pieces.first().map_or(&[], |piece| piece)) {
            return Poll::Ready(Ok(pieces.iter().map(|piece| piece.len()).sum()));
        }
        let wrote = Pin::new(&mut self.stream).poll_write_vectored(cx, pieces);
        self.count(wrote, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper calls this once all that it had to say was written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_own(cx))?;
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        self.moving();
        if self.phase.sent() {
            self.beginning.clear();
            self.line = (0, false);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(self.poll_own(cx))?;
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        let mut unread = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut unread);
            let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
            let more = !buffer.filled().is_empty();
            if more {
                self.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
            }
            // A client that sends nothing more can be left at once.
            let Some(lingering) = &mut self.lingering else { return Poll::Ready(Ok(())) };
            let is_closed = read.is_ready() && !more;
            if is_closed || lingering.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
            ready!(read)?;
        }
    }
}
