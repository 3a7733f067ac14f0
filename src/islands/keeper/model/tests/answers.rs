//! What answers of the server mean, and their absence.

use super::*;
use sekisho_model::EndReason as Reason;

#[test]
fn a_401_with_a_reason_is_the_end() {
    let mut page = Page::open();
    page.on_token_answer(unauthorized(EndReason::Known(Reason::RevokedByAdmin)));
    assert_eq!(page.state(), State::Ended);
}

#[test]
fn a_401_without_a_reason_is_asked_about_once_more() {
    let mut page = Page::open();
    page.timers.clear();
    assert_eq!(page.on_token_answer(unexplained()), []);
    assert_eq!(page.state(), State::InDoubt);
    assert_eq!(page.advance(SECOND), [CHECK]);
    let effects = page.on_token_answer(unexplained());
    assert!(effects.contains(&Effect::Broadcast(TabMessage::Ended(EndReason::Unknown))));
    assert_eq!(page.state(), State::Ended);
}

#[test]
fn a_doubt_is_settled_by_a_token_and_by_nothing_else() {
    let mut page = Page::open();
    page.timers.clear();
    page.on_token_answer(unexplained());
    page.on(Event::StreamHello(page.status(HOUR)));
    page.on(Event::ActivityAnswered(Ok(page.status(HOUR))));
    assert_eq!(page.state(), State::InDoubt);
    assert_eq!(page.advance(SECOND), [CHECK]);
    page.on_token_answer(Ok(None));
    assert_eq!(page.state(), State::SignedIn);

    page.on_token_answer(unexplained());
    assert_eq!(page.state(), State::InDoubt, "a doubt of its own");
}

#[test]
fn no_answer_is_no_end_not_even_past_the_deadline() {
    let mut page = Page::open();
    page.timers.remove(&TimerId::Renewal);
    page.advance(HOUR);
    assert!(page.warning().is_some());
    page.on_token_answer(unavailable());
    assert_eq!(page.warning(), None, "staying could not be promised");
    for _ in 0..20 {
        assert_eq!(page.advance(MINUTE), [CHECK]);
        page.on_token_answer(unavailable());
    }
    assert_eq!(page.state(), State::SignedIn);
    assert!(page.is_offline());
}

#[test]
fn pauses_between_attempts_grow_until_one_succeeds() {
    let mut page = Page::open();
    let mut pauses = Vec::new();
    for _ in 0..4 {
        page.on_token_answer(unavailable());
        pauses.push(page.wait(TimerId::Check).expect("a check is planned") / SECOND);
    }
    assert_eq!(pauses, [1, 2, 4, 8]);
    page.on_token_answer(Ok(None));
    assert_eq!(page.wait(TimerId::Check), None);
    page.on_token_answer(unavailable());
    assert_eq!(page.wait(TimerId::Check), Some(SECOND));
}

#[test]
fn offline_is_shown_at_the_second_failure_and_hidden_at_the_first_success() {
    let mut page = Page::open();
    page.on_token_answer(unavailable());
    assert!(!page.is_offline(), "perhaps the page is only being left");
    page.on_token_answer(unavailable());
    assert!(page.is_offline());
    page.on(Event::StreamHello(page.status(HOUR)));
    assert!(!page.is_offline());
}

#[test]
fn offline_is_shown_at_once_if_the_browser_says_so() {
    let mut page = Page::open();
    page.environment.is_online = false;
    page.on_token_answer(unavailable());
    assert!(page.is_offline());

    let mut page = Page::open();
    page.on(Event::Offline);
    assert!(page.is_offline());
    assert_eq!(page.on(Event::Online), [CHECK]);
}

#[test]
fn an_end_that_was_told_counts_if_the_server_does_not_answer() {
    let mut page = Page::open();
    let effects = page.on_told_answer(EndReason::Known(Reason::DeviceLimit), unavailable());
    assert!(effects.contains(&Effect::Broadcast(TabMessage::Ended(EndReason::Known(Reason::DeviceLimit)))));
    assert_eq!(page.state(), State::Ended);
}

#[test]
fn an_end_that_was_told_explains_a_401_without_a_reason() {
    let mut page = Page::open();
    let effects = page.on_told_answer(EndReason::Known(Reason::DeviceLimit), unexplained());
    assert!(effects.contains(&Effect::Broadcast(TabMessage::Ended(EndReason::Known(Reason::DeviceLimit)))));
}

#[test]
fn the_servers_own_reason_counts_more_than_what_was_told() {
    let mut page = Page::open();
    let effects = page
        .on_told_answer(EndReason::Known(Reason::DeviceLimit), unauthorized(EndReason::Known(Reason::PasswordChanged)));
    assert!(effects.contains(&Effect::Broadcast(TabMessage::Ended(EndReason::Known(Reason::PasswordChanged)))));
}

#[test]
fn an_end_that_was_told_is_none_if_the_server_knows_the_session() {
    let mut page = Page::open();
    page.on_told_answer(EndReason::Known(Reason::DeviceLimit), Ok(None));
    assert_eq!(page.state(), State::SignedIn);
}

#[test]
fn a_page_whose_cookie_is_another_users_is_loaded_again() {
    let somebody_else = || SessionStatus { user_id: Some("somebody else".to_owned()), ..SessionStatus::default() };
    let mut page = Page::open();
    assert_eq!(page.on(Event::StreamHello(somebody_else())), [Effect::Navigate(Destination::Reload)]);
    let effects = page.on(Event::ActivityAnswered(Ok(somebody_else())));
    assert_eq!(effects[0], Effect::Navigate(Destination::Reload));
}
