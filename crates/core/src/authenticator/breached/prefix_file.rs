//! A file of breached passwords: a header, then the first 80 bits of each SHA-1, sorted. It is read by binary search, a
//! few blocks per look-up, and never as a whole: a thousand million entries take 10 GB. At that size a password that is
//! in no list is refused once in 10^15 cases.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use super::{LookUpError, Sha1};

/// What the file begins with.
pub(super) const MAGIC: [u8; 16] = *b"SEKISHO-SHA1-80\n";
/// Bytes of the header: the magic, and the number of entries as a 64-bit number, big-endian.
pub(super) const HEADER: u64 = 24;
/// Bytes of an entry.
pub(super) const ENTRY: usize = 10;
/// Entries that are read at once when so few are left.
const BLOCK: u64 = 400;
/// Entries whose order is checked when the file is opened.
const SAMPLES: u64 = 64;

/// The first 80 bits of a SHA-1.
pub(super) type Entry = [u8; ENTRY];

/// The header of a file with `count` entries.
pub(super) fn header(count: u64) -> [u8; HEADER as usize] {
    let mut header = [0; HEADER as usize];
    header[..MAGIC.len()].copy_from_slice(&MAGIC);
    header[MAGIC.len()..].copy_from_slice(&count.to_be_bytes());
    header
}

/// An open file.
#[derive(Debug)]
pub(crate) struct PrefixFile {
    file: File,
    count: u64,
}

impl PrefixFile {
    /// Opens a file and checks its header, its length, and the order of some entries.
    pub fn open(path: &Path) -> io::Result<Self> {
        let bad = |text| io::Error::new(io::ErrorKind::InvalidData, text);
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut found = [0; HEADER as usize];
        let is_short = length < HEADER;
        if !is_short {
            file.read_exact_at(&mut found, 0)?;
        }
        if is_short || found[..MAGIC.len()] != MAGIC {
            return Err(bad("it was not made by `sekisho breached import`"));
        }
        let mut count = [0; 8];
        count.copy_from_slice(&found[MAGIC.len()..]);
        let count = u64::from_be_bytes(count);
        let expected = count.checked_mul(ENTRY as u64).and_then(|bytes| bytes.checked_add(HEADER));
        if count == 0 || expected != Some(length) {
            return Err(bad("it is incomplete: its length is not that of its entries"));
        }
        let file = Self { file, count };
        let mut before = file.entry(0)?;
        for n in 1..SAMPLES.min(count) {
            let entry = file.entry(sample(n, count))?;
            if entry <= before {
                return Err(bad("it is damaged: its entries are not in order"));
            }
            before = entry;
        }
        Ok(file)
    }

    /// Whether the password with this hash is in the list.
    pub fn contains(&self, hash: &Sha1) -> Result<bool, LookUpError> {
        let wanted = &hash[..ENTRY];
        let (mut from, mut to) = (0, self.count);
        while to - from > BLOCK {
            let middle = from + (to - from) / 2;
            if self.entry(middle)?.as_slice() <= wanted { from = middle } else { to = middle }
        }
        let mut block = vec![0; (to - from) as usize * ENTRY];
        self.file.read_exact_at(&mut block, offset(from))?;
        Ok(block.chunks_exact(ENTRY).any(|entry| entry == wanted))
    }

    fn entry(&self, n: u64) -> io::Result<Entry> {
        let mut entry = Entry::default();
        self.file.read_exact_at(&mut entry, offset(n))?;
        Ok(entry)
    }
}

fn offset(n: u64) -> u64 {
    HEADER + n * ENTRY as u64
}

/// The `n`th of [`SAMPLES`] numbers that are spread over `count`, the last of them included; each number, if there are no
/// more.
fn sample(n: u64, count: u64) -> u64 {
    match SAMPLES.min(count) - 1 {
        0 => 0,
        // Not beyond 64 bits: the length of a file is not.
        last => n * ((count - 1) / last) + n * ((count - 1) % last) / last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_different_entries_up_to_the_last() {
        for count in [1, 2, 3, 63, 64, 65, 127, 1_000, 999_999_999] {
            let samples: Vec<_> = (0..SAMPLES.min(count)).map(|n| sample(n, count)).collect();
            assert!(samples.windows(2).all(|pair| pair[0] < pair[1]), "{count}");
            assert_eq!((samples[0], samples.last().copied()), (0, Some(count - 1)), "{count}");
        }
    }
}
