//! Makes a [`PrefixFile`](super::prefix_file::PrefixFile) from a list of SHA-1 hashes: the download of Have I Been Pwned
//! (`SHA1:COUNT`), or a plain list, sorted or not.
//!
//! Memory is bounded: hashes are sorted in chunks. Chunks that continue each other, as those of a sorted list do, make one
//! run, which is the result; otherwise the runs are merged. The result gets its name when it is complete.

use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fs::{self, File},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use super::prefix_file::{ENTRY, Entry, HEADER, header};

/// Hashes sorted at once: 80 MB.
const CHUNK: usize = 8 << 20;
/// Bytes of the longest line; a hash and its count have about 50.
const MAX_LINE: u64 = 200;
/// Hex digits of a SHA-1.
const DIGITS: usize = 40;
/// Lines after which `progress` is called.
const PROGRESS: u64 = 1 << 16;

/// Why a list was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A line is something else than a hash.
    #[error("line {0} is not a SHA-1 hash of 40 hex digits, alone or followed by :COUNT")]
    Line(u64),
    /// The list has no hashes.
    #[error("the list is empty")]
    Empty,
    /// A file can't be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Imports the list `input` into the file `output`, which is replaced; returns the number of its entries. `progress` is
/// told the number of lines read.
///
/// # Errors
/// [`ImportError`]; then `output` is as it was.
pub fn import(input: impl BufRead, output: &Path, progress: impl FnMut(u64)) -> Result<u64, ImportError> {
    import_in_chunks(input, output, progress, CHUNK)
}

fn import_in_chunks(
    mut input: impl BufRead,
    output: &Path,
    mut progress: impl FnMut(u64),
    chunk: usize,
) -> Result<u64, ImportError> {
    let mut runs = Runs { output, paths: Vec::new(), runs: Vec::new() };
    let mut entries = Vec::new();
    let mut line = Vec::new();
    for n in 1.. {
        line.clear();
        if input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        entries.extend(parse(&line).ok_or(ImportError::Line(n))?);
        if entries.len() == chunk {
            runs.add(&mut entries)?;
        }
        if n.is_multiple_of(PROGRESS) {
            progress(n);
        }
    }
    runs.add(&mut entries)?;
    drop(entries);
    runs.finish()
}

/// The hash of a line; the inner `None` for a line without one: an empty one, or padding with the count 0.
#[expect(clippy::option_option, reason = "no hash, and nothing that a list has")]
fn parse(line: &[u8]) -> Option<Option<Entry>> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii();
    if line.is_empty() {
        return Some(None);
    }
    let (hash, count) = match line.iter().position(|byte| *byte == b':') {
        Some(at) => (&line[..at], Some(str::from_utf8(&line[at + 1..]).ok()?.parse::<u64>().ok()?)),
        None => (line, None),
    };
    if hash.len() != DIGITS {
        return None;
    }
    let mut bytes = [0; DIGITS / 2];
    for (byte, digits) in bytes.iter_mut().zip(hash.chunks_exact(2)) {
        let digit = |n: usize| char::from(digits[n]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    let mut entry = Entry::default();
    entry.copy_from_slice(&bytes[..ENTRY]);
    Some(Some(entry).filter(|_| count != Some(0)))
}

/// A sorted file without a header yet.
struct Run {
    path: PathBuf,
    file: BufWriter<File>,
    count: u64,
    last: Entry,
}

impl Run {
    fn create(path: PathBuf) -> io::Result<Self> {
        let mut file = BufWriter::new(File::create(&path)?);
        file.write_all(&[0; HEADER as usize])?;
        Ok(Self { path, file, count: 0, last: Entry::default() })
    }

    fn push(&mut self, entry: Entry) -> io::Result<()> {
        if self.count > 0 && entry == self.last {
            return Ok(());
        }
        self.file.write_all(&entry)?;
        (self.count, self.last) = (self.count + 1, entry);
        Ok(())
    }

    /// Writes the header, and gives the file its name.
    fn finish(mut self, output: &Path) -> io::Result<u64> {
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header(self.count))?;
        self.file.into_inner()?.sync_all()?;
        fs::rename(&self.path, output)?;
        Ok(self.count)
    }

    fn read(mut self) -> io::Result<BufReader<File>> {
        self.file.flush()?;
        drop(self.file);
        let mut reader = BufReader::new(File::open(&self.path)?);
        reader.seek(SeekFrom::Start(HEADER))?;
        Ok(reader)
    }
}

/// The runs so far, in files beside the output, which are removed with it.
struct Runs<'a> {
    output: &'a Path,
    paths: Vec<PathBuf>,
    runs: Vec<Run>,
}

impl Runs<'_> {
    fn create(&mut self) -> io::Result<Run> {
        let mut name = self.output.as_os_str().to_owned();
        name.push(format!(".part{}", self.paths.len()));
        let path = PathBuf::from(name);
        self.paths.push(path.clone());
        Run::create(path)
    }

    /// Adds a chunk, which is empty afterwards: to the last run if it continues that.
    fn add(&mut self, chunk: &mut Vec<Entry>) -> io::Result<()> {
        chunk.sort_unstable();
        let Some(first) = chunk.first() else { return Ok(()) };
        if self.runs.last().is_none_or(|run| *first < run.last) {
            let run = self.create()?;
            self.runs.push(run);
        }
        if let Some(run) = self.runs.last_mut() {
            chunk.drain(..).try_for_each(|entry| run.push(entry))?;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<u64, ImportError> {
        let last = self.runs.pop().ok_or(ImportError::Empty)?;
        if self.runs.is_empty() {
            return Ok(last.finish(self.output)?);
        }
        self.runs.push(last);
        let merged = self.create()?;
        Ok(merge(self.runs.drain(..), merged)?.finish(self.output)?)
    }
}

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        for path in &self.paths {
            let _ = fs::remove_file(path); // the result has its own name by then
        }
    }
}

