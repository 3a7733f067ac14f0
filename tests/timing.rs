//! What the time of an answer tells. A binary of its own, since Cargo runs one after the other: here nothing else runs
//! beside what is measured.

#![allow(clippy::expect_used, reason = "a helper of tests, which is no test function itself, fails as a test does")]

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::sync::Mutex;

#[expect(dead_code, reason = "shared with the integration tests")]
mod harness;

use harness::{MINUTE, PASSWORD, TestApp};

const SAMPLES: usize = 201;

/// ASVS 6.3.8: the medians of a known and an unknown address differ by no more than 2 %.
#[tokio::test]
async fn the_time_of_a_sign_in_does_not_tell_who_has_an_account() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let sign_in = async |who: usize, _| {
        let email = ["ada@example.com", "bob@example.com"][who];
        let answer = t.anonymous().post("/api/v1/tokens", json!({ "email": email, "password": "wrong" })).await;
        answer.problem(401, "invalid_credentials");
    };
    assert_alike(sign_in, 50).await;
}

/// No more than 5 %, with a mail server: without one the answer tells.
#[tokio::test]
async fn the_time_of_a_registration_does_not_tell_who_has_an_account() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let register = async |who: usize, round: usize| {
        t.clock.advance(MINUTE); // so that no message is left out as a repetition
        let email = ["ada@example.com".to_owned(), format!("bob{round}@example.com")][who].clone();
        let answer = t.anonymous().post("/api/v1/users", json!({ "email": email, "password": PASSWORD })).await;
        assert_eq!(answer.status, 202);
    };
    assert_alike(register, 20).await;
}

#[tokio::test]
async fn the_time_of_asking_for_a_reset_does_not_tell_who_has_an_account() {
    let t = TestApp::with_mail(&[]).await;
    t.create_verified("ada@example.com").await;
    let forgot = async |who: usize, _| {
        t.clock.advance(MINUTE);
        let email = ["ada@example.com", "bob@example.com"][who];
        assert_eq!(t.anonymous().form("/forgot-password", &[("email", email)]).await.status, 200);
    };
    assert_alike(forgot, 20).await;
}

/// The medians of what is done for a known (0) and an unknown address (1) differ by less than one part in `parts`, in one
/// of a few measurements: what else the machine does disturbs some of them, and a difference in the work shows in all.
async fn assert_alike(attempt: impl AsyncFn(usize, usize), parts: u32) {
    static ALONE: Mutex<()> = Mutex::const_new(());
    let _alone = ALONE.lock().await;
    let mut measured = Vec::new();
    for measurement in 0..5 {
        let [known, unknown] = measure(&attempt, measurement * (SAMPLES + 5)).await;
        measured.push((known, unknown));
        if known.abs_diff(unknown) <= known / parts {
            return;
        }
    }
    panic!("known and unknown: {measured:?}");
}

async fn measure(attempt: &impl AsyncFn(usize, usize), from: usize) -> [Duration; 2] {
    let mut took = [const { Vec::new() }; 2];
    for round in 0..SAMPLES + 5 {
        // In turn, and each first half of the times: whatever else the machine does hits both alike.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for who in order {
            let start = Instant::now();
            attempt(who, from + round).await;
            let elapsed = start.elapsed();
            if round >= 5 {
                took[who].push(elapsed);
            }
        }
    }
    took.map(median)
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}
