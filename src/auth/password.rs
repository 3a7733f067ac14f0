//! Passwords: which ones are taken, and how they are hashed and checked without eating the machine.

use std::{
    collections::VecDeque,
    mem,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use argon2::{
    Algorithm, Argon2, Block, Params, PasswordHasher, Version,
    password_hash::phc::{Output, PasswordHash},
};
use tokio::sync::oneshot;
use unicode_normalization::UnicodeNormalization;
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::error::{Error, FieldError};

const MIN_CHARS: usize = 8;
const MAX_CHARS: usize = 256;
/// Below this zxcvbn score a password falls to a list of common ones and their variations (ASVS 6.2.4).
const MIN_SCORE: u8 = 2;
/// OWASP's parameters for Argon2id (ASVS 11.4.2).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
/// How many may wait for the pool, per thread; at 20 ms a hash the last of them waits under 3 s.
const QUEUE_PER_THREAD: usize = 128;

/// A password as typed, in NFC. Never printed, wiped when dropped.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password(String);

impl Password {
    /// A password that somebody presents: any text, as the stored one decides.
    pub fn presented(raw: &str) -> Self {
        Self(raw.nfc().collect())
    }

    /// A password that somebody chooses: 8 to 256 characters, any Unicode, no composition rules
    /// (ASVS 6.2.1, 6.2.5, 6.2.9), not easily guessed from `context` (the person's name, address).
    pub fn choose(field: &'static str, raw: &str, context: &[&str]) -> Result<Self, FieldError> {
        let password = Self::presented(raw);
        let code = match password.0.chars().count() {
            0..MIN_CHARS => "password-too-short",
            MIN_CHARS..=MAX_CHARS if strength(&password.0, context) < MIN_SCORE => "password-too-common",
            MIN_CHARS..=MAX_CHARS => return Ok(password),
            _ => "password-too-long",
        };
        Err(FieldError::new(field, code))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// How hard a password is to guess: zxcvbn's score, 0 (at once) to 4 (very hard).
pub fn strength(password: &str, context: &[&str]) -> u8 {
    let parts: Vec<&str> = context
        .iter()
        // The whole, what is before and after the @, and each word.
        .flat_map(|c| std::iter::once(*c).chain(c.split('@')).chain(c.split(|c: char| !c.is_alphanumeric())))
        .chain(["sekisho"])
        .filter(|part| part.chars().count() > 2)
        .collect();
    zxcvbn::zxcvbn(password, &parts).score().into()
}

/// What checking a password found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Wrong,
    Right,
    /// Right, but hashed with older parameters: to be hashed anew.
    RightOutdated,
}

/// The pool that hashes: one thread a core, a bounded queue. A flood of sign-ins fills the queue, not the memory
/// (19 MiB a hash), and leaves the async threads to other requests.
#[derive(Clone)]
pub struct Passwords {
    queue: Arc<Mutex<Queue>>,
    threads: usize,
    max_queued: usize,
    /// Checked for unknown users, so that they take as long as known ones (ASVS 6.3.8).
    dummy: Arc<str>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    /// Threads that take from the queue until it is empty.
    working: usize,
    /// Argon2's working memory, kept from one check to the next: to have 19 MiB mapped anew for each costs up to a
    /// third of the hash itself.
    memory: Vec<Blocks>,
    /// Whether it was needed since it was last looked at.
    used: bool,
}

type Blocks = Vec<Block>;
type Job = Box<dyn FnOnce(&mut Blocks) + Send>;

impl Passwords {
    pub fn new() -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self {
            queue: Arc::default(),
            threads,
            max_queued: threads * QUEUE_PER_THREAD,
            dummy: hash(&Password("no such user".into())).into(),
        }
    }

    pub async fn hash(&self, password: Password) -> Result<String, Error> {
        self.run(move |_| hash(&password)).await
    }

    /// Checks `password` against `stored`, or does the same work in vain when there is none.
    pub async fn verify(&self, password: Password, stored: Option<String>) -> Result<Verdict, Error> {
        let dummy = self.dummy.clone();
        self.run(move |memory| match stored {
            Some(stored) => verify(&password, &stored, memory),
            None => {
                verify(&password, &dummy, memory);
                Verdict::Wrong
            }
        })
        .await
    }

    /// Gives the memory back to the system, if nothing was hashed since the last call: what is given back only to be
    /// asked for again stays with the allocator.
    pub fn release_memory(&self) {
        let mut queue = self.queue();
        if !mem::take(&mut queue.used) {
            queue.memory.clear();
        }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Blocks) -> T + Send + 'static) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job = move |memory: &mut Blocks| {
            // Whoever is gone by now needs no answer.
            if !answer.is_closed() {
                let _ = answer.send(work(memory));
            }
        };
        {
            let mut queue = self.queue();
            if queue.waiting.len() >= self.max_queued {
                return Err(Error::Busy);
            }
            queue.waiting.push_back(Box::new(job));
            if queue.working < self.threads {
                queue.working += 1;
                let passwords = self.clone();
                tokio::task::spawn_blocking(move || passwords.work());
            }
        }
        answered.await.map_err(Error::internal)
    }

    /// Takes one job after the other, so that no core waits between them.
    fn work(&self) {
        let mut memory = self.queue().memory.pop().unwrap_or_default();
        loop {
            let mut queue = self.queue();
            let Some(job) = queue.waiting.pop_front() else {
                queue.working -= 1;
                queue.memory.push(memory);
                queue.used = true;
                return;
            };
            drop(queue);
            // A job that panics takes its answer with it, not the others'.
            let _ = panic::catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Passwords {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Passwords(..)")
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the parameters are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &Password) -> String {
    argon2().hash_password(password.0.as_bytes()).expect("hashing needs only memory").to_string()
}

fn verify(password: &Password, stored: &str, memory: &mut Vec<Block>) -> Verdict {
    let Some((params, right)) = check(password, stored, memory) else {
        tracing::error!("a stored password hash can't be read");
        return Verdict::Wrong;
    };
    match (right, (params.m_cost(), params.t_cost(), params.p_cost())) {
        (false, _) => Verdict::Wrong,
        (true, (MEMORY_KIB, PASSES, 1)) => Verdict::Right,
        (true, _) => Verdict::RightOutdated,
    }
}

/// The parameters of a stored hash, and whether the password fits it. `None`: it is no hash of Argon2.
fn check(password: &Password, stored: &str, memory: &mut Vec<Block>) -> Option<(Params, bool)> {
    let parsed = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&parsed).ok()?;
    let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).ok()?;
    let version = Version::try_from(parsed.version?).ok()?;
    let (salt, expected) = (parsed.salt?, parsed.hash?);
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let mut computed = [0; Output::MAX_LENGTH];
    let computed = computed.get_mut(..expected.len())?;
    Argon2::new(algorithm, version, params.clone())
        .hash_password_into_with_memory(password.0.as_bytes(), &salt, computed, &mut memory[..blocks])
        .ok()?;
    Some((params, Output::new(computed).ok()? == expected)) // compared in constant time
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(raw: &str, context: &[&str]) -> Option<&'static str> {
        Password::choose("password", raw, context).err().map(|e| e.code)
    }

    #[test]
    fn any_text_of_8_to_256_characters_is_taken_unless_it_is_easily_guessed() {
        assert_eq!(refusal("関所を越えて行く旅人", &[]), None);
        assert_eq!(refusal("correct horse battery staple", &[]), None);
        let long: String = (0..256_u32).filter_map(|n| char::from_u32(0x4e00 + n * n * 7 % 5_000)).collect();
        assert_eq!((long.chars().count(), refusal(&long, &[])), (256, None));
        assert_eq!(refusal("short", &[]), Some("password-too-short"));
        assert_eq!(refusal(&"x1".repeat(129), &[]), Some("password-too-long"));
        for common in ["password", "password1", "12345678", "qwertyuiop", "iloveyou", "letmein1", "sekisho1"] {
            assert_eq!(refusal(common, &[]), Some("password-too-common"), "{common}");
        }
        assert_eq!(refusal("hanako.yamada", &["hanako.yamada@example.jp"]), Some("password-too-common"));
    }

    #[test]
    fn both_unicode_spellings_of_a_password_are_the_same() {
        let stored = hash(&Password::presented("cafe\u{301} au lait"));
        assert_eq!(verify(&Password::presented("café au lait"), &stored, &mut Vec::new()), Verdict::Right);
        assert_eq!(verify(&Password::presented("cafe au lait"), &stored, &mut Vec::new()), Verdict::Wrong);
        assert_eq!(verify(&Password::presented("x"), "not a hash", &mut Vec::new()), Verdict::Wrong);
    }

    #[test]
    fn a_hash_with_older_parameters_is_right_but_outdated() {
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(8_192, 1, 1, None).expect("valid"))
            .hash_password(b"correct horse")
            .expect("hashes")
            .to_string();
        assert_eq!(verify(&Password::presented("correct horse"), &old, &mut Vec::new()), Verdict::RightOutdated);
        assert_eq!(verify(&Password::presented("wrong"), &old, &mut Vec::new()), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_full_queue_is_refused_at_once() {
        let mut passwords = Passwords::new();
        passwords.max_queued = 0;
        assert!(matches!(passwords.hash(Password::presented("x")).await, Err(Error::Busy)));
    }

    #[tokio::test]
    async fn a_job_that_panics_takes_neither_thread_nor_others_with_it() {
        let passwords = Passwords { threads: 1, ..Passwords::new() };
        let broken = passwords.run(|_| panic!("as planned"));
        let (broken, whole) = tokio::join!(broken, passwords.run(|_| 7));
        assert!(matches!((broken, whole), (Err::<(), _>(Error::Internal(_)), Ok(7))));
        assert!(matches!(passwords.run(|_| 8).await, Ok(8)));
    }

    #[tokio::test]
    async fn nothing_is_hashed_for_whoever_left_the_queue() {
        let passwords = Passwords { threads: 1, ..Passwords::new() };
        let (open, gate) = std::sync::mpsc::channel::<()>();
        let first = passwords.run(move |_| gate.recv().is_ok());
        let (hash, hashed) = std::sync::mpsc::channel();
        let second = passwords.run(move |_| hash.send(()).is_ok());
        let (done, ()) = tokio::join!(first, async {
            // Queued behind the first, and dropped.
            assert!(tokio::time::timeout(std::time::Duration::from_millis(1), second).await.is_err());
            let _ = open.send(());
        });
        assert!(matches!(done, Ok(true)));
        assert!(matches!(passwords.run(|_| 9).await, Ok(9)));
        assert!(hashed.recv().is_err());
    }
}
