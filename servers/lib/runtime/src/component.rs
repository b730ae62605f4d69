//! The start of a component.

use core::{convert::Infallible, fmt::Display};

use environment::{Environment, Missing};
use kernel_calls::Ipc;
use kernel_calls::ipc_buffer::IpcBuffer;
use shared_memory::Memory;
use spin::Once;

use crate::{Clock, Notification, Random, output};

/// Where the root server maps a component's IPC buffer.
const IPC_BUFFER: usize = 0x1000_0000;

/// What a component has.
pub struct Component {
    /// What it was told.
    pub environment: &'static Environment<'static>,
    /// Opens its regions and channels by name.
    pub memory: Memory,
    /// Sends messages and invokes capabilities.
    pub ipc: Ipc,
    /// Tells the time.
    pub clock: Clock,
    /// Makes keys and nonces.
    pub random: Random,
    /// How often it was started before. What it shares with others, such as a guest's RAM, is as the life before left it.
    pub life: u64,
}

impl Component {
    /// The notification that wakes this component.
    ///
    /// # Errors
    ///
    /// The manifest grants none.
    pub fn notification(&self) -> Result<Notification, Missing> {
        let slot = self.environment.capability("notification")?;
        Ok(Notification::new(self.ipc, slot))
    }
}

/// Makes `main`, a function of the form `fn(Component) -> Result<Infallible, impl Display>`, the
/// program's entry.
#[macro_export]
macro_rules! component {
    ($main:path) => {
        $crate::panic_handler!();

        /// The entry: RDI holds the environment's address, RSI how often the program was started before, RSP the
        /// end of the stack. In a later life RDX holds the size of the stack, and what the life before left there is
        /// erased before anything else comes there.
        #[unsafe(no_mangle)]
        #[unsafe(naked)]
        #[unsafe(link_section = ".text._start")]
        extern "C" fn _start() -> ! {
            extern "C" fn start(environment: usize, life: u64) -> ! {
                // SAFETY: called by the entry, with what the root server or the supervisor put there.
                unsafe { $crate::start::component(environment, life, $main) }
            }
            ::core::arch::naked_asm!(
                "test rsi, rsi",
                "jz 2f",
                "mov r8, rdi",
                "mov rcx, rdx",
                "mov rdi, rsp",
                "sub rdi, rdx",
                "xor eax, eax",
                "rep stosb",
                "mov rdi, r8",
                "2:",
                "xor ebp, ebp",
                "call {start}",
                "ud2",
                start = sym start
            )
        }
    };
}

/// Sets a component up and runs it, in its first life (0) or a later one.
///
/// # Safety
///
/// To be called as the first thing in a program that the root server, or the supervisor, started.
#[doc(hidden)]
pub unsafe fn start<E: Display>(
    environment: usize,
    life: u64,
    main: fn(Component) -> Result<Infallible, E>,
) -> ! {
    static ENVIRONMENT: Once<Environment<'static>> = Once::new();

    // SAFETY: the root server maps the IPC buffer there for good, and nobody else made a handle.
    let ipc = unsafe {
        Ipc::new(core::ptr::with_exposed_provenance_mut::<IpcBuffer>(
            IPC_BUFFER,
        ))
    };
    // SAFETY: the root server maps the environment there for good, for reading alone.
    let page = unsafe {
        core::slice::from_raw_parts(
            core::ptr::with_exposed_provenance::<u8>(environment),
            environment::SIZE,
        )
    };
    let environment = match Environment::decode(page) {
        Ok(environment) => environment,
        Err(error) => panic!("{error}"),
    };
    #[cfg(not(test))]
    if life > 0 {
        // SAFETY: nothing has used static data, a region or the IPC buffer yet, and the root server's word is true.
        unsafe { crate::life::begin(&environment, IPC_BUFFER as u64) };
    }
    let environment = ENVIRONMENT.call_once(|| environment);
    // SAFETY: the root server wrote the environment and mapped what it says; code, data and stack
    // lie below all regions. This function runs once in a life, so there is one `Memory`.
    let memory = unsafe { Memory::new(environment, life) };
    output::open(&memory);
    #[cfg(not(test))]
    if let Ok(heap) = memory.exclusive("heap") {
        crate::heap::add(heap);
    }
    let Err(error) = main(Component {
        environment,
        memory,
        ipc,
        clock: Clock::new(environment.tsc_khz),
        random: Random::new(environment.seed, life),
        life,
    });
    crate::println!("stops: {error}");
    stop()
}

/// Ends the program by an instruction that does not exist, so that the supervisor takes notice.
#[doc(hidden)]
pub fn stop() -> ! {
    // SAFETY: the instruction raises an exception and nothing else; the thread does not go on.
    unsafe { core::arch::asm!("ud2", options(noreturn, nostack)) }
}
