//! The peer's page, an ordinary server on the host's loopback interface.
//!
//! What is posted to `/sha256` is answered with its SHA-256, so that a guest can see that it arrived as it was sent.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

const PAGE: &str = "<!doctype html><title>Sekisho</title>\n\
    <p>This page came through the tunnel: it is the peer's on the host.\n";

/// Bytes of a request's head that are read, and of what is posted.
const HEAD_MAX: u64 = 16 << 10;
const POSTED_MAX: u64 = 64 << 20;

/// Starts the server; where it listens.
pub(crate) fn start() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port for the page")?;
    let place = listener.local_addr()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that goes away is its own business.
            thread::spawn(move || drop(answer(stream)));
        }
    });
    Ok(place)
}

fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(&stream);
    let head = head(&mut reader)?;
    let mut words = head.first().map_or("", String::as_str).split(' ');
    let (method, place) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
    let (status, body) = match (method, place) {
        ("GET" | "HEAD", "/" | "/index.html") => ("200 OK", PAGE.to_owned()),
        ("GET" | "HEAD", _) => ("404 Not Found", "There is nothing here.\n".to_owned()),
        ("POST", "/sha256") => match length(&head) {
            Some(length) => ("200 OK", format!("{}\n", sha256(reader.take(length))?)),
            None => (
                "413 Content Too Large",
                "Nobody knows how much that is, or it is too much.\n".to_owned(),
            ),
        },
        _ => ("400 Bad Request", "This is no request.\n".to_owned()),
    };
    let length = body.len();
    let sent = if method == "HEAD" { "" } else { &body };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{sent}"
    )
}

/// The lines up to the empty one.
fn head(reader: &mut impl BufRead) -> std::io::Result<Vec<String>> {
    let lines = reader.take(HEAD_MAX).lines();
    let is_head =
        |line: &std::io::Result<String>| line.as_ref().map_or(true, |line| !line.is_empty());
    lines.take_while(is_head).collect()
}

/// How much is posted, if that is said and not too much.
fn length(head: &[String]) -> Option<u64> {
    let (_, length) = head
        .iter()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))?;
    let length = length.trim().parse().ok()?;
    (length <= POSTED_MAX).then_some(length)
}

/// The hash of all that can be read, in hexadecimal digits.
fn sha256(mut body: impl Read) -> std::io::Result<String> {
    let (mut hash, mut chunk) = (Sha256::new(), [0; 16 << 10]);
    loop {
        match body.read(&mut chunk)? {
            0 => break,
            length => hash.update(&chunk[..length]),
        }
    }
    let digits = hash.finalize();
    Ok(digits.iter().map(|byte| format!("{byte:02x}")).collect())
}
