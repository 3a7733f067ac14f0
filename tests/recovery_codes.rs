//! Recovery codes: shown once, used once, told of.

use sekisho_core::mail::MailContent;
use sekisho_model::EventKind;

use crate::harness::{
    TestApp,
    totp::{challenge, present, recovery_codes_of},
};

async fn is_accepted(t: &TestApp, code: &str) -> bool {
    let mut browser = t.anonymous();
    let waiting = challenge(&mut browser, "ada@example.com").await;
    present(&mut browser, &waiting, "recovery_code", code).await.status == 303
}

async fn left(t: &TestApp) -> i64 {
    let count = sqlx::query_scalar("select count(*) from recovery_codes where used_at is null");
    count.fetch_one(t.db.reader()).await.expect("a count")
}

#[tokio::test]
async fn a_code_is_accepted_once_however_it_is_written() {
    let t = TestApp::new().await;
    let (mut browser, _, codes) = t.enrolled_browser("ada@example.com").await;
    assert!(is_accepted(&t, &codes[0].to_uppercase()).await);
    assert!(!is_accepted(&t, &codes[0]).await, "twice");
    assert!(is_accepted(&t, &codes[1].replace('-', " ")).await);
    assert!(is_accepted(&t, &codes[2].replace('-', "")).await);
    for wrong in ["", "aaaa-aaaa-aaaa-aaaa", "123456", &codes[3][..18]] {
        assert!(!is_accepted(&t, wrong).await, "{wrong}");
    }
    let page = browser.get("/account/security").await.text();
    assert!(page.contains("7 codes are left") && !page.contains("before you run out"));
    // Another account's are worth nothing here.
    let (_, _, eves) = t.enrolled_browser("eve@example.com").await;
    assert!(!is_accepted(&t, &eves[0]).await);
    let stored: Vec<String> =
        sqlx::query_scalar("select hash from recovery_codes").fetch_all(t.db.reader()).await.expect("rows");
    assert!(codes.iter().all(|code| !stored.contains(code) && !stored.contains(&code.replace('-', ""))));
}

#[tokio::test]
async fn of_thirty_parallel_uses_one_wins() {
    let t = TestApp::new().await;
    let (_, _, codes) = t.enrolled_browser("ada@example.com").await;
    let mut asked = Vec::new();
    for _ in 0..30 {
        let mut browser = t.anonymous();
        let waiting = challenge(&mut browser, "ada@example.com").await;
        asked.push((browser, waiting));
    }
    let uses = asked.iter_mut().map(|(browser, waiting)| present(browser, waiting, "recovery_code", &codes[0]));
    let won = futures::future::join_all(uses).await.iter().filter(|answer| answer.status == 303).count();
    assert_eq!((won, left(&t).await), (1, 9));
}

#[tokio::test]
async fn two_codes_used_at_once_both_stay_spent() {
    let t = TestApp::new().await;
    let (_, _, codes) = t.enrolled_browser("ada@example.com").await;
    let used = futures::future::join_all([&codes[0], &codes[1]].map(|code| is_accepted(&t, code))).await;
    assert_eq!((used, left(&t).await), (vec![true, true], 8));
    assert!(!is_accepted(&t, &codes[0]).await && !is_accepted(&t, &codes[1]).await);
}

#[tokio::test]
async fn each_use_is_told_by_mail_and_on_the_pages() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let mut browser = t.sign_in_browser("ada@example.com").await;
    let (_, codes) = t.enroll(&mut browser).await;
    t.mail().await;
    for code in &codes[..2] {
        assert!(is_accepted(&t, code).await);
        let mails = t.mail().await;
        let [mail] = mails.as_slice() else { panic!("one message: {mails:?}") };
        let event = EventKind::RecoveryCodeUsed;
        assert!(matches!(&mail.content, MailContent::Notice { event: e, token: Some(_), .. } if *e == event));
        assert!(!format!("{mail:?}").contains(code));
    }
    assert!(browser.get("/security").await.page().one("section.notices").text().contains("Recovery code used"));
}

#[tokio::test]
async fn new_codes_replace_the_old_and_are_shown_once() {
    let t = TestApp::new().await;
    let (mut browser, _, old) = t.enrolled_browser("ada@example.com").await;
    let shown = browser.form("/account/security/recovery-codes", &[]).await;
    let new = recovery_codes_of(&shown);
    let page = shown.page();
    let file = page.one("a[download]").attr("href").expect("a file");
    assert!(file.starts_with("data:text/plain") && file.contains(&new[0]) && file.contains(&new[9]));
    assert_eq!(browser.get("/account/security/recovery-codes").await.location(), "/account/security");
    assert!(!is_accepted(&t, &old[0]).await && is_accepted(&t, &new[0]).await);
    assert_eq!(left(&t).await, 9);
    assert!(browser.get("/security").await.text().contains("New recovery codes made"));
    // There are none without a second factor.
    let mut eve = t.browser("eve@example.com").await;
    assert_eq!(eve.form("/account/security/recovery-codes", &[]).await.status, 404);
}
