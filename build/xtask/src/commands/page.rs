//! `cargo xtask page`: what stands beyond the tunnel in scenarios whose peer is not ours.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv6Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use anyhow::{Context, Result};
use clap::Args;

/// Serve one file as a web page to everybody, and say of what is posted how much it was.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The page; read anew for each request.
    file: PathBuf,
}

/// HTTP's port.
const PORT: u16 = 80;

pub(crate) fn execute(arguments: &Arguments) -> Result<ExitCode> {
    // On Linux this takes IPv4 connections too (ipv6(7)).
    let listener = TcpListener::bind((Ipv6Addr::UNSPECIFIED, PORT)).context("port 80 is taken")?;
    for connection in listener.incoming() {
        let (connection, file) = (connection?, arguments.file.clone());
        thread::spawn(move || {
            // Who hangs up gets no answer.
            let _ = answer(&connection, &file);
        });
    }
    Ok(ExitCode::SUCCESS)
}

fn answer(connection: &TcpStream, file: &Path) -> io::Result<()> {
    let mut reader = BufReader::new(connection);
    let posted = body_length(&mut reader)?;
    let text = match posted {
        None => fs::read_to_string(file)?,
        Some(length) => {
            let took = io::copy(&mut reader.take(length), &mut io::sink())?;
            format!("took {took} bytes\n")
        }
    };
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n";
    write!(
        &mut &*connection,
        "{head}Content-Length: {}\r\n\r\n{text}",
        text.len()
    )
}

/// Reads a request's head, and says how long its body is if it has one (RFC 9112, section 6).
fn body_length(reader: &mut impl BufRead) -> io::Result<Option<u64>> {
    let mut length = None;
    for line in reader.lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            return Ok(length);
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().ok();
        }
    }
    Err(io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_body_is_read() {
        let mut request = &b"POST / HTTP/1.1\r\nContent-Length: 12\r\n\r\nbody"[..];
        assert_eq!(body_length(&mut request).expect("it is whole"), Some(12));
        assert_eq!(request, b"body");
        let mut request = &b"GET / HTTP/1.1\r\n\r\n"[..];
        assert_eq!(body_length(&mut request).expect("it is whole"), None);
        assert!(body_length(&mut &b"GET / HTTP/1.1\r\n"[..]).is_err());
    }
}
