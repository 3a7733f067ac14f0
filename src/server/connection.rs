//! One connection of HTTP/1.1: each phase of it has a deadline, and none outlives the server.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes, HttpBody},
    extract::ConnectInfo,
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use hyper::{
    Request,
    body::{Frame, Incoming, SizeHint},
    server::conn::http1::Builder,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tower::ServiceExt;

use super::{limiter::Permit, phase::Phase, socket::Socket};
use crate::{http::error::HttpError, middleware::host::Unparsed, state::AppState};

/// A client that sends its headers no faster than this is cut off; also one that keeps a connection and asks nothing.
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
/// The largest head of a request.
const MAX_HEAD: usize = 32 * 1024;

/// HTTP as it is spoken here.
pub(super) fn http() -> Builder {
    let mut http = Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADERS_WITHIN);
    // The buffer has to hold a whole head, and no more of a body.
    http.max_header_size(MAX_HEAD).max_buf_size(MAX_HEAD);
    http
}

/// Serves one connection until it ends, is evicted, or the server stops: then a request that was read whole gets its
/// response, and all else is closed at once.
pub(super) async fn serve(
    http: Builder,
    stream: TcpStream,
    peer: SocketAddr,
    permit: Permit,
    router: Router,
    app: AppState,
) {
    let phase = permit.phase.clone();
    let reject = {
        let router = router.clone();
        move |status, beginning: &[u8], line| reject_unparsed(router.clone(), peer, status, beginning, line)
    };
    let socket = Socket::new(stream, phase.clone(), Box::new(reject));
    let service = service_fn(|request: Request<Incoming>| {
        let (phase, router) = (phase.clone(), router.clone());
        async move {
            if request.body().is_end_stream() {
                phase.answering()
            } else {
                phase.body()
            }
            let mut request = request.map(|body| Body::new(RequestBody { body, phase: phase.clone() }));
            request.extensions_mut().insert(ConnectInfo::<SocketAddr>(peer));
            let Ok(response) = router.oneshot(request).await;
            phase.answering();
            Ok::<_, Infallible>(response.map(|body| ResponseBody { body, phase }))
        }
    });
    let mut connection = std::pin::pin!(http.serve_connection(TokioIo::new(socket), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = permit.evicted.cancelled() => return,
        () = app.stopping.cancelled() => {
            if !phase.is_answering() {
                return;
            }
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// A request's body, which tells the phase when it was read whole.
struct RequestBody {
    body: Incoming,
    phase: Phase,
}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.phase.answering();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A response's body, which tells the phase when it ends.
struct ResponseBody {
    body: Body,
    phase: Phase,
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        self.phase.answered();
    }
}

/// The response to a request that hyper could not parse, as the router renders it for the path: hyper's own would be a
/// bare status, without the headers that every response has. The router is given no `Host`, without which it runs no
/// handler.
fn reject_unparsed(router: Router, peer: SocketAddr, status: u16, beginning: &[u8], line: usize) -> Vec<u8> {
    let unparsed = match status {
        // To hyper a head is too large as a whole.
        414 => Unparsed::UriTooLong,
        431 if line > MAX_HEAD / 2 => Unparsed::UriTooLong,
        431 => Unparsed::HeadersTooLarge,
        _ => Unparsed::BadRequest,
    };
    let path = beginning.split(|b| *b == b' ').nth(1).filter(|path| path.starts_with(b"/"));
    let uri = path.and_then(|path| Uri::try_from(path).ok()).unwrap_or_default();
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri;
    request.extensions_mut().insert(ConnectInfo(peer));
    request.extensions_mut().insert(unparsed);
    // It is rejected before anything that would have to be waited for.
    let response = router.oneshot(request).now_or_never();
    let Ok(mut response) = response.unwrap_or_else(|| Ok(HttpError::from(unparsed).into_response()));
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    bytes(response)
}

/// An answer whose body is in memory, as it is sent.
fn bytes(response: Response) -> Vec<u8> {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).now_or_never().and_then(Result::ok).unwrap_or_default();
    let status = parts.status;
    let mut bytes =
        format!("HTTP/1.1 {} {}\r\n", status.as_u16(), status.canonical_reason().unwrap_or_default()).into_bytes();
    for (name, value) in parts.headers.iter().filter(|(name, _)| *name != header::CONTENT_LENGTH) {
        bytes.extend_from_slice(name.as_str().as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value.as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(&body);
    bytes
}
