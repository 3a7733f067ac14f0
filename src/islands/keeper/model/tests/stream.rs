//! The event stream.

use super::*;
use sekisho_model::EndReason as Reason;

#[test]
fn a_page_opens_a_stream_and_tells_the_other_tabs() {
    let mut page = Page::unopened(|_, _| {}, None);
    let deadlines = Deadlines::after(NOW, Some(HOUR), Some(24 * HOUR));
    let expected = [
        Effect::Broadcast(TabMessage::Alive(deadlines)),
        Effect::Broadcast(TabMessage::TokenWanted),
        Effect::OpenStream,
        Effect::Broadcast(TabMessage::StreamOpened),
    ];
    assert_eq!(page.on(Event::Started), expected);
}

#[test]
fn an_end_that_the_stream_tells_is_asked_about() {
    let mut page = Page::open();
    let told = Some(EndReason::Known(Reason::RevokedByUser));
    let check = Effect::CheckSession(TokenRequest { told, sent_after_end: false });
    assert_eq!(page.on(Event::StreamClosed(told)), [Effect::CloseStream, check]);
    assert_eq!(page.state(), State::SignedIn, "the cookie may be a newer session's by now");
}

#[test]
fn a_refused_stream_is_asked_about_and_opened_again_after_growing_pauses() {
    let mut page = Page::open();
    page.timers.clear();
    let mut pauses = Vec::new();
    for _ in 0..4 {
        assert_eq!(page.on(Event::StreamClosed(None)), [Effect::CloseStream, CHECK]);
        let pause = page.wait(TimerId::Stream).expect("a retry is planned");
        pauses.push(pause / SECOND);
        assert_eq!(page.advance(pause)[0], Effect::OpenStream);
    }
    assert_eq!(pauses, [1, 2, 4, 8]);
    page.on(Event::StreamHello(page.status(HOUR)));
    page.on(Event::StreamClosed(None));
    assert_eq!(page.wait(TimerId::Stream), Some(SECOND));
}

#[test]
fn a_tab_that_is_seen_has_a_stream_at_once() {
    let mut page = Page::open();
    page.on(Event::StreamClosed(None));
    assert_eq!(page.on(Event::PageVisible)[0], Effect::OpenStream);
    assert_eq!(page.wait(TimerId::Stream), None);
}
