//! The cable: frames to and from QEMU over a socket, each behind its length, and the record of them.

use std::fs::File;
use std::io::{BufWriter, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::scenario::capture::{Captured, Direction, PCAP_HEADER, pcap_record};

/// The longest frame that is believed to be one.
const FRAME_MAX: usize = 1 << 16;

/// Where a machine can be plugged in.
pub(crate) struct Socket {
    listener: UnixListener,
    name: String,
}

impl Socket {
    /// A name that nobody else has, among the abstract ones: no file is left of it.
    pub(crate) fn fresh_name() -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        format!("sekisho-outside-{}-{count}", std::process::id())
    }

    /// The socket of that name.
    pub(crate) fn open(name: &str) -> Result<Socket> {
        let listener = UnixListener::bind_addr(&SocketAddr::from_abstract_name(name)?)
            .context("the network outside has no socket")?;
        let name = name.to_owned();
        Ok(Socket { listener, name })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Waits for the machine.
    pub(super) fn accept(&self) -> Result<UnixStream> {
        Ok(self.listener.accept()?.0)
    }

    /// Pretends to be a machine that is gone at once, so that nobody waits for one.
    pub(super) fn give_up(name: &str) {
        if let Ok(address) = SocketAddr::from_abstract_name(name) {
            // If nobody waits, nobody has to be told.
            let _ = UnixStream::connect_addr(&address);
        }
    }
}

/// The next frame that the machine sends; none when it is gone.
pub(super) fn read(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    let mut frame = vec![0; Some(length).filter(|length| *length <= FRAME_MAX)?];
    stream.read_exact(&mut frame).ok()?;
    Some(frame)
}

/// The network's end of the cable.
pub(super) struct Link {
    stream: UnixStream,
    record: Record,
}

impl Link {
    /// A cable whose frames are recorded in a file of tcpdump's, but for floods.
    pub(super) fn new(stream: UnixStream, file: &Path) -> Result<Link> {
        let record = Record::new(file)?;
        Ok(Link { stream, record })
    }

    /// Notes a frame that the machine sent.
    pub(super) fn note(&mut self, frame: &[u8]) {
        self.record.add(Direction::FromMachine, frame.to_vec());
    }

    /// Sends a frame to the machine.
    pub(super) fn send(&mut self, frame: Vec<u8>) {
        self.send_unrecorded(&frame);
        self.record.add(Direction::ToMachine, frame);
    }

    /// The same for one of very many.
    pub(super) fn send_unrecorded(&mut self, frame: &[u8]) {
        let length = u32::try_from(frame.len()).unwrap_or(0).to_be_bytes();
        // A machine that is gone gets nothing any more; whoever reads from it notices.
        let _ = self.stream.write_all(&[&length, frame].concat());
    }

    /// What went by.
    pub(super) fn finish(self) -> Vec<Captured> {
        self.record.frames
    }
}

struct Record {
    file: BufWriter<File>,
    frames: Vec<Captured>,
}

impl Record {
    fn new(path: &Path) -> Result<Record> {
        let file = File::create(path);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        let mut file = BufWriter::new(file);
        file.write_all(&PCAP_HEADER)?;
        Ok(Record {
            file,
            frames: Vec::new(),
        })
    }

    fn add(&mut self, direction: Direction, frame: Vec<u8>) {
        let time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        // The file is for who looks for the cause of a failure; what is judged is in memory.
        let _ = self.file.write_all(&pcap_record(time, &frame));
        self.frames.push(Captured {
            direction,
            bytes: frame,
        });
    }
}
