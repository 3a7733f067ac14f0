//! Server-sent events, as all of them are sent.

use std::time::Duration;

use axum::response::{
    IntoResponse,
    sse::{Event, KeepAlive, Sse},
};
use futures::Stream;

/// A comment is sent at least this often, so that no proxy takes the connection for dead.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// Keeps nginx from buffering events.
const UNBUFFERED: [(&str, &str); 2] = [("cache-control", "no-store"), ("x-accel-buffering", "no")];

/// A response that sends events as they come.
pub fn event_stream<E: Into<axum::BoxError> + 'static>(
    events: impl Stream<Item = Result<Event, E>> + Send + 'static,
) -> impl IntoResponse {
    (UNBUFFERED, Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}
