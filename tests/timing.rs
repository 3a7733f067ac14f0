//! What the time of an answer tells. A binary of its own, since Cargo runs one after the other: here nothing else runs
//! beside what is measured.

#![allow(clippy::expect_used, reason = "a helper of tests, which is no test function itself, fails as a test does")]

use std::time::{Duration, Instant};

use serde_json::json;

#[expect(dead_code, reason = "shared with the integration tests")]
mod harness;

use harness::TestApp;

const SAMPLES: usize = 201;

/// ASVS 6.3.8: the medians of a known and an unknown address differ by no more than 2 %.
#[tokio::test]
async fn time_does_not_tell_who_has_an_account() {
    let t = TestApp::new().await;
    t.register("ada@example.com").await;
    let mut took = [const { Vec::new() }; 2];
    for round in 0..SAMPLES + 5 {
        // In turn, and each first half of the times: whatever else the machine does hits both alike.
        let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
        for who in order {
            let email = ["ada@example.com", "bob@example.com"][who];
            let start = Instant::now();
            let answer = t.anonymous().post("/api/v1/tokens", json!({ "email": email, "password": "wrong" })).await;
            let elapsed = start.elapsed();
            answer.problem(401, "invalid_credentials");
            if round >= 5 {
                took[who].push(elapsed);
            }
        }
    }
    let [known, unknown] = took.map(median);
    assert!(known.abs_diff(unknown) <= known / 50, "known {known:?}, unknown {unknown:?}");
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took[took.len() / 2]
}
