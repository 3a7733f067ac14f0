//! What a sign-in is measured against: the password's hash, on all cores, with nothing around it.

use std::{
    thread,
    time::{Duration, Instant},
};

use argon2::{Algorithm, Argon2, Block, Params, Version};

use crate::{
    Result,
    load::{Load, Round},
};

/// How many hash at a time; the server's pool has one a core, too.
pub struct Threads(pub usize);

impl Load for Threads {
    async fn round(&mut self, length: Duration) -> Result<Round> {
        tokio::task::block_in_place(|| {
            let begun = Instant::now();
            let hashed = thread::scope(|scope| {
                let threads: Vec<_> = (0..self.0).map(|_| scope.spawn(|| hash_until(begun + length))).collect();
                threads.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked")?).collect()
            });
            let hashed: Result<Vec<Vec<Duration>>> = hashed;
            Ok(Round { latencies: hashed?.concat(), took: begun.elapsed() })
        })
    }

    fn cpu_time(&self) -> Result<Duration> {
        crate::process::cpu_time(std::process::id())
    }
}

/// Hashes in memory of its own, made once: no allocation, the most that Argon2 reaches.
fn hash_until(deadline: Instant) -> Result<Vec<Duration>> {
    let params = Params::new(19_456, 2, 1, None)?;
    let mut memory = vec![Block::default(); params.block_count()];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut hash = [0; Params::DEFAULT_OUTPUT_LEN];
    let mut latencies = Vec::new();
    while Instant::now() < deadline {
        let begun = Instant::now();
        argon2.hash_password_into_with_memory(b"a password of the usual length", &[7; 16], &mut hash, &mut memory)?;
        latencies.push(begun.elapsed());
    }
    Ok(latencies)
}
