//! The servers that are measured, each a process of its own, and what the kernel knows about them.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Result, bare,
    http::{Connection, get},
};

const BINARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/sekisho");
const PATIENCE: Duration = Duration::from_secs(10);
/// A process is at rest when its memory stayed the same for this long.
const REST: Duration = Duration::from_secs(2);
/// The unit of `/proc/PID/stat`: USER_HZ, which is 100 wherever Rust's Linux runs.
const TICK: Duration = Duration::from_millis(10);

/// A running server. Dropped, it is killed: Sekisho is made to start well after that, too.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    /// From the spawn to the first good answer.
    pub started_in: Duration,
}

/// Bytes.
pub struct Memory {
    pub resident: f64,
    pub peak: f64,
}

impl Server {
    /// The release build on a SQLite database in `folder`, with the defaults of the medium profile, but for what
    /// would stand in a load's way.
    pub async fn sekisho(folder: &Path) -> Result<Self> {
        if !Path::new(BINARY).exists() {
            return Err("target/release/sekisho is missing: `make build` makes it".into());
        }
        let address = free_address()?;
        let mut command = Command::new(BINARY);
        for (name, _) in env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"SEKISHO_")) {
            command.env_remove(name);
        }
        command
            .arg("serve")
            .current_dir(folder) // there is no sekisho.toml in there
            .env("SEKISHO_LISTEN", address.to_string())
            .env("SEKISHO_DATABASE_URL", format!("sqlite://{}/load.db", folder.display()))
            .env("SEKISHO_LOG", "warn")
            .env("SEKISHO_RATE_LIMIT", "off")
            .env("SEKISHO_MAX_DEVICES", "0");
        Self::start(command, address, "/health/ready").await
    }

    /// This very program as a bare axum server that answers `body`.
    pub async fn bare(body: &str) -> Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(env::current_exe()?);
        command.args([bare::ROLE, &address.to_string(), body]);
        Self::start(command, address, "/").await
    }

    async fn start(mut command: Command, address: SocketAddr, ready: &str) -> Result<Self> {
        let spawned = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut server = Self { child, address, started_in: Duration::ZERO };
        let mut connection = loop {
            match Connection::open(address).await {
                Ok(connection) => break connection,
                Err(error) if spawned.elapsed() > PATIENCE => return Err(error),
                Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(format!("a server ended at its start: {status}").into());
            }
        };
        connection.ask(&get(ready, &[])?).await?.expect(200)?;
        server.started_in = spawned.elapsed();
        Ok(server)
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn memory(&self) -> Result<Memory> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let bytes = |name: &str| -> Result<f64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line in status")?;
            Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? * 1024.0)
        };
        Ok(Memory { resident: bytes("VmRSS:")?, peak: bytes("VmHWM:")? })
    }

    /// The resident memory, once it no longer changes.
    pub async fn settled_memory(&self) -> Result<f64> {
        let (mut since, mut memory) = (Instant::now(), self.memory()?.resident);
        let begun = since;
        while since.elapsed() < REST && begun.elapsed() < PATIENCE {
            tokio::time::sleep(REST / 20).await;
            let now = self.memory()?.resident;
            if now != memory {
                (since, memory) = (Instant::now(), now);
            }
        }
        Ok(memory)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of loopback that nobody had a moment ago.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// What a process has used of all cores, in its own code and in the kernel.
pub fn cpu_time(id: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The second field is the name, in parentheses, and may hold anything; utime and stime are the 14th and 15th.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_ascii_whitespace();
    let ticks = fields.skip(11).take(2).map(str::parse::<u32>).sum::<Result<u32, _>>()?;
    Ok(TICK * ticks)
}
