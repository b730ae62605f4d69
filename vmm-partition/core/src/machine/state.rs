//! The parts.

use crate::{
    clock::Clock,
    cpuid::{self, Leaf},
    device::{Pit, PowerManagement, Rtc, Serial, SystemControl},
    host::Host,
    instruction::Cache,
    interrupt::Fabric,
    msr::{KvmClock, SilentEnd},
    pci::Bus,
    virtio::{Block, Entropy, Network, VirtioFunction},
};

/// Device numbers on the PCI bus.
pub(super) const ENTROPY_DEVICE: u8 = 1;
/// The volume.
pub(super) const BLOCK_DEVICE: u8 = 2;
/// The network.
pub(super) const NETWORK_DEVICE: u8 = 3;

/// Collected console bytes wait at most one of this many parts of a second.
const CONSOLE_FLUSHES_PER_SECOND: u64 = 200;
/// A guest whose timers fire more often than this does not keep the timer server busier.
const WAKES_PER_SECOND: u64 = 50_000;

/// What a machine is made from.
#[derive(Clone, Copy, Debug)]
pub struct MachineParameters {
    /// Frequency of the time stamp counter.
    pub tsc_khz: u64,
    /// Wall clock when the time stamp counter stood at zero, in nanoseconds since 1970.
    pub unix_ns: u64,
    /// Seed of the guest's entropy device; used for nothing else.
    pub entropy_seed: [u8; 32],
}

/// A virtual PC around one virtual CPU.
pub struct Machine<H: Host> {
    pub(crate) host: H,
    pub(crate) clock: Clock,
    pub(crate) cpuid: cpuid::Table,
    pub(crate) fabric: Fabric,
    pub(crate) kvm_clock: KvmClock,
    pub(crate) silent_end: SilentEnd,
    pub(super) pit: Pit,
    pub(super) rtc: Rtc,
    pub(super) power: PowerManagement,
    pub(super) system_control: SystemControl,
    pub(super) serial: Serial,
    pub(super) bus: Bus,
    pub(super) entropy: VirtioFunction<Entropy>,
    pub(super) block: Option<VirtioFunction<Block>>,
    pub(super) network: Option<VirtioFunction<Network>>,
    pub(super) cache: Cache,
    /// Vector that the kernel holds ready for the guest.
    pub(super) injected: Option<u8>,
    /// Deadline that the host was asked for.
    pub(super) armed: Option<u64>,
    pub(super) unknown_accesses: u32,
    /// Ticks that collected console bytes wait at most.
    pub(super) console_delay: u64,
    /// Ticks to the earliest deadline that the host is asked for.
    pub(super) shortest_wait: u64,
}

impl<H: Host> Machine<H> {
    /// A machine as its firmware leaves it. CPUID of the CPU that this runs on is the basis of the guest's.
    #[must_use]
    pub fn new(mut host: H, parameters: &MachineParameters) -> Self {
        let now = host.now();
        let block = host.block().map(|channel| {
            let device = Block::new(channel.block_count(), channel.slots());
            VirtioFunction::new(device, BLOCK_DEVICE)
        });
        let network = host
            .network()
            .map(|channel| VirtioFunction::new(Network::new(channel.link()), NETWORK_DEVICE));
        let wall = Clock::new(parameters.tsc_khz, 0, parameters.unix_ns);
        let clock = Clock::new(parameters.tsc_khz, now, wall.unix_ns(now));
        Self {
            console_delay: clock.ticks_of(1, CONSOLE_FLUSHES_PER_SECOND),
            shortest_wait: clock.ticks_of(1, WAKES_PER_SECOND),
            clock,
            cpuid: cpuid::build(native_cpuid),
            fabric: Fabric::new(),
            kvm_clock: KvmClock::default(),
            silent_end: SilentEnd::default(),
            pit: Pit::new(),
            rtc: Rtc::new(),
            power: PowerManagement::new(),
            system_control: SystemControl::new(),
            serial: Serial::new(),
            bus: Bus::new(),
            entropy: VirtioFunction::new(Entropy::new(parameters.entropy_seed), ENTROPY_DEVICE),
            block,
            network,
            cache: Cache::new(),
            injected: None,
            armed: None,
            unknown_accesses: 0,
            host,
        }
    }

    /// The system around the machine.
    pub fn host(&mut self) -> &mut H {
        &mut self.host
    }
}

fn native_cpuid(leaf: u32, sub_leaf: u32) -> Leaf {
    let answer = core::arch::x86_64::__cpuid_count(leaf, sub_leaf);
    Leaf {
        eax: answer.eax,
        ebx: answer.ebx,
        ecx: answer.ecx,
        edx: answer.edx,
    }
}
