//! Runs a handler to its end, within a time.
//!
//! Our own rather than tower-http's `TimeoutLayer`: that one drops the handler, and answers with a bare status, which
//! no router could render as its error. Panics are tower-http's `CatchPanicLayer`'s.

use std::{
    any::Any,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::{FutureExt, future::BoxFuture};
use tracing::{Instrument, Span};

use crate::http::error::HttpError;

const RESPOND_WITHIN: Duration = Duration::from_secs(30);

/// Runs a request to its end even when the client disconnects, so that nothing stops between a commit and what must
/// follow it; a response that takes too long becomes an error. The body was read by then ([`super::body`]): what goes
/// on detached must not wait for a client.
pub async fn run_to_completion(request: Request, next: Next) -> Response {
    let response = RunToCompletion(Some(next.run(request).instrument(Span::current()).boxed()));
    match tokio::time::timeout(RESPOND_WITHIN, response).await {
        Ok(response) => response,
        Err(_) => HttpError::Timeout.into_response(),
    }
}

/// The response to a request whose handler panicked; the panic itself is logged by the panic hook.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    HttpError::internal("a panic: see above").into_response()
}

/// A future that goes on in a task of its own when it is dropped unfinished. A task from the start would cost every
/// request what only an interrupted one needs.
struct RunToCompletion<T: Send + 'static>(Option<BoxFuture<'static, T>>);

impl<T: Send + 'static> Future for RunToCompletion<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let answer = ready!(work.as_mut().poll(cx));
        self.0 = None;
        Poll::Ready(answer)
    }
}

impl<T: Send + 'static> Drop for RunToCompletion<T> {
    fn drop(&mut self) {
        if let (Some(work), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(work);
        }
    }
}
