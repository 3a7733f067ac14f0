//! Signing in again after the end.

use super::*;
use sekisho_model::EndReason as Reason;

/// A page that stays when its session has ended.
fn ended() -> Page {
    let mut page = Page::open_with(|_, environment| environment.keeps_draft = true);
    page.advance(MINUTE);
    page.on_token_answer(unauthorized(EndReason::Known(Reason::RevokedByUser)));
    page
}

#[test]
fn an_answer_that_is_older_than_the_end_says_nothing() {
    let mut page = ended();
    assert_eq!(page.on_token_answer(Ok(Some(page.token(15 * MINUTE)))), []);
    assert_eq!(page.state(), State::Ended);
}

#[test]
fn a_session_that_the_server_knows_again_goes_on() {
    let mut page = ended();
    assert_eq!(page.on(Event::PageVisible), [CHECK_AFTER_END]);
    let token = page.token(15 * MINUTE);
    let effects = page.on_answer_after_end(Ok(Some(token.clone())));
    let expected = [
        Effect::OpenStream,
        Effect::Broadcast(TabMessage::StreamOpened),
        Effect::Broadcast(TabMessage::Token(token.clone())),
    ];
    assert_eq!(effects, expected);
    assert_eq!(page.state(), State::SignedIn);
    assert_eq!(page.model.view(), ViewState::default());
    assert_eq!(page.model.live_token(page.now()), Some(&token));
}

#[test]
fn the_deadlines_of_the_ended_session_are_forgotten() {
    let mut page = ended();
    page.sleep(2 * HOUR);
    page.on_answer_after_end(Ok(None));
    assert_eq!(page.advance(MINUTE), []);
    page.on(Event::StreamHello(page.status(HOUR)));
    page.advance(59 * MINUTE);
    assert!(page.warning().is_some());
}

#[test]
fn whoever_is_still_signed_out_is_so() {
    let mut page = ended();
    assert_eq!(page.on_answer_after_end(unexplained()), []);
    assert_eq!(page.on_answer_after_end(unavailable()), []);
    assert_eq!(page.model.view().end_reason, Some(EndReason::Known(Reason::RevokedByUser)));
}

#[test]
fn the_password_on_this_page_begins_the_session_again() {
    let mut page = ended();
    let effects = page.on(Event::SignedInAgain { user_id: Some("aoi".to_owned()) });
    assert_eq!(effects[0], Effect::OpenStream);
    assert_eq!(effects[2..], [Effect::ReportActivity, Effect::RenewToken]);
    assert_eq!(page.state(), State::SignedIn);
    assert_eq!(page.model.view().end_reason, None);
}

#[test]
fn a_sign_in_as_somebody_else_loads_the_page_again() {
    for user_id in [Some("somebody else".to_owned()), None] {
        let mut page = ended();
        assert_eq!(page.on(Event::SignedInAgain { user_id }), [Effect::Navigate(Destination::Reload)]);
    }
}

#[test]
fn a_new_session_warns_of_its_own_absolute_deadline() {
    let mut page = Page::open_with(|config, environment| {
        config.absolute_remaining = Some(30 * MINUTE);
        environment.keeps_draft = true;
    });
    page.advance(29 * MINUTE);
    page.on(Event::WarningAnswered);
    page.advance(MINUTE);
    page.on_token_answer(unauthorized(EndReason::Known(Reason::AbsoluteTimeout)));
    page.on(Event::SignedInAgain { user_id: Some("aoi".to_owned()) });
    let deadlines = Deadlines::after(0, None, Some(40 * SECOND));
    page.on(Event::StreamHello(SessionStatus { user_id: None, now: Some(0), deadlines }));
    assert_eq!(page.warning(), Some(Warning { limit: Limit::Absolute, seconds: 40 }));
}

#[test]
fn a_page_from_the_back_forward_cache_goes_on_unless_its_session_had_ended() {
    let mut page = Page::open();
    let effects = page.on(Event::PageHidden);
    assert_eq!(effects, [Effect::CloseStream, Effect::Broadcast(TabMessage::Gone)]);
    assert_eq!(page.on(Event::PageRestored)[0], Effect::OpenStream);

    page.on(Event::SignOutSubmitted { unsaved: Vec::new() });
    page.advance(200);
    assert_eq!(page.on(Event::PageRestored), [Effect::Navigate(Destination::Reload)]);
}
