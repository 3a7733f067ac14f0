//! What a page does when its session ends.

use super::*;
use sekisho_model::EndReason as Reason;

#[test]
fn a_page_without_a_draft_goes_to_the_sign_in_page() {
    let mut page = Page::open();
    let effects = page.on_token_answer(unauthorized(EndReason::Known(Reason::IdleTimeout)));
    let expected = [
        Effect::CloseStream,
        Effect::Broadcast(TabMessage::Ended(EndReason::Known(Reason::IdleTimeout))),
        Effect::RecordDeparture,
        Effect::Navigate(Destination::SignIn),
    ];
    assert_eq!(effects, expected);
    assert_eq!(page.model.view(), ViewState::default());
}

#[test]
fn a_page_with_a_draft_stays_and_asks_for_the_password() {
    let mut page = Page::open_with(|_, environment| environment.keeps_draft = true);
    let effects = page.on_token_answer(unauthorized(EndReason::Known(Reason::IdleTimeout)));
    let expected = [
        Effect::CloseStream,
        Effect::Broadcast(TabMessage::Ended(EndReason::Known(Reason::IdleTimeout))),
        Effect::SaveDrafts,
    ];
    assert_eq!(effects, expected);
    assert_eq!(page.model.view().end_reason, Some(EndReason::Known(Reason::IdleTimeout)));
}

#[test]
fn a_tab_that_came_straight_back_from_the_sign_in_page_stays() {
    let reload = |ago| Page::unopened(|_, _| {}, Some(NOW - ago));
    let mut page = reload(2 * SECOND);
    page.on_token_answer(unauthorized(EndReason::Known(Reason::IdleTimeout)));
    assert_eq!(page.model.view().end_reason, Some(EndReason::Known(Reason::IdleTimeout)));

    let mut page = reload(3 * SECOND);
    let effects = page.on_token_answer(unauthorized(EndReason::Known(Reason::IdleTimeout)));
    assert_eq!(effects.last(), Some(&Effect::Navigate(Destination::SignIn)));

    let mut page = reload(-HOUR);
    let effects = page.on_token_answer(unauthorized(EndReason::Known(Reason::IdleTimeout)));
    assert_eq!(effects.last(), Some(&Effect::Navigate(Destination::SignIn)), "a clock that was set back is no loop");
}

#[test]
fn a_sign_out_elsewhere_leaves_a_page_without_unsaved_text() {
    let mut page = Page::open();
    let effects = page.on_token_answer(unauthorized(EndReason::Known(Reason::SignedOut)));
    assert_eq!(effects[2..], [Effect::Navigate(Destination::SignedOut)]);
    assert_eq!(page.model.view().end_reason, None);
}

#[test]
fn unsaved_text_stays_behind_the_dialog_after_a_sign_out_that_did_not_ask() {
    let mut page = Page::open_with(|_, environment| environment.keeps_draft = true);
    assert_eq!(page.on_message(TabMessage::SigningOut { discard: false }), []);
    let effects = page.on_token_answer(unauthorized(EndReason::Known(Reason::SignedOut)));
    assert_eq!(effects[2..], [Effect::SaveDrafts]);
    assert_eq!(page.model.view().end_reason, Some(EndReason::Known(Reason::SignedOut)));
}

#[test]
fn a_sign_out_that_loses_nothing_asks_only_the_other_tabs() {
    let mut page = Page::open();
    page.advance(SECOND);
    assert_eq!(page.on(sign_out(&[])), [Effect::Broadcast(TabMessage::UnsavedWanted)]);
    let expected = [
        Effect::ForgetDrafts,
        Effect::Broadcast(TabMessage::SigningOut { discard: false }),
        Effect::CloseStream,
        Effect::SignOut,
    ];
    assert_eq!(page.advance(200), expected);
    assert_eq!(page.state(), State::Ended);
    assert_eq!(page.on_token_answer(unauthorized(EndReason::Known(Reason::SignedOut))), [], "the next page tells it");
}

