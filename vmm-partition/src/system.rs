//! The system around the guest: memory, time, terminal, volume, network.

use core::{fmt, time::Duration};

use runtime::{
    Clock, Component, DeadlineTimer, Notification, Ticks, println,
    shared_memory::{ByteReader, ByteWriter, Channel},
};
use vmm_partition_core::host::{BlockChannel, Host, NetworkChannel};

use crate::{failure::Failure, guest_ram::GuestRam, network::Network, volume::Volume};

/// Everything that the guest's machine uses of the system.
pub(crate) struct System {
    memory: GuestRam,
    clock: Clock,
    timer: DeadlineTimer,
    notification: Notification,
    terminal: Terminal,
    volume: Option<Volume>,
    network: Option<Network>,
}

/// The guest's serial line.
struct Terminal {
    channel: Channel,
    output: ByteWriter,
    input: ByteReader,
}

impl System {
    /// Opens what the manifest grants. A guest without a volume has no channel `volume`, one without a network
    /// none of that name; with a volume, this waits until that is unlocked.
    pub(crate) fn open(component: &Component) -> Result<Self, Failure> {
        let memory = GuestRam(component.memory.writer_of("guest", "ram")?);
        let notification = component.notification()?;
        let channel = Channel::open(&component.memory, "terminal")?;
        let terminal = Terminal {
            output: channel.byte_writer()?,
            input: channel.byte_reader()?,
            channel,
        };
        Ok(Self {
            memory,
            clock: component.clock,
            timer: DeadlineTimer::open(&component.memory)?,
            volume: Volume::open(component, notification, memory)?,
            network: Network::open(component, memory)?,
            notification,
            terminal,
        })
    }
}

/// How long a guest that has ended waits for its disk.
const SETTLING: Duration = Duration::from_secs(20);

impl System {
    /// Makes durable what the guest has written. A disk that is switched off in good order keeps what its
    /// cache holds, asked or not, so the machine does not go off before.
    pub(crate) fn settle(&mut self) {
        let Some(volume) = &mut self.volume else {
            return;
        };
        let end = self.clock.after(SETTLING);
        self.timer.set(end);
        let wait = |volume: &mut Volume| {
            while !volume.is_idle() && self.clock.now() < end {
                let _ = self.notification.wait();
            }
            volume.is_idle()
        };
        if !(wait(volume) && volume.ask_to_flush() && wait(volume)) {
            println!("the volume does not answer: what the guest wrote last may be lost");
        }
    }
}

impl Host for System {
    type Memory = GuestRam;

    fn memory(&self) -> &GuestRam {
        &self.memory
    }

    fn now(&mut self) -> u64 {
        self.clock.now().0
    }

    fn wake_at(&mut self, deadline: Option<u64>) {
        match deadline {
            Some(deadline) => self.timer.set(Ticks(deadline)),
            None => self.timer.cancel(),
        }
    }

    fn wait(&mut self) {
        // Whoever signalled, the machine looks at everything.
        let _ = self.notification.wait();
    }

    /// A console that breaks the rules of its channel gets no more of the guest's output.
    fn console_write(&mut self, bytes: &[u8]) -> usize {
        let taken = self.terminal.output.write(bytes).unwrap_or(bytes.len());
        if taken > 0 {
            self.terminal.channel.signal();
        }
        taken
    }

    fn console_read(&mut self, buffer: &mut [u8]) -> usize {
        match self.terminal.input.available() {
            Ok(1..) => self.terminal.input.read(buffer).unwrap_or(0),
            _ => 0,
        }
    }

    fn log(&mut self, line: fmt::Arguments<'_>) {
        println!("{line}");
    }

    fn block(&mut self) -> Option<&mut dyn BlockChannel> {
        match &mut self.volume {
            Some(volume) => Some(volume),
            None => None,
        }
    }

    fn network(&mut self) -> Option<&mut dyn NetworkChannel> {
        match &mut self.network {
            Some(network) => Some(network),
            None => None,
        }
    }
}
