//! Reads a request's body before anything acts on it, within a size and a time.

use std::time::Duration;

use axum::{
    body::{Body, HttpBody},
    extract::Request,
    http::{HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt;

use crate::http::error::HttpError;

/// The largest body any form or API call needs, with room to spare.
pub const MAX_BODY: usize = 64 * 1024;
/// A body that comes no faster than this, all of it, is cut off.
const BODY_WITHIN: Duration = Duration::from_secs(10);

/// Reads the body whole, so that what comes after it waits for nobody. A body that is too large or too slow is
/// refused, and its connection closed.
pub async fn read_body(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match read(body, BODY_WITHIN).await {
        Ok(body) => next.run(Request::from_parts(parts, body)).await,
        Err(error) => {
            let mut response = error.into_response();
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            response
        }
    }
}

async fn read(body: Body, within: Duration) -> Result<Body, HttpError> {
    if body.is_end_stream() {
        return Ok(Body::empty());
    }
    // By Content-Length, before a byte of it is asked for.
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Err(HttpError::TooLarge);
    }
    let whole = async {
        // Copied: many small pieces would each keep the buffer that they were read into.
        let mut whole = Vec::new();
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|_| HttpError::BadRequest)?;
            if whole.len() + piece.len() > MAX_BODY {
                return Err(HttpError::TooLarge);
            }
            whole.extend_from_slice(&piece);
        }
        Ok(Body::from(whole))
    };
    tokio::time::timeout(within, whole).await.unwrap_or(Err(HttpError::RequestTimeout))
}

#[cfg(test)]
mod tests {
    use axum::body::{Bytes, to_bytes};
    use futures::stream;

    use super::*;

    type Piece = Result<Bytes, std::io::Error>;

    async fn outcome(body: Body) -> Result<usize, u16> {
        let read = read(body, Duration::from_millis(50)).await.map_err(|error| error.status().as_u16())?;
        Ok(to_bytes(read, usize::MAX).await.expect("it is in memory").len())
    }

    #[tokio::test]
    async fn a_body_is_read_whole_if_it_is_small_enough() {
        let pieces =
            |n: usize| Body::from_stream(stream::iter((0..n).map(|_| Piece::Ok(Bytes::from_static(b"12345678")))));
        assert_eq!(outcome(Body::empty()).await, Ok(0));
        assert_eq!(outcome(Body::from("x")).await, Ok(1));
        assert_eq!(outcome(pieces(MAX_BODY / 8)).await, Ok(MAX_BODY));
        assert_eq!(outcome(pieces(MAX_BODY / 8 + 1)).await, Err(413));
        assert_eq!(outcome(Body::from(vec![0; MAX_BODY + 1])).await, Err(413));
    }

    #[tokio::test]
    async fn a_body_that_trickles_or_never_ends_is_cut_off() {
        let silent = stream::pending::<Piece>();
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            Some((Piece::Ok(Bytes::from_static(b"x")), ()))
        });
        assert_eq!(outcome(Body::from_stream(silent)).await, Err(408));
        assert_eq!(outcome(Body::from_stream(trickle)).await, Err(408));
        let broken = stream::iter([Piece::Err(std::io::ErrorKind::ConnectionReset.into())]);
        assert_eq!(outcome(Body::from_stream(broken)).await, Err(400));
    }
}
