//! What a deleted account leaves behind: the log, and nothing else in any table.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Row};

use crate::{
    email_recovery::link_github,
    harness::{Client, DAY, HOUR, MINUTE, PASSWORD, TestApp},
};

const EMAIL: &str = "ada.lovelace@example.com";
const NAME: &str = "Ada Unmistakable";

async fn housekeeping(t: &TestApp) {
    t.app.core.run_housekeeping().await.expect("housekeeping");
}

async fn kinds(t: &TestApp, user_id: &str) -> Vec<String> {
    let query = sqlx::query_scalar("select kind from events where user_id = $1 order by seq desc");
    query.bind(user_id.to_owned()).fetch_all(t.db.reader()).await.expect("a log")
}

/// Every column of every table: its table and its name.
pub async fn columns(t: &TestApp) -> Vec<(String, String)> {
    let sqlite = "select m.name as t, c.name as c from sqlite_master m join pragma_table_info(m.name) c \
                  where m.type = 'table' and m.name not like 'sqlite_%'";
    let postgres = "select table_name::text as t, column_name::text as c from information_schema.columns \
                    where table_schema = 'public'";
    let columns = if std::env::var("SEKISHO_TEST_DATABASE_URL").is_ok() { postgres } else { sqlite };
    let columns = sqlx::query(columns).fetch_all(t.db.reader()).await.expect("a schema");
    let columns = columns.into_iter().map(|column| (column.get("t"), column.get("c")));
    let columns: Vec<(String, String)> = columns.filter(|(table, _)| table != "_sqlx_migrations").collect();
    assert!(columns.len() > 100, "the whole schema");
    columns
}

/// Where a text is found in the database: `table.column`.
async fn find_everywhere(t: &TestApp, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (table, column) in columns(t).await {
        let query = format!("select count(*) from {table} where lower(cast({column} as text)) like $1");
        let query = sqlx::query_scalar::<_, i64>(AssertSqlSafe(query)).bind(format!("%{}%", text.to_lowercase()));
        if query.fetch_one(t.db.reader()).await.expect("a count") > 0 {
            found.push(format!("{table}.{column}"));
        }
    }
    found.sort();
    found
}

/// A person who uses everything that there is.
async fn person(t: &TestApp) -> (Client, Client, Value) {
    t.create_verified(EMAIL).await;
    let mut browser = t.sign_in_browser(EMAIL).await;
    browser.form("/account", &[("name", NAME), ("about", "unmistakable words"), ("locale", "en")]).await;
    let user_id = t.user_id(EMAIL).await;
    link_github(t, &user_id, "4711").await;
    for statement in [
        "insert into totp (user_id, secret, created_at, last_step) values ($1, 'sealed', 0, 0)",
        "insert into recovery_codes (user_id, hash, created_at) values ($1, 'hash', 0)",
        "insert into trusted_browsers (hash, user_id, device, ip, created_at, expires_at) \
         values ('hash', $1, 'x', 'x', 0, 9999999999999)",
        "insert into passkeys (id, user_id, name, credential, backed_up, created_at) values ('p', $1, 'x', '{}', 0, 0)",
    ] {
        sqlx::query(statement).bind(user_id.as_str()).execute(t.db.writer()).await.expect("inserted");
    }
    sqlx::query("delete from totp").execute(t.db.writer()).await.expect("signs in without a code again");
    sqlx::query("delete from passkeys").execute(t.db.writer()).await.expect("deleted");
    let (api, tokens) = t.sign_in_api(EMAIL).await;
    browser.form("/account/email", &[("email", "another@example.com")]).await;
    t.anonymous().form("/forgot-password", &[("email", EMAIL)]).await;
    t.mail().await;
    (browser, api, tokens)
}

#[tokio::test]
async fn nothing_is_left_but_the_log_and_a_new_account_inherits_nothing() {
    let t = TestApp::with_mail(&[]).await;
    let (mut browser, _, tokens) = person(&t).await;
    let user_id = t.user_id(EMAIL).await;
    assert!(find_everywhere(&t, NAME).await.contains(&"users.search".into()), "the search works");
    t.clock.advance(20 * MINUTE);
    browser.form("/account/data/delete", &[("step_up_password", PASSWORD)]).await.location();
    t.mail().await;
    t.clock.advance(7 * DAY);
    housekeeping(&t).await;
    t.clock.advance(HOUR);
    housekeeping(&t).await;
    t.mail().await;

    let log = ["events.session_id", "events.user_id"];
    for text in [NAME, EMAIL, "another@example.com", "unmistakable words", "octocat", "4711"] {
        assert!(find_everywhere(&t, text).await.is_empty(), "{text}: {:?}", find_everywhere(&t, text).await);
    }
    assert_eq!(find_everywhere(&t, user_id.as_str()).await, log[1..]);
    assert_eq!(find_everywhere(&t, tokens["session_id"].as_str().expect("an id")).await, log[..1]);
    assert_eq!(kinds(&t, user_id.as_str()).await[..2], ["account_removed", "account_disabled"].map(String::from));
    assert!(t.app.core.audit.verify(None, |_| ()).await.expect("read").is_ok());

    let sign_in = json!({ "email": EMAIL, "password": PASSWORD });
    t.anonymous().post("/api/v1/tokens", sign_in.clone()).await.problem(401, "invalid_credentials");
    t.create_verified(EMAIL).await;
    let (mut api, _) = t.sign_in_api(EMAIL).await;
    let me = api.get("/api/v1/me").await.json();
    assert!(me["id"] != user_id.as_str() && me["name"] == "ada.lovelace" && me["about"] == "", "{me}");
    let events = api.get("/api/v1/events").await.json();
    assert_eq!(events["items"].as_array().map(Vec::len), Some(2), "registered, signed in: {events}");
    assert_eq!(t.live_sessions(EMAIL).await, 1);
    assert!(t.app.core.identities.linked(&t.user_id(EMAIL).await).await.expect("a look").is_none());
    assert!(t.mail().await.is_empty(), "not even the device is known");
}
