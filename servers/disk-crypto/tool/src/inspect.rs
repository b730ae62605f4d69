//! `volume inspect`: what can be known without a passphrase.

use std::path::Path;

use anyhow::Result;
use disk_crypto_core::header::{Header, HeaderError};
use disk_crypto_core::layout::Replica;
use disk_crypto_core::tasks::block_on;
use disk_crypto_core::unlock::{Locked, RootSummary};
use disk_crypto_core::{BLOCK_SIZE, BlockDevice};
use serde::Serialize;

use crate::image::{Image, Purpose, device_error};
use crate::size::readable;

/// How to print.
#[derive(Clone, Copy)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Serialize)]
struct Report {
    volume: String,
    format_version: u32,
    cipher: &'static str,
    key_epoch: u32,
    header_sequence: u64,
    data_bytes: u64,
    key_store_bytes: u64,
    device_bytes: u64,
    header_copies: Vec<String>,
    root_copies: Vec<RootCopy>,
    slots: Vec<Slot>,
}

#[derive(Serialize)]
struct RootCopy {
    state: &'static str,
    generation: Option<u64>,
    log_records: Option<u32>,
}

#[derive(Serialize)]
struct Slot {
    number: usize,
    kind: &'static str,
    key_derivation: &'static str,
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

pub(crate) fn execute(path: &Path, format: Format) -> Result<()> {
    let image = Image::open(path, Purpose::Read)?;
    let locked = image.read_headers()?;
    let report = Report::new(&image, &locked)?;
    match format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report)?),
        Format::Text => report.print(),
    }
    Ok(())
}

/// The volume's name for ever, in hexadecimal.
pub(crate) fn volume_name(volume: &[u8; 16]) -> String {
    volume.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Report {
    fn new(image: &Image, locked: &Locked) -> Result<Self> {
        // A volume whose headers were read has one in use.
        let header = locked.header().ok_or(HeaderError::NotAVolume)?;
        let bytes = |blocks: u64| blocks * BLOCK_SIZE as u64;
        Ok(Self {
            volume: volume_name(&header.volume),
            format_version: header.version(),
            cipher: "XChaCha20-Poly1305",
            key_epoch: header.key_epoch,
            header_sequence: header.sequence,
            data_bytes: bytes(header.parts.guest.block_count()),
            key_store_bytes: bytes(header.parts.key_store.block_count()),
            device_bytes: bytes(header.layout.device_blocks()),
            header_copies: locked.errors().iter().map(copy_state).collect(),
            root_copies: root_copies(image, header)?,
            slots: slots(header),
        })
    }

    fn print(&self) {
        println!("volume          {}", self.volume);
        println!(
            "format          version {}, {}",
            self.format_version, self.cipher
        );
        println!(
            "data            {} in an image of {}",
            readable(self.data_bytes),
            readable(self.device_bytes)
        );
        match self.key_store_bytes {
            0 => println!("key store       none (the volume is older than key stores)"),
            bytes => println!("key store       {}", readable(bytes)),
        }
        println!("key epoch       {}", self.key_epoch);
        println!("header          change {}", self.header_sequence);
        for (name, state) in ["first", "second"].iter().zip(&self.header_copies) {
            println!("  {name:<6} copy   {state}");
        }
        println!("root record");
        for (name, copy) in ["first", "second"].iter().zip(&self.root_copies) {
            match (copy.generation, copy.log_records) {
                (Some(generation), Some(records)) => println!(
                    "  {name:<6} copy   {}, generation {generation}, {records} records in the log",
                    copy.state
                ),
                _ => println!("  {name:<6} copy   {}", copy.state),
            }
        }
        println!("key slots");
        for slot in &self.slots {
            println!(
                "  {}             {}, {} with {} KiB, {} passes, {} lanes",
                slot.number,
                slot.kind,
                slot.key_derivation,
                slot.memory_kib,
                slot.passes,
                slot.lanes
            );
        }
    }
}

fn copy_state(error: &Option<HeaderError>) -> String {
    match error {
        None => "intact".to_string(),
        Some(error) => format!("cannot be used: {error}"),
    }
}

fn root_copies(image: &Image, header: &Header) -> Result<Vec<RootCopy>> {
    let mut copies = Vec::new();
    for replica in Replica::BOTH {
        let mut block = [0; BLOCK_SIZE];
        block_on(image.read(header.layout.root(replica), &mut block))
            .map_err(|error| image.explain(device_error(error)))?;
        let summary = RootSummary::decode(&block);
        copies.push(RootCopy {
            state: if summary.is_some() {
                "intact"
            } else {
                "damaged"
            },
            generation: summary.map(|summary| summary.generation),
            log_records: summary.map(|summary| summary.log_length),
        });
    }
    Ok(copies)
}

fn slots(header: &Header) -> Vec<Slot> {
    let slots = header.slots.iter().enumerate();
    slots
        .filter_map(|(number, slot)| {
            let cost = slot.as_ref()?.cost;
            Some(Slot {
                number,
                kind: "passphrase",
                key_derivation: "Argon2id",
                memory_kib: cost.memory_kib,
                passes: cost.passes,
                lanes: cost.lanes,
            })
        })
        .collect()
}
