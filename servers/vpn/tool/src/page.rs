//! The peer's page, an ordinary server on the host's loopback interface.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

const PAGE: &str = "<!doctype html><title>Sekisho</title>\n\
    <p>This page came through the tunnel: it is the peer's on the host.\n";

/// Bytes of a request that are read.
const REQUEST_MAX: u64 = 16 << 10;

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
    let reader = BufReader::new((&stream).take(REQUEST_MAX));
    let mut lines = reader.lines();
    let request = lines.next().transpose()?.unwrap_or_default();
    for line in lines {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = match request.split(' ').collect::<Vec<_>>()[..] {
        ["GET" | "HEAD", "/" | "/index.html", ..] => ("200 OK", PAGE),
        ["GET" | "HEAD", ..] => ("404 Not Found", "There is nothing here.\n"),
        _ => ("400 Bad Request", "This is no request.\n"),
    };
    let length = body.len();
    let sent = if request.starts_with("HEAD") {
        ""
    } else {
        body
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{sent}"
    )
}
