//! When activity is reported, and when not.

use super::*;
use sekisho_model::EndReason as Reason;

#[test]
fn activity_is_reported_once_per_interval() {
    let mut page = Page::open();
    page.advance(10 * SECOND);
    for _ in 0..100 {
        assert_eq!(page.on(Event::Activity), []);
    }
    assert_eq!(page.advance(MINUTE), [Effect::ReportActivity]);
    page.on(Event::ActivityAnswered(Ok(page.status(HOUR))));
    assert_eq!(page.advance(10 * MINUTE), [], "nothing more was done");

    page.on(Event::Activity);
    assert_eq!(page.advance(0), [Effect::ReportActivity], "at once, as the last report is long ago");
}

#[test]
fn input_while_the_warning_is_shown_is_no_answer_to_it() {
    let mut page = Page::open();
    page.advance(59 * MINUTE + 10 * SECOND);
    assert!(!page.model.awaits_activity());
    page.on(Event::Activity);
    assert_eq!(page.advance(20 * SECOND), []);
    assert!(page.warning().is_some());
}

#[test]
fn a_report_of_another_tab_counts_for_this_one() {
    let mut page = Page::open();
    page.advance(50 * SECOND);
    page.on_message(TabMessage::Alive(Deadlines::after(page.now(), Some(HOUR), None)));
    page.on(Event::Activity);
    assert_eq!(page.advance(MINUTE - 1), []);
    assert_eq!(page.advance(1), [Effect::ReportActivity]);
}

#[test]
fn the_other_tabs_are_told_the_new_deadlines() {
    let mut page = Page::open();
    let status = page.status(HOUR);
    let effects = page.on(Event::ActivityAnswered(Ok(status)));
    let deadlines = Deadlines::after(page.now(), Some(HOUR), Some(24 * HOUR));
    assert_eq!(effects, [Effect::Broadcast(TabMessage::Alive(deadlines))]);
}

#[test]
fn a_report_that_failed_is_made_again_when_there_is_contact() {
    let mut page = Page::open();
    page.advance(2 * MINUTE);
    page.on(Event::Activity);
    assert_eq!(page.advance(0), [Effect::ReportActivity]);
    page.on(Event::ActivityAnswered(unavailable()));
    assert!(!page.model.awaits_activity(), "there is a report to be made");
    page.on_token_answer(Ok(None));
    assert_eq!(page.advance(MINUTE), [Effect::ReportActivity]);
}

#[test]
fn after_the_end_there_is_no_activity() {
    let mut page = Page::open();
    page.on_token_answer(unauthorized(EndReason::Known(Reason::RevokedByUser)));
    assert!(!page.model.awaits_activity());
    page.on(Event::Activity);
    page.on(Event::ActivityAnswered(unavailable()));
    assert_eq!(page.advance(HOUR), []);
}
