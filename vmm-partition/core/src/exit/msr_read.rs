//! RDMSR.

use sel4_sys::extension::register;

use super::{advance, inject_general_protection};
use crate::{
    host::Host,
    machine::Machine,
    msr::{is_probed, kernel_register, number, read_constant},
    number::{high_u32, low_u32},
    vcpu::{
        Exit, GeneralRegisters, Request, VirtualCpu,
        general::{RAX, RDX},
    },
};

pub(super) fn handle<H: Host, V: VirtualCpu>(
    machine: &mut Machine<H>,
    vcpu: &mut V,
    exit: &mut Exit,
    request: &mut Request,
) {
    let msr = low_u32(exit.detail);
    match read(machine, vcpu, msr) {
        Some(value) => {
            exit.general[RAX] = u64::from(low_u32(value));
            exit.general[RDX] = u64::from(high_u32(value));
            request.general_changed = GeneralRegisters::FirstChanged;
            advance(exit, request, 2);
        }
        None => {
            if !is_probed(msr) {
                machine.report_unknown(format_args!("read of MSR {msr:#x} at {:#x}", exit.rip));
            }
            inject_general_protection(request);
        }
    }
}

fn read<H: Host, V: VirtualCpu>(machine: &mut Machine<H>, vcpu: &mut V, msr: u32) -> Option<u64> {
    match msr {
        number::X2APIC_FIRST..=number::X2APIC_LAST => {
            let now = machine.host.now();
            let apic = &machine.fabric.local_apic;
            apic.read(msr - number::X2APIC_FIRST, &machine.clock, now)
                .ok()
        }
        number::TSC_DEADLINE => Some(machine.fabric.local_apic.timer_deadline_register()),
        number::APIC_BASE => Some(machine.fabric.local_apic.base()),
        number::TSC => {
            let offset = vcpu.read_register(register::TSC_OFFSET).unwrap_or(0);
            Some(machine.host.now().wrapping_add(offset))
        }
        number::KVM_SYSTEM_TIME => Some(machine.kvm_clock.system_time()),
        number::KVM_SILENT_END => Some(machine.silent_end.register()),
        number::KVM_WALL_CLOCK => Some(machine.kvm_clock.wall_clock()),
        _ => read_constant(msr).or_else(|| vcpu.read_register(kernel_register(msr)?).ok()),
    }
}
