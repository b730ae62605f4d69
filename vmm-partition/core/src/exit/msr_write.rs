//! WRMSR.

use sel4_sys::extension::register;

use super::{advance, inject_general_protection};
use crate::{
    host::Host,
    interrupt::{AccessError, LocalApic},
    machine::Machine,
    msr::{kernel_register, number, write_is_harmless},
    number::low_u32,
    vcpu::{Exit, Request, VirtualCpu},
};

pub(super) fn handle<H: Host, V: VirtualCpu>(
    machine: &mut Machine<H>,
    vcpu: &mut V,
    exit: &mut Exit,
    request: &mut Request,
) {
    let (msr, value) = (low_u32(exit.detail), exit.detail_2);
    if write(machine, vcpu, exit, msr, value).is_ok() {
        advance(exit, request, 2);
    } else {
        machine.report_unknown(format_args!(
            "write of {value:#x} to MSR {msr:#x} at {:#x}",
            exit.rip
        ));
        inject_general_protection(request);
    }
}

fn write<H: Host, V: VirtualCpu>(
    machine: &mut Machine<H>,
    vcpu: &mut V,
    exit: &mut Exit,
    msr: u32,
    value: u64,
) -> Result<(), AccessError> {
    match msr {
        number::TSC_DEADLINE => machine.set_timer_deadline(value),
        number::X2APIC_FIRST..=number::X2APIC_LAST => {
            return write_apic(machine, vcpu, exit, msr - number::X2APIC_FIRST, value);
        }
        number::APIC_BASE => return machine.fabric.local_apic.set_base(value),
        number::TSC => {
            let offset = value.wrapping_sub(machine.host.now());
            return write_kernel(vcpu, register::TSC_OFFSET, offset);
        }
        number::KVM_SYSTEM_TIME => {
            let memory = machine.host.memory();
            return machine
                .kvm_clock
                .set_system_time(value, memory, &machine.clock)
                .map_err(|_| AccessError);
        }
        number::KVM_WALL_CLOCK => {
            let memory = machine.host.memory();
            return machine
                .kvm_clock
                .set_wall_clock(value, memory, &machine.clock)
                .map_err(|_| AccessError);
        }
        number::KVM_SILENT_END => {
            let memory = machine.host.memory();
            return machine
                .silent_end
                .set_register(value, memory)
                .map_err(|_| AccessError);
        }
        _ if write_is_harmless(msr, value) => {}
        _ => return write_kernel(vcpu, kernel_register(msr).ok_or(AccessError)?, value),
    }
    Ok(())
}

fn write_kernel<V: VirtualCpu>(vcpu: &mut V, name: u64, value: u64) -> Result<(), AccessError> {
    vcpu.write_registers(&[name, value])
        .map_err(|_| AccessError)
}

/// The end of an interrupt concerns the I/O APIC too; the task priority is also CR8.
fn write_apic<H: Host, V: VirtualCpu>(
    machine: &mut Machine<H>,
    vcpu: &mut V,
    exit: &mut Exit,
    register: u32,
    value: u64,
) -> Result<(), AccessError> {
    if LocalApic::is_end_of_interrupt(register) {
        if value != 0 {
            return Err(AccessError);
        }
        machine.fabric.end_of_interrupt();
        return Ok(());
    }
    let now = machine.host.now();
    let message = machine
        .fabric
        .local_apic
        .write(register, value, &machine.clock, now)?;
    if let Some(message) = message {
        machine.fabric.deliver(message);
    }
    if LocalApic::is_task_priority(register) {
        exit.cr8 = machine.fabric.local_apic.cr8();
        write_kernel(vcpu, sel4_sys::extension::register::CR8, exit.cr8)?;
    }
    machine.update_wake();
    Ok(())
}