#[test]
fn a_page_that_is_left_while_the_tabs_are_asked_signs_out_behind_itself() {
    let mut page = Page::open();
    page.on(sign_out(&[]));
    assert_eq!(page.on(Event::PageHidden)[0], Effect::SignOutBehind);
    let mut page = Page::open();
    page.on(sign_out(&[unsaved("Account")]));
    assert!(!page.on(Event::PageHidden).contains(&Effect::SignOutBehind), "it has to ask first");
}

#[test]
fn a_sign_out_asks_before_it_loses_text_in_any_tab() {
    let (here, there) = (unsaved("Account"), unsaved("Role"));
    let mut page = Page::open();
    page.advance(SECOND);
    page.on(sign_out(std::slice::from_ref(&here)));
    page.on_message(TabMessage::Unsaved(there.clone()));
    page.on_message(TabMessage::Unsaved(there.clone()));
    page.on_message_of_another_user(TabMessage::Unsaved(unsaved("Somebody else")));
    assert_eq!(page.advance(200), []);
    assert_eq!(page.model.view().unsaved, [here, there]);

    assert_eq!(page.on(Event::SignOutAnswered { discard: false }), []);
    assert_eq!((page.state(), page.model.view().unsaved.len()), (State::SignedIn, 0));

    page.on(sign_out(&[unsaved("Account")]));
    page.advance(200);
    let effects = page.on(Event::SignOutAnswered { discard: true });
    assert_eq!(effects[..2], [Effect::ForgetDrafts, Effect::Broadcast(TabMessage::SigningOut { discard: true })]);
    assert_eq!(effects.last(), Some(&Effect::SignOut));
}

#[test]
fn a_tab_says_what_is_unsaved_and_forgets_what_may_be_lost() {
    let mut page = Page::open_with(|_, environment| environment.keeps_draft = true);
    assert_eq!(page.on_message(TabMessage::UnsavedWanted), [Effect::TellUnsaved]);
    assert_eq!(page.on_message(TabMessage::SigningOut { discard: true }), [Effect::ForgetDrafts]);
    assert_eq!(page.on_message_of_another_user(TabMessage::UnsavedWanted), []);
}

fn sign_out(unsaved: &[Unsaved]) -> Event {
    Event::SignOutSubmitted { unsaved: unsaved.to_vec() }
}

fn unsaved(page: &str) -> Unsaved {
    Unsaved { page: page.to_owned(), field: "About".to_owned() }
}

#[test]
fn nothing_runs_after_the_end() {
    let mut page = Page::open();
    page.on_token_answer(Ok(Some(page.token(15 * MINUTE))));
    page.on(Event::Activity);
    page.on_token_answer(unauthorized(EndReason::Known(Reason::RevokedByUser)));
    assert_eq!(page.timers, HashMap::new());
    assert_eq!(page.model.live_token(page.now()), None);
    assert_eq!(page.on(Event::TimerFired(TimerId::Deadlines)), []);
    assert_eq!(page.on_token_answer(unavailable()), []);
    assert_eq!(page.timers, HashMap::new());
}

#[test]
fn a_session_ends_once() {
    let mut page = Page::open_with(|_, environment| environment.keeps_draft = true);
    page.on_token_answer(unauthorized(EndReason::Known(Reason::RevokedByUser)));
    assert_eq!(page.on_token_answer(unauthorized(EndReason::Unknown)), []);
    assert_eq!(page.on_token_answer(unexplained()), []);
    assert_eq!(page.on_told_answer(EndReason::Known(Reason::IdleTimeout), unavailable()), []);
    assert_eq!(page.model.view().end_reason, Some(EndReason::Known(Reason::RevokedByUser)));
}

#[test]
fn the_server_has_spoken_and_so_is_not_out_of_reach() {
    let mut page = Page::open_with(|_, environment| environment.keeps_draft = true);
    page.on(Event::Offline);
    page.on_token_answer(unauthorized(EndReason::Known(Reason::RevokedByUser)));
    assert!(!page.is_offline());
}
