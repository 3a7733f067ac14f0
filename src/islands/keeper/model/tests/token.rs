//! The access token: shared, renewed, and kept to itself.

use super::*;

#[test]
fn the_first_token_is_requested_unless_another_tab_has_one() {
    let mut page = Page::open();
    assert_eq!(page.advance(150), [Effect::RenewToken]);

    let mut page = Page::open();
    let token = page.token(15 * MINUTE);
    assert_eq!(page.on_message(TabMessage::Token(token.clone())), []);
    assert_eq!(page.advance(10 * MINUTE), []);
    assert_eq!(page.model.live_token(page.now()), Some(&token));
}

#[test]
fn a_token_is_shared_with_the_other_tabs() {
    let mut page = Page::open();
    let token = page.token(15 * MINUTE);
    let share = [Effect::Broadcast(TabMessage::Token(token.clone()))];
    assert_eq!(page.on_token_answer(Ok(Some(token))), share);
    assert_eq!(page.on_message(TabMessage::TokenWanted), share);
}

#[test]
fn a_token_that_is_about_to_expire_is_not_handed_out() {
    let mut page = Page::open();
    page.on_token_answer(Ok(Some(page.token(15 * MINUTE))));
    page.sleep(15 * MINUTE - 5 * SECOND);
    assert_eq!(page.on_message(TabMessage::TokenWanted), []);
    assert_eq!(page.model.live_token(page.now()), None);
}

#[test]
fn an_older_token_of_another_tab_is_left_alone() {
    let mut page = Page::open();
    let own = page.token(15 * MINUTE);
    page.on_token_answer(Ok(Some(own.clone())));
    page.on_message(TabMessage::Token(page.token(14 * MINUTE)));
    assert_eq!(page.model.live_token(page.now()), Some(&own));
    let newer = page.token(16 * MINUTE);
    page.on_message(TabMessage::Token(newer.clone()));
    assert_eq!(page.model.live_token(page.now()), Some(&newer));
}

#[test]
fn a_token_is_renewed_before_it_expires_and_first_by_a_tab_in_front() {
    let renewal_of = |is_visible| {
        let mut page = Page::open_with(|_, environment| {
            environment.is_visible = is_visible;
            environment.chance = 0.5;
        });
        page.on_token_answer(Ok(Some(page.token(15 * MINUTE))));
        page.wait(TimerId::Renewal).expect("a renewal is planned")
    };
    assert_eq!(renewal_of(true), 13 * MINUTE - 7_500);
    assert_eq!(renewal_of(false), 13 * MINUTE - 2_500);
}

#[test]
fn a_token_that_lives_as_long_as_the_session_is_renewed_once_activity_moves_the_deadline() {
    let mut page = Page::open();
    page.on(Event::StreamHello(page.status(15 * MINUTE)));
    page.on_token_answer(Ok(Some(page.token(15 * MINUTE))));
    assert_eq!(page.wait(TimerId::Renewal), None);
    page.advance(5 * MINUTE);
    page.on(Event::ActivityAnswered(Ok(page.status(15 * MINUTE))));
    assert_eq!(page.wait(TimerId::Renewal), Some(8 * MINUTE - 5 * SECOND), "less a jitter");
}

#[test]
fn a_token_does_not_get_into_a_log() {
    let token = AccessToken { value: "secret".to_owned(), expires_at: NOW };
    assert!(!format!("{:?}", TabMessage::Token(token)).contains("secret"));
}
