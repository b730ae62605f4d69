//! Exits of a guest to a monitor that answers at once: from the guest's instruction to the next one, by
//! the guest's own counter.

use kernel_calls::invoke;
use sel4_sys::extension::run_request::flag;
use sel4_sys::extension::{label, reason, register};
use sel4_sys::object::ObjectType::{NestedRoot, NestedTable, VCpu};
use sel4_sys::{CapRights, Error, MessageInfo, slot};
use test_support::cpu::ticks;
use test_support::memory::{self, fresh_address};
use test_support::{Outcome, Test, Tester, equal};

use crate::{least, report};

pub(crate) const MEASUREMENTS: &[Test] = &[
    Test {
        id: "bare-exit-cpuid",
        rule: "CPUID to the monitor and back, with all general registers written",
        run: cpuid,
    },
    Test {
        id: "bare-exit-port",
        rule: "a port write to the monitor and back",
        run: port,
    },
    Test {
        id: "bare-exit-memory",
        rule: "a write to memory that is not there, to the monitor and back",
        run: absent_memory,
    },
];

/// A monitor of a guest in real mode that does one thing for ever: `code` jumps back to its start.
fn guest(t: &mut Tester, code: u64) -> Result<u64, Error> {
    let (vcpu, root, frame) = (t.make(VCpu, 0)?, t.make(NestedRoot, 0)?, t.frame()?);
    invoke::asid_pool_assign(&t.ipc, slot::ASID_POOL, root)?;
    invoke::vcpu_set_space(&t.ipc, vcpu, root)?;
    for _ in 0..3 {
        let table = t.make(NestedTable, 0)?;
        invoke::nested_table_map(&t.ipc, table, root, 0)?;
    }
    let for_guest = t.copy(frame, CapRights::ALL)?;
    invoke::nested_page_map(&t.ipc, for_guest, root, 0, CapRights::READ_WRITE, 0)?;
    t.map(frame, fresh_address(3), CapRights::READ_WRITE)?;
    memory::store(fresh_address(3), code);
    let code_segment = 0x9b << 16 | 0xffff << 32;
    let start = [
        register::CS,
        code_segment,
        register::CS_BASE,
        0,
        register::RIP,
        0,
    ];
    invoke::vcpu_write_registers(&t.ipc, vcpu, &start)?;
    Ok(vcpu)
}

/// Measures a round: the monitor lets the guest go on behind its instruction of `length` bytes, the guest
/// executes one jump and exits again.
fn measure(t: &Tester, vcpu: u64, wanted: u64, length: u64, words: u64) -> Result<u64, Error> {
    let ipc = t.ipc;
    let mut rip = ipc
        .call(vcpu, MessageInfo::new(label::VCPU_RUN, 0, 0), [0; 4])
        .message[3];
    least(|| {
        for index in 4..20 {
            ipc.set_word(index, 0x1000);
        }
        let start = ticks();
        let info = MessageInfo::new(label::VCPU_RUN, 0, words);
        let exit = ipc.call(vcpu, info, [flag::RIP, rip + length, 0, 0]);
        let took = ticks() - start;
        rip = exit.message[3];
        if exit.message[0] == wanted {
            Ok(took)
        } else {
            Err(Error::IllegalOperation)
        }
    })
}

fn cpuid(t: &mut Tester) -> Outcome {
    t.only_on_sekisho()?;
    equal("the number of a reason", reason::CPUID, 1)?;
    // cpuid; jmp 0
    let vcpu = guest(t, 0xfceb_a20f)?;
    let took = measure(t, vcpu, reason::CPUID, 2, 20)?;
    report("bare-exit-cpuid", took);
    Ok(())
}

fn port(t: &mut Tester) -> Outcome {
    t.only_on_sekisho()?;
    // out 0x80, al; jmp 0
    let vcpu = guest(t, 0xfceb_80e6)?;
    let took = measure(t, vcpu, reason::IO_PORT, 2, 4)?;
    report("bare-exit-port-write", took);
    Ok(())
}

fn absent_memory(t: &mut Tester) -> Outcome {
    t.only_on_sekisho()?;
    // mov [0x2000], al; jmp 0
    let vcpu = guest(t, 0xfb_eb20_00a2)?;
    let took = measure(t, vcpu, reason::MEMORY, 3, 4)?;
    report("bare-exit-memory-write", took);
    Ok(())
}
