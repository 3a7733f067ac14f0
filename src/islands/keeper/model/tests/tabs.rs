//! What tabs tell each other.

use super::*;
use sekisho_model::EndReason as Reason;

#[test]
fn a_hidden_tab_leaves_the_stream_to_the_one_that_opens_it() {
    let mut page = Page::open();
    assert_eq!(page.on_message(TabMessage::StreamOpened), [], "a visible tab keeps its own");
    page.environment.is_visible = false;
    assert_eq!(page.on_message(TabMessage::StreamOpened), [Effect::CloseStream]);
}

#[test]
fn a_tab_takes_over_the_stream_of_one_that_is_gone() {
    for (chance, wait) in [(0.0, 500), (0.5, 1_000), (1.0, 1_500)] {
        let mut page = Page::open_with(|_, environment| {
            environment.is_visible = false;
            environment.chance = chance;
        });
        page.timers.clear();
        page.on_message(TabMessage::StreamOpened);
        page.on_message(TabMessage::Gone);
        assert_eq!(page.wait(TimerId::Stream), Some(wait));
        assert_eq!(page.advance(wait)[0], Effect::OpenStream);
    }
}

#[test]
fn of_several_tabs_that_would_take_over_one_does() {
    let mut page = Page::open_with(|_, environment| environment.is_visible = false);
    page.on_message(TabMessage::StreamOpened);
    page.on_message(TabMessage::Gone);
    page.on_message(TabMessage::StreamOpened);
    assert_eq!(page.wait(TimerId::Stream), None);
}

#[test]
fn a_401_after_a_sign_out_in_another_tab_is_that_sign_out() {
    let mut page = Page::open();
    assert_eq!(page.on_message(TabMessage::SigningOut { discard: false }), []);
    assert_eq!(page.state(), State::SigningOut, "the server has not said so yet");
    let effects = page.on_token_answer(unexplained());
    assert!(effects.contains(&Effect::Broadcast(TabMessage::Ended(EndReason::Known(Reason::SignedOut)))));
    assert_eq!(effects.last(), Some(&Effect::Navigate(Destination::SignedOut)));
}

#[test]
fn a_sign_out_in_another_tab_that_does_not_happen_ends_nothing() {
    let mut page = Page::open();
    page.on_message(TabMessage::SigningOut { discard: false });
    page.on_token_answer(Ok(None));
    assert!(!page.model.has_ended());
}

#[test]
fn an_end_in_another_tab_is_asked_about() {
    let mut page = Page::open();
    let told = Some(EndReason::Known(Reason::IdleTimeout));
    let check = Effect::CheckSession(TokenRequest { told, sent_after_end: false });
    assert_eq!(page.on_message(TabMessage::Ended(EndReason::Known(Reason::IdleTimeout))), [check]);
    assert_eq!(page.state(), State::SignedIn);
}

#[test]
fn a_sign_in_in_another_tab_is_a_reason_to_ask_for_one_that_has_ended() {
    let mut page = Page::open_with(|_, environment| environment.keeps_draft = true);
    page.on_token_answer(unauthorized(EndReason::Known(Reason::IdleTimeout)));
    assert_eq!(page.on_message(TabMessage::Alive(Deadlines::default())), [CHECK_AFTER_END]);
}

#[test]
fn activity_in_another_tab_takes_the_warning_away() {
    let mut page = Page::open();
    page.advance(59 * MINUTE + 30 * SECOND);
    assert!(page.warning().is_some());
    page.on_message(TabMessage::Alive(Deadlines::after(page.now(), Some(HOUR), None)));
    assert_eq!(page.warning(), None);
}

#[test]
fn a_sign_in_of_another_user_loads_the_page_again() {
    let mut page = Page::open();
    let message = TabMessage::Alive(Deadlines::default());
    assert_eq!(page.on_message_of_another_user(message), [Effect::Navigate(Destination::Reload)]);
}

#[test]
fn what_concerns_another_users_session_concerns_nobody_else() {
    let mut page = Page::open();
    page.on_token_answer(Ok(Some(page.token(10 * MINUTE))));
    let theirs = page.token(15 * MINUTE);
    let messages = [
        TabMessage::Ended(EndReason::Known(Reason::SignedOut)),
        TabMessage::SigningOut { discard: false },
        TabMessage::TokenWanted,
        TabMessage::Token(theirs.clone()),
    ];
    for message in messages {
        assert_eq!(page.on_message_of_another_user(message), []);
    }
    assert_eq!(page.state(), State::SignedIn);
    assert_ne!(page.model.live_token(page.now()), Some(&theirs));
}
