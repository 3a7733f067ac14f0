//! An incremental parser of server-sent events (WHATWG HTML, section 9.2.6). Rejects events over 64 KiB, to bound memory.

use std::mem;

const MAX_BYTES: usize = 64 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub name: String,
    pub data: String,
    /// The last event id so far, from this or an earlier event; may be empty.
    pub id: String,
}

#[derive(Debug, thiserror::Error)]
#[error("an event has more than {MAX_BYTES} bytes")]
pub struct TooLarge;

#[derive(Default)]
pub struct Parser {
    line: Vec<u8>,
    name: String,
    data: String,
    id: String,
    /// The last byte was a CR; an LF belongs to it.
    after_cr: bool,
    started: bool,
}

impl Parser {
    pub fn push(&mut self, chunk: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        for &byte in chunk {
            let after_cr = mem::replace(&mut self.after_cr, byte == b'\r');
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => events.extend(self.end_line()),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.name.len() + self.data.len() + self.id.len() > MAX_BYTES {
                return Err(TooLarge);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let line = mem::take(&mut self.line);
        let line = &*String::from_utf8_lossy(&line);
        let first = !mem::replace(&mut self.started, true);
        let line = line.strip_prefix('\u{feff}').filter(|_| first).unwrap_or(line);
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.name = value.to_owned(),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = value.to_owned(),
            _ => {} // a comment or an unused field
        }
        None
    }

    fn end_event(&mut self) -> Option<Event> {
        let (name, mut data) = (mem::take(&mut self.name), mem::take(&mut self.data));
        data.pop()?; // the last newline; an event without data is dropped
        Some(Event { name, data, id: self.id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FEED: &str = "\u{feff}: hello\n\nevent: ended\nid: 1\ndata: {\"reason\":\n\
                        data: \"関所\"}\n\ndata:no space\r\n\r\nevent: named, but without data\n\nid\rdata\r\rdata: cut";

    fn event(name: &str, data: &str, id: &str) -> Event {
        Event { name: name.into(), data: data.into(), id: id.into() }
    }

    fn events() -> Vec<Event> {
        vec![event("ended", "{\"reason\":\n\"関所\"}", "1"), event("", "no space", "1"), event("", "", "")]
    }

    #[test]
    fn a_stream_in_one_chunk_is_parsed() {
        assert_eq!(Parser::default().push(FEED.as_bytes()).expect("small"), events());
    }

    #[test]
    fn chunk_boundaries_do_not_matter() {
        for size in 1..FEED.len() {
            let mut parser = Parser::default();
            let read: Vec<_> =
                FEED.as_bytes().chunks(size).flat_map(|chunk| parser.push(chunk).expect("small")).collect();
            assert_eq!(read, events(), "chunks of {size}");
        }
    }

    #[test]
    fn all_line_endings_are_equivalent() {
        for end in ["\n", "\r\n", "\r"] {
            let feed = ["event: a", "data: 1", "data: 2", "", "data: 3", "", ""].join(end);
            let mut parser = Parser::default();
            let read: Vec<_> = feed.bytes().flat_map(|byte| parser.push(&[byte]).expect("small")).collect();
            assert_eq!(read, [event("a", "1\n2", ""), event("", "3", "")], "{end:?}");
        }
    }

    #[test]
    fn an_oversized_event_is_rejected() {
        let mut parser = Parser::default();
        assert!((0..100).any(|_| parser.push(&[b'x'; 1_000]).is_err()), "one line");
        let mut parser = Parser::default();
        assert!((0..100_000).any(|_| parser.push(b"data\n").is_err()), "many lines");
        let mut parser = Parser::default();
        assert!((0..100_000).all(|_| parser.push(b"data\n\n: ping\n\n").is_ok()), "many events");
    }
}
