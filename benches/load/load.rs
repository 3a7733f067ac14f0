//! Closed-loop load: each connection waits for a response before its next request. Two sides take turns, round by
//! round.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::{
    Result,
    http::{Connection, Request},
    process,
};

const ROUNDS: usize = 9;
/// What one visitor asks in one round at most, so that neither time nor memory runs away.
const REQUESTS: usize = 100_000;

/// Something that can be kept busy for a while.
pub trait Load {
    async fn round(&mut self, length: Duration) -> Result<Round>;

    /// Of the process that does the work, since it began.
    fn cpu_time(&self) -> Result<Duration>;
}

/// What happened in one round.
pub struct Round {
    pub latencies: Vec<Duration>,
    pub took: Duration,
}

impl Round {
    fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }
}

/// Makes the next request of the body of the last answer.
pub type Next = fn(&[u8]) -> Result<Request>;

/// Somebody at a connection of their own.
pub struct Visitor {
    connection: Connection,
    request: Request,
    next: Option<Next>,
}

impl Visitor {
    /// Asks the same again and again.
    pub fn new(connection: Connection, request: Request) -> Self {
        Self { connection, request, next: None }
    }

    async fn ask_until(&mut self, deadline: Instant) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        while latencies.len() < REQUESTS {
            let begun = Instant::now();
            if begun >= deadline {
                break;
            }
            let answer = self.connection.ask(&self.request).await?.expect(200)?;
            latencies.push(begun.elapsed());
            if let Some(next) = self.next {
                self.request = next(&answer.body)?;
            }
        }
        Ok(latencies)
    }
}

/// Those who visit one server.
pub struct Visitors {
    server: u32,
    visitors: Vec<Visitor>,
}

impl Visitors {
    /// `server` is the id of its process.
    pub fn new(server: u32, visitors: Vec<Visitor>) -> Self {
        Self { server, visitors }
    }

    /// With `next`, each request follows from the answer before.
    pub fn asking_on(mut self, next: Option<Next>) -> Self {
        for visitor in &mut self.visitors {
            visitor.next = next;
        }
        self
    }
}

impl Load for Visitors {
    async fn round(&mut self, length: Duration) -> Result<Round> {
        let begun = Instant::now();
        let mut tasks = JoinSet::new();
        for mut visitor in self.visitors.drain(..) {
            tasks.spawn(async move {
                let latencies = visitor.ask_until(begun + length).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>((visitor, latencies))
            });
        }
        let mut latencies = Vec::new();
        while let Some(done) = tasks.join_next().await {
            let (visitor, its) = done??;
            self.visitors.push(visitor);
            latencies.extend(its);
        }
        Ok(Round { latencies, took: begun.elapsed() })
    }

    fn cpu_time(&self) -> Result<Duration> {
        process::cpu_time(self.server)
    }
}

/// All rounds of one side.
pub struct Measured {
    /// Answers a second: the median of the rounds.
    pub rate: f64,
    pub p50: Duration,
    pub p99: Duration,
    /// For each answer, in the process that gave it.
    pub cpu: Duration,
}

/// Two sides that took turns.
pub struct Compared {
    pub base: Measured,
    pub side: Measured,
    /// The median of each round's rate over that of the base's round just before it.
    pub ratio: f64,
}

/// Warms both sides up, then lets them take turns.
pub async fn compare(base: &mut impl Load, side: &mut impl Load, length: Duration) -> Result<Compared> {
    base.round(length / 2).await?;
    side.round(length / 2).await?;
    let (mut of_base, mut of_side) = (Vec::new(), Vec::new());
    let before = (base.cpu_time()?, side.cpu_time()?);
    for _ in 0..ROUNDS {
        of_base.push(base.round(length).await?);
        of_side.push(side.round(length).await?);
    }
    let cpu = (base.cpu_time()?.saturating_sub(before.0), side.cpu_time()?.saturating_sub(before.1));
    let mut ratios: Vec<f64> = of_base.iter().zip(&of_side).map(|(base, side)| side.rate() / base.rate()).collect();
    Ok(Compared { base: sum_up(&of_base, cpu.0)?, side: sum_up(&of_side, cpu.1)?, ratio: median(&mut ratios) })
}

fn sum_up(rounds: &[Round], cpu: Duration) -> Result<Measured> {
    let mut rates: Vec<f64> = rounds.iter().map(Round::rate).collect();
    let mut latencies: Vec<Duration> = rounds.iter().flat_map(|round| round.latencies.iter().copied()).collect();
    latencies.sort_unstable();
    let last = latencies.len().checked_sub(1).ok_or("nothing was answered")?;
    Ok(Measured {
        rate: median(&mut rates),
        p50: latencies[last / 2],
        p99: latencies[last * 99 / 100],
        cpu: cpu / u32::try_from(latencies.len())?,
    })
}

/// The middle one of an odd number of values.
pub fn median<T: Copy + PartialOrd>(values: &mut [T]) -> T {
    values.sort_unstable_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    values[values.len() / 2]
}
