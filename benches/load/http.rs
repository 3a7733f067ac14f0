//! Requests, and hyper's HTTP/1.1 client on one kept-alive connection.
//!
//! hyper's low-level client, not a pooling one such as reqwest: a visitor is one connection, and little of what is
//! measured should be the client.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1, http::response::Parts};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Result;

pub type Request = hyper::Request<Full<Bytes>>;

/// A `GET`.
pub fn get(path: &str, headers: &[(&str, &str)]) -> Result<Request> {
    request("GET", path, headers, String::new())
}

/// A `POST` of JSON.
pub fn post(path: &str, headers: &[(&str, &str)], json: &serde_json::Value) -> Result<Request> {
    request("POST", path, &[headers, &[("content-type", "application/json")]].concat(), json.to_string())
}

pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: String) -> Result<Request> {
    let request = hyper::Request::builder().method(method).uri(path);
    let headers = [&[("host", "localhost"), ("user-agent", "load/1")], headers].concat();
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    Ok(request.body(Full::from(body))?)
}

pub struct Connection(http1::SendRequest<Full<Bytes>>);

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection); // it ends with the sender; what goes wrong, the sender says as well
        Ok(Self(sender))
    }

    /// Sends a request and waits for the whole answer.
    pub async fn ask(&mut self, request: &Request) -> Result<Answer> {
        self.0.ready().await?;
        let (head, body) = self.0.send_request(request.clone()).await?.into_parts();
        Ok(Answer { head, body: body.collect().await?.to_bytes() })
    }
}

pub struct Answer {
    head: Parts,
    /// Still compressed, if it was.
    pub body: Bytes,
}

impl Answer {
    /// This answer, if it has this status.
    pub fn expect(self, status: u16) -> Result<Self> {
        if self.head.status == status {
            return Ok(self);
        }
        let (head, body) = (self.head, String::from_utf8_lossy(&self.body));
        Err(format!("expected status {status}, but got {}:\n{:?}\n\n{body}", head.status, head.headers).into())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    pub fn json(&self) -> Result<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}
