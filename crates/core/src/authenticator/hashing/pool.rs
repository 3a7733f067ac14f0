//! A thread pool for CPU-bound password work: one thread per core, bounded queues. Overload is rejected as
//! [`Error::Busy`] instead of exhausting memory (19 MiB per hash) or the async threads.

use std::{
    collections::VecDeque,
    mem,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use tokio::sync::oneshot;

use super::argon2id::Blocks;
use crate::error::Error;

/// Queue capacity per thread; at 20 ms per hash the wait is under 3 s.
const QUEUE_PER_THREAD: usize = 128;
/// Queue capacity of the password meter, per thread.
const METER_QUEUE_PER_THREAD: usize = 8;

/// Which queue a job enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Priority {
    /// Sign-in, registration, password change.
    High,
    /// The password meter: runs only while the other queue is empty, and has a much shorter queue.
    Low,
}

#[derive(Clone)]
pub(super) struct Pool {
    queue: Arc<Mutex<Queue>>,
    pub(super) threads: usize,
    pub(super) max_queued: usize,
}

#[derive(Default)]
struct Queue {
    high: VecDeque<Job>,
    low: VecDeque<Job>,
    /// Running threads.
    working: usize,
    /// Running threads with a low-priority job.
    metering: usize,
    /// Argon2 working memory, reused between hashes: mapping 19 MiB for each costs up to a third of the hash itself.
    memory: Vec<Blocks>,
    /// Whether `memory` was used since the last [`Pool::release_memory`].
    used: bool,
}

type Job = Box<dyn FnOnce(&mut Blocks) + Send>;

