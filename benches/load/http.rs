//! A bare HTTP/1.1 client on one kept-alive connection, so that little of what is measured is the client.
//! It understands what the measured servers send, bodies with a length and chunked ones, and nothing more.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Result;

/// The bytes of a `GET`.
pub fn get(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request("GET", path, headers, "")
}

/// The bytes of a `POST` of JSON.
pub fn post(path: &str, headers: &[(&str, &str)], json: &serde_json::Value) -> Vec<u8> {
    request("POST", path, &[headers, &[("content-type", "application/json")]].concat(), &json.to_string())
}

/// The bytes of a request.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: load/1\r\n");
    for (name, value) in headers {
        text += &format!("{name}: {value}\r\n");
    }
    if method != "GET" {
        text += &format!("content-length: {}\r\n", body.len());
    }
    (text + "\r\n" + body).into_bytes()
}

pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(32 * 1024) })
    }

    /// Sends a request and waits for the whole answer.
    pub async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.buffer.clear();
        self.stream.write_all(request).await?;
        let frame = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err("the server closed the connection".into());
            }
            if let Some(frame) = Frame::of(&self.buffer)? {
                break frame;
            }
        };
        let (head, body) = self.buffer.split_at(frame.head);
        Ok(Answer { head: std::str::from_utf8(head)?, raw: body, chunked: frame.chunked })
    }
}

/// How a complete answer lies in the buffer.
struct Frame {
    head: usize,
    chunked: bool,
}

impl Frame {
    /// `None` while something is missing.
    fn of(buffer: &[u8]) -> Result<Option<Self>> {
        let Some(head) = buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n").map(|at| at + 4) else {
            return Ok(None);
        };
        let (head_text, body) = (std::str::from_utf8(&buffer[..head])?, &buffer[head..]);
        let chunked = header(head_text, "transfer-encoding") == Some("chunked");
        let complete = if chunked {
            chunks(body, |_| ())
        } else {
            body.len() >= header(head_text, "content-length").map_or(Ok(0), str::parse)?
        };
        Ok(complete.then_some(Self { head, chunked }))
    }
}

pub struct Answer<'a> {
    head: &'a str,
    raw: &'a [u8],
    chunked: bool,
}

impl Answer<'_> {
    /// This answer, if it has this status.
    pub fn expect(self, status: u16) -> Result<Self> {
        match self.head.get(9..12).and_then(|digits| digits.parse::<u16>().ok()) {
            Some(found) if found == status => Ok(self),
            _ => {
                let (head, body) = (self.head.trim_end(), String::from_utf8_lossy(self.raw));
                Err(format!("expected status {status}, but got:\n{head}\n\n{body}").into())
            }
        }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// The body as it was before it was cut into chunks; still compressed, if it was.
    pub fn body(&self) -> Vec<u8> {
        if !self.chunked {
            return self.raw.to_vec();
        }
        let mut body = Vec::new();
        chunks(self.raw, |chunk| body.extend_from_slice(chunk));
        body
    }

    pub fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body())?)
    }
}

/// The value of a header; both measured servers write names in lower case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// Hands out the chunks of a body; false when the last one is not there yet.
fn chunks(mut raw: &[u8], mut each: impl FnMut(&[u8])) -> bool {
    loop {
        let Some(line) = raw.windows(2).position(|bytes| bytes == b"\r\n") else { return false };
        let digits = std::str::from_utf8(&raw[..line]).unwrap_or_default();
        let size = usize::from_str_radix(digits, 16).unwrap_or(usize::MAX >> 1);
        let Some(chunk) = raw.get(line + 2..line + 2 + size + 2) else { return false };
        if size == 0 {
            return true;
        }
        each(&chunk[..size]);
        raw = &raw[line + 2 + size + 2..];
    }
}
