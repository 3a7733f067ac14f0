//! `make bench`: measures the release build on this machine, over loopback, and prints one table for the README.
//!
//! Speed depends on the machine, so every number that matters is a ratio: Sekisho and something bare take turns,
//! round by round, under the same load and in processes of their own, so that whatever else the machine does hits
//! both. The bare one is an axum route that answers `GET /api/v1/me`'s very bytes; for a sign-in it is Argon2 alone.
//! The client shares the cores with what it measures, and so brings the ratios nearer to 1 than a client elsewhere
//! would; the CPU time of the server's process, told beside each rate, is free of that.

mod argon2_alone;
mod bare;
mod http;
mod load;
mod people;
mod process;
mod table;

use std::{env, error::Error, path::PathBuf, process::ExitCode, thread, time::Duration};

use argon2_alone::Threads;
use http::{Connection, get};
use load::{Compared, Next, Visitor, Visitors, compare};
use people::{Ask, BROTLI, Person};
use process::Server;
use table::{Row, kilobytes, megabytes, milliseconds};

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

/// People, each with a connection of their own.
const PEOPLE: usize = 16;
/// How long one side of one round lasts.
const ROUND: Duration = Duration::from_millis(600);
/// Longer, as one hash takes 20 ms.
const SIGN_IN_ROUND: Duration = Duration::from_millis(1500);
const STARTS: usize = 9;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // The bench starts itself again as the bare server.
    match env::args().collect::<Vec<_>>().as_slice() {
        [_, role, address, body] if role == bare::ROLE => runtime.block_on(bare::serve(address, body)),
        _ => runtime.block_on(measure()),
    }
}

async fn measure() -> Result<()> {
    let folder = Folder::make()?;
    let first = Server::sekisho(&folder.0).await?;
    let mut people = people::register(&first, PEOPLE).await?;
    drop(first);

    say("the start, and memory at rest");
    let (server, started_in) = start(&folder).await?;
    let at_rest = server.settled_memory().await?;
    let weight = weigh(&server).await?;

    people::sign_in(&server, &mut people).await?;
    let bare = Server::bare(&people::me(&server, &people[0]).await?).await?;
    let mut rows = against_bare(&server, &bare, &people).await?;
    rows.extend(against_argon2(&server, &people).await?);
    let loaded = server.memory()?;
    rows.extend(weight);

    rows.push(
        Row::new("Start, to the first 200 of `/health/ready`", milliseconds(started_in))
            .mark(started_in < Duration::from_millis(100), "< 100 ms"),
    );
    rows.push(Row::new("Memory at rest", megabytes(at_rest)).mark(at_rest < 40e6, "< 40 MB"));
    rows.push(Row::new(
        "Memory after all this (peak)",
        format!("{} ({})", megabytes(loaded.resident), megabytes(loaded.peak)),
    ));
    table::print(&rows);
    println!("\n{}", table::machine(PEOPLE)?);
    Ok(())
}

fn say(what: &str) {
    eprintln!("measuring {what}");
}

/// Starts the server again and again on a database that exists; keeps the last one, and tells the median.
async fn start(folder: &Folder) -> Result<(Server, Duration)> {
    let mut took = Vec::new();
    loop {
        let server = Server::sekisho(&folder.0).await?;
        took.push(server.started_in);
        if took.len() == STARTS {
            return Ok((server, load::median(&mut took)));
        }
    }
}

/// Everything that takes no password.
async fn against_bare(server: &Server, bare: &Server, people: &[Person]) -> Result<Vec<Row>> {
    let mut base = visitors(bare, people, |_| get("/", &[])).await?;
    let mut against_base = async |what, ask: Ask, next| -> Result<(Row, Compared)> {
        say(what);
        // Connected only now, as a server hangs up on those who wait.
        let mut side = visitors(server, people, ask).await?.asking_on(next);
        let compared = compare(&mut base, &mut side, ROUND).await?;
        Ok((Row::load(what, &compared.side).ratio(compared.ratio, "bare axum"), compared))
    };
    let (row, bearer) = against_base("`GET /api/v1/me`, bearer", Person::ask_for_me, None).await?;
    let mut rows = vec![
        Row::load("A bare axum route, the same JSON as the next", &bearer.base),
        row.mark(bearer.ratio >= 0.5, "≥ 0.5"),
    ];
    let others: [(_, Ask, Option<Next>); _] = [
        ("`GET /`, signed in", |person| person.browse("/"), None),
        ("`GET /devices`, three of them", |person| person.browse("/devices"), None),
        ("`POST /session/token`, cookie", Person::ask_for_token, None),
        ("`POST /api/v1/tokens/refresh`", Person::refresh, Some(people::refresh_again)),
    ];
    for (what, ask, next) in others {
        rows.push(against_base(what, ask, next).await?.0);
    }
    Ok(rows)
}

/// The sign-in, which is all password.
async fn against_argon2(server: &Server, people: &[Person]) -> Result<[Row; 2]> {
    let what = "`POST /api/v1/tokens`, sign-in";
    say(what);
    let cores = thread::available_parallelism()?.get();
    let arriving = &people[..PEOPLE.min(4 * cores)];
    let mut arriving = visitors(server, arriving, Person::sign_in).await?;
    let Compared { base, side, ratio } = compare(&mut Threads(cores), &mut arriving, SIGN_IN_ROUND).await?;
    Ok([
        Row::load(format!("Argon2 alone, {cores} threads"), &base),
        Row::load(what, &side).ratio(ratio, "Argon2 alone").mark(ratio >= 0.9, "≥ 0.9"),
    ])
}

async fn visitors(server: &Server, people: &[Person], ask: Ask) -> Result<Visitors> {
    let mut visitors = Vec::new();
    for person in people {
        visitors.push(Visitor::new(Connection::open(server.address).await?, ask(person)?));
    }
    Ok(Visitors::new(server.id(), visitors))
}

/// What a browser without a cache loads to show `/login`; the bodies, as they are sent.
async fn weigh(server: &Server) -> Result<[Row; 2]> {
    let mut connection = Connection::open(server.address).await?;
    let html = String::from_utf8(connection.ask(&get("/login", &[])?).await?.expect(200)?.body.to_vec())?;
    let mut weight = async |path: &str| -> Result<f64> {
        let answer = connection.ask(&get(path, &[BROTLI])?).await?;
        Ok(answer.expect(200).map_err(|error| format!("{path}: {error}"))?.body.len() as f64)
    };
    let (page, css) = (weight("/login").await?, weight(packaged(&html, ".css")?).await?);
    let (js, wasm) = (weight(packaged(&html, ".js")?).await?, weight(packaged(&html, ".wasm")?).await?);
    let parts = format!("HTML {}, CSS {}, JS {}", kilobytes(page), kilobytes(css), kilobytes(js));
    Ok([
        Row::new("WASM, brotli", kilobytes(wasm)).mark(wasm <= 120e3, "≤ 120 kB"),
        Row::new(format!("All that `/login` loads, brotli ({parts})"), kilobytes(page + css + js + wasm)),
    ])
}

/// The first file of `/pkg/` with this extension that the page names.
fn packaged<'a>(html: &'a str, extension: &str) -> Result<&'a str> {
    let mut names = html.match_indices("/pkg/").map(|(at, _)| html[at..].split(['"', '\'']).next().unwrap_or_default());
    names.find(|name| name.ends_with(extension)).ok_or_else(|| format!("/login names no {extension}").into())
}

/// A folder for the database, on the disk that holds the build: in memory, a commit would cost nothing.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Self> {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