fn merge(runs: impl Iterator<Item = Run>, mut merged: Run) -> io::Result<Run> {
    let mut readers = runs.map(Run::read).collect::<io::Result<Vec<_>>>()?;
    let mut next = BinaryHeap::new();
    for (n, reader) in readers.iter_mut().enumerate() {
        next.extend(read_entry(reader)?.map(|entry| Reverse((entry, n))));
    }
    while let Some(Reverse((entry, n))) = next.pop() {
        merged.push(entry)?;
        next.extend(read_entry(&mut readers[n])?.map(|entry| Reverse((entry, n))));
    }
    Ok(merged)
}

fn read_entry(reader: &mut BufReader<File>) -> io::Result<Option<Entry>> {
    let mut entry = Entry::default();
    match reader.read_exact(&mut entry) {
        Ok(()) => Ok(Some(entry)),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{prefix_file::PrefixFile, sha1},
        *,
    };

    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let name = format!("sekisho_breached_{}", crate::clock::Clock::default().new_id());
            let folder = std::env::temp_dir().join(name);
            fs::create_dir(&folder).expect("a folder");
            Self(folder)
        }

        fn files(&self) -> usize {
            fs::read_dir(&self.0).expect("a folder").count()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn hex(password: &str) -> String {
        sha1(password).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_list_in_any_order_and_spelling_becomes_the_same_file() {
        let folder = Folder::new();
        let passwords: Vec<_> = (0..2_000).map(|n| format!("password {n}")).collect();
        let unsorted: Vec<_> = passwords.iter().map(|password| hex(password)).collect();
        let mut sorted = unsorted.clone();
        sorted.sort_unstable();
        let download: Vec<_> = sorted.iter().map(|hash| format!("{}:7\r\n", hash.to_uppercase())).collect();
        let twice = [unsorted.clone(), sorted.clone()].concat();
        let mut files = Vec::new();
        let texts = [download.concat(), unsorted.join("\n"), sorted.join("\r\n"), twice.join("\n") + "\n\n"];
        for (n, text) in texts.iter().enumerate() {
            let path = folder.0.join(n.to_string());
            assert_eq!(import_in_chunks(text.as_bytes(), &path, |_| (), 300).expect("imported"), 2_000);
            files.push(fs::read(&path).expect("a file"));
        }
        assert_eq!(folder.files(), 4, "no parts are left");
        assert!(files.windows(2).all(|pair| pair[0] == pair[1]));
        let file = PrefixFile::open(&folder.0.join("0")).expect("usable");
        assert!(passwords.iter().all(|password| file.contains(&sha1(password)).expect("read")));
        assert!((2_000..4_000).all(|n| !file.contains(&sha1(&format!("password {n}"))).expect("read")));
    }

    #[test]
    fn what_is_no_list_of_hashes_is_named_and_leaves_the_file_as_it_was() {
        let folder = Folder::new();
        let path = folder.0.join("file");
        import(hex("password").as_bytes(), &path, |_| ()).expect("imported");
        let before = fs::read(&path).expect("a file");
        let hash = hex("password");
        for (text, line) in [
            (format!("{hash}:1\n{}\n", &hash[..32]), 2),
            (format!("{hash}:one\n"), 1),
            ("correct horse battery staple\n".into(), 1),
            (format!("{}g\n", &hash[..39]), 1),
            ("\n".to_owned() + &"0".repeat(1_000_000), 2),
        ] {
            let error = import(text.as_bytes(), &path, |_| ()).expect_err("no list");
            assert!(matches!(error, ImportError::Line(n) if n == line), "{error}");
        }
        for empty in [String::new(), "\n\r\n".into(), format!("{hash}:0\n")] {
            let error = import(empty.as_bytes(), &path, |_| ()).expect_err("empty");
            assert!(matches!(error, ImportError::Empty), "{error}");
        }
        assert_eq!((fs::read(&path).expect("a file"), folder.files()), (before, 1));
    }

    #[test]
    fn a_damaged_file_is_not_opened() {
        let folder = Folder::new();
        let path = folder.0.join("file");
        let list: Vec<_> = (0..100).map(|n| hex(&n.to_string())).collect();
        import(list.join("\n").as_bytes(), &path, |_| ()).expect("imported");
        let good = fs::read(&path).expect("a file");
        let reversed: Vec<u8> = good[..HEADER as usize]
            .iter()
            .chain(good[HEADER as usize..].chunks(ENTRY).rev().flatten())
            .copied()
            .collect();
        for (bad, said) in [
            (Vec::new(), "not made by"),
            (good[..10].to_vec(), "not made by"),
            (list.join("\n").into_bytes(), "not made by"),
            (good[..good.len() - 1].to_vec(), "incomplete"),
            (header(0).to_vec(), "incomplete"),
            (header(u64::MAX).to_vec(), "incomplete"),
            (reversed, "not in order"),
        ] {
            fs::write(&path, bad).expect("written");
            let error = PrefixFile::open(&path).expect_err("damaged").to_string();
            assert!(error.contains(said), "{error}");
        }
        fs::write(&path, good).expect("written");
        PrefixFile::open(&path).expect("usable");
    }
}