impl Pool {
    pub(super) fn new() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self { queue: Arc::default(), threads, max_queued: threads * QUEUE_PER_THREAD }
    }

    /// Runs `work` in the pool; `Busy` if the queue is full.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        priority: Priority,
        work: impl FnOnce(&mut Blocks) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job = move |memory: &mut Blocks| {
            // The caller was cancelled: skip the work.
            if !answer.is_closed() {
                let _ = answer.send(work(memory));
            }
        };
        {
            let mut queue = self.queue();
            let (waiting, most) = match priority {
                Priority::High => (&mut queue.high, self.max_queued),
                Priority::Low => (&mut queue.low, self.max_queued.min(self.threads * METER_QUEUE_PER_THREAD)),
            };
            if waiting.len() >= most {
                return Err(Error::Busy);
            }
            waiting.push_back(Box::new(job));
            if queue.working < self.threads {
                queue.working += 1;
                let pool = self.clone();
                tokio::task::spawn_blocking(move || pool.work());
            }
        }
        answered.await.map_err(Error::internal)
    }

    /// Runs jobs until the queue is empty.
    fn work(&self) {
        let mut memory = self.queue().memory.pop().unwrap_or_default();
        loop {
            let mut queue = self.queue();
            let (job, is_meter) = match queue.high.pop_front() {
                Some(job) => (Some(job), false),
                // At most half of the threads, to leave cores to the async threads.
                None if queue.metering < self.threads.div_ceil(2) => (queue.low.pop_front(), true),
                None => (None, false),
            };
            let Some(job) = job else {
                queue.working -= 1;
                if !memory.is_empty() {
                    queue.memory.push(memory);
                    queue.used = true;
                }
                return;
            };
            queue.metering += usize::from(is_meter);
            drop(queue);
            // A panic fails its own job only.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
            if is_meter {
                self.queue().metering -= 1;
            }
        }
    }

    /// Frees the memory if nothing was hashed since the last call.
    pub(super) fn release_memory(&self) {
        let mut queue = self.queue();
        if !mem::take(&mut queue.used) {
            queue.memory.clear();
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use super::*;

    fn one_thread() -> Pool {
        Pool { threads: 1, ..Pool::new() }
    }

    #[tokio::test]
    async fn a_full_queue_rejects_immediately() {
        let pool = Pool { max_queued: 0, ..Pool::new() };
        assert!(matches!(pool.run(Priority::High, |_| ()).await, Err(Error::Busy)));
        assert!(matches!(pool.run(Priority::Low, |_| ()).await, Err(Error::Busy)));
    }

    #[tokio::test]
    async fn low_priority_waits_for_high_and_is_rejected_earlier() {
        let pool = one_thread();
        let (open, gate) = mpsc::channel::<()>();
        let (done, order) = mpsc::channel();
        let run = |priority, name: &'static str| {
            let done = done.clone();
            pool.run(priority, move |_| done.send(name).is_ok())
        };
        let blocked = pool.run(Priority::High, move |_| gate.recv().is_ok());
        let meters = (0..100).map(|_| run(Priority::Low, "meter"));
        let sign_ins = (0..100).map(|_| run(Priority::High, "sign-in"));
        let (_, meters, sign_ins) = tokio::join!(blocked, futures::future::join_all(meters), async {
            let mut waiting = std::pin::pin!(futures::future::join_all(sign_ins));
            // Polled once, all of them are in the queue.
            assert!(futures::poll!(waiting.as_mut()).is_pending());
            let _ = open.send(());
            waiting.await
        });
        assert!(sign_ins.iter().all(Result::is_ok));
        assert_eq!(meters.iter().filter(|answer| answer.is_ok()).count(), METER_QUEUE_PER_THREAD);
        assert!(meters.iter().all(|answer| matches!(answer, Ok(true) | Err(Error::Busy))));
        let order: Vec<_> = order.try_iter().collect();
        assert_eq!(order.len(), 100 + METER_QUEUE_PER_THREAD);
        assert!(order[..100].iter().all(|name| *name == "sign-in"), "{order:?}");
    }

    #[tokio::test]
    async fn low_priority_uses_half_of_the_threads_at_most() {
        let pool = Pool { threads: 4, ..Pool::new() };
        let running = Arc::new(Mutex::new((0, 0)));
        let meters = (0..8).map(|_| {
            let running = running.clone();
            pool.run(Priority::Low, move |_| {
                let count = |change: i32| {
                    let mut running = running.lock().expect("no panic");
                    running.0 += change;
                    running.1 = running.1.max(running.0);
                };
                count(1);
                // Long enough for others to begin meanwhile.
                std::thread::sleep(Duration::from_millis(20));
                count(-1);
            })
        });
        assert!(futures::future::join_all(meters).await.iter().all(Result::is_ok));
        let most = running.lock().expect("no panic").1;
        assert!((1..=2).contains(&most), "{most} at once");
    }

    #[tokio::test]
    async fn a_panicking_job_fails_alone() {
        let pool = one_thread();
        let broken = pool.run(Priority::High, |_| panic!("as planned"));
        let (broken, whole) = tokio::join!(broken, pool.run(Priority::High, |_| 7));
        assert!(matches!((broken, whole), (Err::<(), _>(Error::Internal(_)), Ok(7))));
        assert!(matches!(pool.run(Priority::High, |_| 8).await, Ok(8)));
    }

    #[tokio::test]
    async fn a_cancelled_job_is_skipped() {
        let pool = one_thread();
        let (open, gate) = mpsc::channel::<()>();
        let first = pool.run(Priority::High, move |_| gate.recv().is_ok());
        let (hash, hashed) = mpsc::channel();
        let second = pool.run(Priority::High, move |_| hash.send(()).is_ok());
        let (done, ()) = tokio::join!(first, async {
            // Queued behind the first, and dropped.
            assert!(tokio::time::timeout(Duration::from_millis(1), second).await.is_err());
            let _ = open.send(());
        });
        assert!(matches!(done, Ok(true)));
        assert!(matches!(pool.run(Priority::High, |_| 9).await, Ok(9)));
        assert!(hashed.recv().is_err());
    }

    #[tokio::test]
    async fn memory_is_reused_and_freed_when_idle() {
        let pool = one_thread();
        let kept = |pool: &Pool| pool.queue().memory.iter().map(Vec::len).sum::<usize>();
        pool.run(Priority::High, |memory| memory.resize(1_000, argon2::Block::default())).await.expect("runs");
        while pool.queue().working > 0 {
            tokio::task::yield_now().await;
        }
        pool.release_memory();
        assert_eq!(kept(&pool), 1_000);
        pool.release_memory();
        assert_eq!(kept(&pool), 0);
    }
}
