//! Warnings, and deadlines that pass.

use super::*;
use sekisho_model::EndReason as Reason;

fn idle(seconds: u32) -> Option<Warning> {
    Some(Warning { limit: Limit::Idle, seconds })
}

#[test]
fn the_warning_counts_down_to_the_idle_deadline() {
    let mut page = Page::open();
    page.advance(59 * MINUTE - 1);
    assert_eq!(page.warning(), None);
    page.advance(1);
    assert_eq!(page.warning(), idle(60));
    page.advance(20 * SECOND);
    assert_eq!(page.warning(), idle(40));
    page.advance(39 * SECOND);
    assert_eq!(page.warning(), idle(1));
}

#[test]
fn a_deadline_that_passes_is_asked_about_and_is_no_end() {
    let mut page = Page::open();
    page.timers.remove(&TimerId::Renewal);
    page.advance(HOUR - 1);
    assert_eq!(page.advance(1), [CHECK]);
    assert_eq!(page.state(), State::SignedIn);

    page.on_token_answer(unauthorized(EndReason::Known(Reason::IdleTimeout)));
    assert_eq!(page.state(), State::Ended);
    assert_eq!(page.warning(), None);
}

#[test]
fn a_session_that_outlives_its_deadline_is_asked_about_again_after_a_pause() {
    let mut page = Page::open();
    page.timers.remove(&TimerId::Renewal);
    page.advance(HOUR);
    let effects = page.on_token_answer(Ok(None));
    assert_eq!(effects[..2], [Effect::CloseStream, Effect::OpenStream], "its hello has the deadlines");
    assert_eq!(page.advance(OVERDUE_PAUSE), [CHECK]);
    assert_eq!(page.state(), State::SignedIn);

    page.on(Event::StreamHello(page.status(HOUR)));
    assert_eq!(page.warning(), None);
    assert_eq!(page.advance(10 * MINUTE), []);
}

#[test]
fn a_passed_deadline_is_not_asked_about_more_often_than_every_few_seconds() {
    let mut page = Page::open();
    page.timers.remove(&TimerId::Renewal);
    assert_eq!(page.advance(HOUR), [CHECK]);
    let passed = Deadlines { idle: Some(page.now()), absolute: None };
    assert_eq!(page.on_message(TabMessage::Alive(passed)), []);
    assert_eq!(page.advance(OVERDUE_PAUSE - 1), []);
    assert_eq!(page.advance(1), [CHECK]);
}

#[test]
fn staying_signed_in_reports_activity_and_the_answer_moves_the_deadline() {
    let mut page = Page::open();
    page.advance(59 * MINUTE + 30 * SECOND);
    assert_eq!(page.on(Event::WarningAnswered), [Effect::ReportActivity]);
    assert_eq!(page.warning(), idle(30), "until the server has agreed");

    page.on(Event::ActivityAnswered(Ok(page.status(HOUR))));
    assert_eq!(page.warning(), None);
    page.advance(58 * MINUTE);
    assert_eq!(page.warning(), None);
    page.advance(90 * SECOND);
    assert_eq!(page.warning(), idle(30));
}

#[test]
fn the_warning_before_the_absolute_deadline_is_dismissed_for_good() {
    let mut page = Page::open_with(|config, _| config.absolute_remaining = Some(30 * MINUTE));
    page.advance(29 * MINUTE);
    assert_eq!(page.warning(), Some(Warning { limit: Limit::Absolute, seconds: 60 }));
    assert_eq!(page.on(Event::WarningAnswered), []);
    assert_eq!(page.warning(), None);
    page.advance(30 * SECOND);
    assert_eq!(page.warning(), None);
    assert_eq!(page.advance(30 * SECOND), [CHECK]);
}

#[test]
fn an_answer_without_a_warning_does_nothing() {
    assert_eq!(Page::open().on(Event::WarningAnswered), []);
}

#[test]
fn after_hours_of_sleep_the_deadlines_are_checked_as_soon_as_the_tab_is_seen() {
    let mut page = Page::open();
    page.sleep(5 * HOUR);
    assert_eq!(page.on(Event::PageVisible), [CHECK]);

    let mut page = Page::open();
    page.sleep(59 * MINUTE + 30 * SECOND);
    page.on(Event::PageVisible);
    assert_eq!(page.warning(), idle(30));
}

#[test]
fn a_clock_that_is_set_back_makes_the_stream_say_its_deadlines_again() {
    let mut page = Page::open();
    page.sleep(-10 * MINUTE);
    let effects = page.on(Event::TimerFired(TimerId::Deadlines));
    assert_eq!(effects[..2], [Effect::CloseStream, Effect::OpenStream]);
    page.on(Event::StreamHello(page.status(HOUR)));
    page.advance(59 * MINUTE);
    assert_eq!(page.warning(), idle(60));
}

#[test]
fn the_servers_deadlines_count_on_its_own_clock() {
    let mut page = Page::open();
    page.on(Event::StreamHello(page.status(10 * MINUTE)));
    page.advance(9 * MINUTE + 15 * SECOND);
    assert_eq!(page.warning(), idle(45));
}
