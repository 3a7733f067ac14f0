//! The event stream, by which a session that is ended elsewhere ends here within a second.

use super::{Effect, Model, SessionStatus, TimerId};
use crate::islands::{keeper::tab_message::TabMessage, protocol::EndReason};

impl Model {
    pub(super) fn open_stream(&mut self) {
        if self.has_stream {
            return;
        }
        self.has_stream = true;
        self.effect(Effect::Cancel(TimerId::Stream));
        self.effect(Effect::OpenStream);
        self.broadcast(TabMessage::StreamOpened);
    }

    /// For another hello.
    pub(super) fn reopen_stream(&mut self) {
        self.close_stream();
        self.open_stream();
    }

    pub(super) fn close_stream(&mut self) {
        if self.has_stream {
            self.has_stream = false;
            self.effect(Effect::CloseStream);
        }
    }

    pub(super) fn on_stream_hello(&mut self, status: SessionStatus) {
        self.stream.reset();
        self.on_contact();
        self.on_session_status(status);
    }

    /// `told`: the reason why the session ended; `None`: the server refused the stream, and did not say why.
    pub(super) fn on_stream_closed(&mut self, told: Option<EndReason>) {
        self.close_stream();
        let wait = self.stream.fail();
        self.schedule(TimerId::Stream, wait);
        self.check_session(told);
    }
}
