//! A database that fails: what is refused meanwhile, and that it all works again at once.

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;

use crate::harness::{
    PASSWORD, TestApp,
    process::{Folder, Server},
};

async fn run(t: &TestApp, statements: &[&'static str]) {
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(*statement)).execute(t.db.writer()).await.expect(statement);
    }
}

fn is_sqlite() -> bool {
    std::env::var("SEKISHO_TEST_DATABASE_URL").is_err()
}

/// SQLite rolls back by itself when a disk is full, which left sqlx counting a transaction for ever: every later write
/// failed for 30 minutes. PostgreSQL: the connection is killed in the middle of a transaction.
#[tokio::test]
async fn a_transaction_that_broke_does_not_keep_the_next_one_from_beginning() {
    let t = TestApp::new().await;
    let (mut api, _) = t.api("ada@example.com").await;
    let credentials = json!({ "email": "ada@example.com", "password": PASSWORD });
    let (breaks, mends): (&[&str], &[&str]) = if is_sqlite() {
        (
            &["create trigger broken before insert on events begin select raise(rollback, 'full'); end"],
            &["drop trigger broken"],
        )
    } else {
        (
            &[
                "create function broken() returns trigger language plpgsql as \
                 'begin perform pg_terminate_backend(pg_backend_pid()); return new; end'",
                "create trigger broken before insert on events for each row execute function broken()",
            ],
            &["drop trigger broken on events"],
        )
    };
    run(&t, breaks).await;
    for _ in 0..3 {
        let refused = t.anonymous().post("/api/v1/tokens", credentials.clone()).await;
        assert!(refused.status.is_server_error(), "{}", refused.text());
        if !is_sqlite() {
            refused.problem(503, "busy");
        }
    }
    assert_eq!(api.get("/api/v1/me").await.status, 200);
    run(&t, mends).await;
    t.sign_in_api("ada@example.com").await;
    assert_eq!(t.live_sessions("ada@example.com").await, 2, "nothing that was refused was kept");
}

/// A folder on a file system of 24 MB. Only root may make one.
struct SmallDisk(Folder);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = Folder::new();
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(&folder.0)
            .stderr(std::process::Stdio::null())
            .status();
        mounted.is_ok_and(|status| status.success()).then(|| Self(folder))
    }

    fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.0.0.join("filler")).expect("a file");
        for block in [vec![0; 1 << 16], vec![0; 1]] {
            while file.write_all(&block).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.0.0.join("filler")).expect("removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_stops_writes_only_for_as_long_as_it_is_full() {
    let Some(disk) = SmallDisk::mount() else {
        eprintln!("no file system may be mounted here: see the test above for the same by a trigger");
        return;
    };
    let folder = Folder::new();
    let url = format!("sqlite://{}", disk.0.0.join("house/sekisho.db").display());
    let settings = [("SEKISHO_DATABASE_URL", url.as_str()), ("SEKISHO_RATE_LIMIT", "off")];
    let server = Server::start(&folder, &settings);
    let person = json!({ "email": "ada@example.com", "password": PASSWORD });
    assert_eq!(server.post("/api/v1/users", person.clone()).await.status(), 201);
    let tokens: Value = server.post("/api/v1/tokens", person.clone()).await.json().await.expect("JSON");
    let ready = async |server: &Server| {
        let url = format!("{}/health/ready", server.url);
        reqwest::Client::new().get(url).send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(ready(&server).await, 200);

    disk.fill();
    let mut refused = server.post("/api/v1/tokens", person.clone()).await;
    for _ in 0..200 {
        if refused.status() != 200 {
            break; // what SQLite had room for by then is used up
        }
        refused = server.post("/api/v1/tokens", person.clone()).await;
    }
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().ok()), (503, Some("2")));
    assert_eq!(refused.json::<Value>().await.expect("JSON")["code"], "busy");
    assert_eq!(server.me(&tokens["access_token"]).await.0, 200, "reads go on");
    // Written at most once a second: the first look may be from before.
    let full = std::time::Instant::now();
    while ready(&server).await != 503 {
        assert!(full.elapsed() < std::time::Duration::from_secs(5), "still ready");
    }

    // A start on a full disk says so, and verifies tokens all the same.
    server.kill("-KILL");
    let server = Server::start(&folder, &settings);
    let log = std::fs::read_to_string(folder.0.join("log")).expect("a log");
    assert!(log.contains("the database can't be written to") && log.contains("full"), "{log}");

    disk.free();
    let freed = std::time::Instant::now();
    let mut back = server.post("/api/v1/tokens", person.clone()).await.status();
    while back != 200 && freed.elapsed() < std::time::Duration::from_secs(2) {
        back = server.post("/api/v1/tokens", person.clone()).await.status();
    }
    assert_eq!(back, 200);
    while ready(&server).await != 200 {
        assert!(freed.elapsed() < std::time::Duration::from_secs(5), "still not ready");
    }
    server.kill("-TERM");
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    server.post("/api/v1/users", json!({ "email": "ada@example.com", "password": PASSWORD })).await;
    let mode = |path: &str| std::fs::metadata(folder.0.join(path)).expect(path).permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    for file in ["sekisho.db", "sekisho.db-wal", "sekisho.db-shm", "sekisho.db.secret"] {
        assert_eq!(mode(&format!("data/{file}")), 0o600, "{file}");
    }
    server.kill("-TERM");
    // One that an earlier version made.
    let database = folder.0.join("data/sekisho.db");
    std::fs::set_permissions(&database, std::fs::Permissions::from_mode(0o644)).expect("changed");
    let server = Server::start(&folder, &[]);
    assert_eq!(mode("data/sekisho.db"), 0o600);
    server.kill("-TERM");
}
