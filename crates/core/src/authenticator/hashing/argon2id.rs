//! Argon2id hashes as PHC strings. Working memory (19 MiB) is the caller's, so that it is reused and bounded.

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};

use super::Verdict;
use crate::{error::Error, secret::random};

/// OWASP's parameters for Argon2id (ASVS 11.4.2).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const PARAMS: Params = match Params::new(MEMORY_KIB, PASSES, 1, None) {
    Ok(params) => params,
    Err(_) => panic!("out of Argon2's bounds"), // when compiling
};
/// Minimum capacity in blocks of 1 KiB. glibc allocates more than 32 MiB (DEFAULT_MMAP_THRESHOLD_MAX) by mmap and
/// returns it to the system when freed; smaller allocations stay in the heap. Untouched pages use no memory.
const RESERVED_BLOCKS: usize = 33 * 1024;

/// Argon2's working memory.
pub(super) type Blocks = Vec<Block>;

/// Hashes `password` with a random 128-bit salt.
///
/// # Errors
/// [`Error::Internal`] beyond Argon2's bounds, such as 4 GiB of text.
pub(super) fn hash(password: &[u8], memory: &mut Blocks) -> Result<String, Error> {
    hash_with(&PARAMS, password, memory).ok_or_else(|| Error::internal("the password can't be hashed"))
}

fn hash_with(params: &Params, password: &[u8], memory: &mut Blocks) -> Option<String> {
    let salt = Salt::new(&random::<16>()).ok()?;
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    compute(Algorithm::Argon2id, Version::V0x13, params, password, &salt, &mut output, memory)?;
    let hash = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).ok()?,
        salt: Some(salt),
        hash: Some(Output::new(&output).ok()?),
    };
    Some(hash.to_string())
}

pub(super) fn verify(password: &[u8], stored: &str, memory: &mut Blocks) -> Verdict {
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

/// The parameters of a stored hash, and whether the password matches. `None`: not an Argon2 hash.
fn check(password: &[u8], stored: &str, memory: &mut Blocks) -> Option<(Params, bool)> {
    let parsed = PasswordHash::new(stored).ok()?;
    let params = Params::try_from(&parsed).ok()?;
    let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).ok()?;
    let version = Version::try_from(parsed.version?).ok()?;
    let (salt, expected) = (parsed.salt?, parsed.hash?);
    let mut computed = [0; Output::MAX_LENGTH];
    let computed = computed.get_mut(..expected.len())?;
    compute(algorithm, version, &params, password, &salt, computed, memory)?;
    Some((params, Output::new(computed).ok()? == expected)) // compared in constant time
}

fn compute(
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Blocks,
) -> Option<()> {
    let blocks = params.block_count();
    if memory.len() < blocks {
        // Reallocated: growing would copy.
        *memory = Vec::with_capacity(blocks.max(RESERVED_BLOCKS));
        memory.resize(blocks, Block::default());
    }
    let argon2 = Argon2::new(algorithm, version, params.clone());
    argon2.hash_password_into_with_memory(password, salt, output, &mut memory[..blocks]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_only_its_password_and_memory_is_reused() {
        let mut memory = Vec::new();
        let mut hash = || super::hash(b"correct horse", &mut memory).expect("hashes");
        let (stored, other) = (hash(), hash());
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && stored != other, "a salt of its own");
        assert_eq!((memory.len(), memory.capacity()), (MEMORY_KIB as usize, RESERVED_BLOCKS));
        for stored in [&stored, &other] {
            assert_eq!(verify(b"correct horse", stored, &mut memory), Verdict::Right);
            assert_eq!(verify(b"wrong", stored, &mut memory), Verdict::Wrong);
        }
        assert_eq!(verify(b"x", "not a hash", &mut memory), Verdict::Wrong);
        assert_eq!((memory.len(), memory.capacity()), (MEMORY_KIB as usize, RESERVED_BLOCKS));
    }

    #[test]
    fn a_hash_is_accepted_by_the_argon2_crate_itself() {
        use argon2::PasswordVerifier;
        let stored = hash(b"correct horse", &mut Vec::new()).expect("hashes");
        let stored = PasswordHash::new(&stored).expect("a PHC string");
        assert!(Argon2::default().verify_password(b"correct horse", &stored).is_ok());
        assert!(Argon2::default().verify_password(b"wrong", &stored).is_err());
    }

    #[test]
    fn a_hash_with_older_parameters_is_right_but_outdated() {
        let params = Params::new(8_192, 1, 1, None).expect("valid");
        let old = hash_with(&params, b"correct horse", &mut Vec::new()).expect("hashes");
        assert_eq!(verify(b"correct horse", &old, &mut Vec::new()), Verdict::RightOutdated);
        assert_eq!(verify(b"wrong", &old, &mut Vec::new()), Verdict::Wrong);
    }
}
