//! How far a connection is with its request.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU8, Ordering},
};

const HEAD: u8 = 0;
const BODY: u8 = 1;
const ANSWERING: u8 = 2;
const ANSWERED: u8 = 3;

/// Shared by those who look after one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Phase(Arc<State>);

#[derive(Debug, Default)]
struct State {
    phase: AtomicU8,
    /// Whether the client does not take what is sent to it.
    stalled: AtomicBool,
}

impl Phase {
    /// The head of a request was read.
    pub(super) fn body(&self) {
        self.0.phase.store(BODY, Ordering::Release);
    }

    /// The whole request was read.
    pub(super) fn answering(&self) {
        self.0.phase.store(ANSWERING, Ordering::Release);
    }

    /// The answer is complete, but perhaps not yet sent.
    pub(super) fn answered(&self) {
        self.0.phase.store(ANSWERED, Ordering::Release);
    }

    /// All that was written is sent. Whether with it an answer ended, so that the next request is waited for.
    pub(super) fn sent(&self) -> bool {
        self.0.phase.compare_exchange(ANSWERED, HEAD, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    pub(super) fn stalled(&self, stalled: bool) {
        self.0.stalled.store(stalled, Ordering::Release);
    }

    /// Whether a connection can be closed for another one: none that a whole request waits on, unless it is the client
    /// that is waited for.
    pub(super) fn can_be_evicted(&self) -> bool {
        !self.is_answering() || self.0.stalled.load(Ordering::Acquire)
    }

    /// Whether no request was read yet, or none after the last answer.
    pub(super) fn is_head(&self) -> bool {
        self.0.phase.load(Ordering::Acquire) == HEAD
    }

    /// Whether a whole request waits for its answer.
    pub(super) fn is_answering(&self) -> bool {
        self.0.phase.load(Ordering::Acquire) >= ANSWERING
    }
}
