//! Devices: I/O ports and interrupts.

use sel4_sys::{Error, invocation as label};

use super::{Done, SlotPath, done};
use crate::Ipc;

/// `X86_IOPortControl_Issue` of the ports `first` to `last`.
pub fn io_port_control_issue(ipc: &Ipc, control: u64, first: u16, last: u16, to: SlotPath) -> Done {
    let words = [u64::from(first), u64::from(last), to.index, to.depth];
    let operation = label::X86_IO_PORT_CONTROL_ISSUE;
    done(ipc, control, operation, &words, &[to.root])
}

/// `X86_IOPort_In8`.
pub fn io_port_in8(ipc: &Ipc, ports: u64, port: u16) -> Result<u8, Error> {
    let reply = ipc.invoke(ports, label::X86_IO_PORT_IN8, &[u64::from(port)], &[])?;
    Ok(reply.message[0].to_le_bytes()[0])
}

/// `X86_IOPort_In16`.
pub fn io_port_in16(ipc: &Ipc, ports: u64, port: u16) -> Result<u16, Error> {
    let reply = ipc.invoke(ports, label::X86_IO_PORT_IN16, &[u64::from(port)], &[])?;
    let [low, high, ..] = reply.message[0].to_le_bytes();
    Ok(u16::from_le_bytes([low, high]))
}

/// `X86_IOPort_In32`.
pub fn io_port_in32(ipc: &Ipc, ports: u64, port: u16) -> Result<u32, Error> {
    let reply = ipc.invoke(ports, label::X86_IO_PORT_IN32, &[u64::from(port)], &[])?;
    let [a, b, c, d, ..] = reply.message[0].to_le_bytes();
    Ok(u32::from_le_bytes([a, b, c, d]))
}

/// `X86_IOPort_Out8`.
pub fn io_port_out8(ipc: &Ipc, ports: u64, port: u16, value: u8) -> Done {
    let words = [u64::from(port), u64::from(value)];
    done(ipc, ports, label::X86_IO_PORT_OUT8, &words, &[])
}

/// `X86_IOPort_Out16`.
pub fn io_port_out16(ipc: &Ipc, ports: u64, port: u16, value: u16) -> Done {
    let words = [u64::from(port), u64::from(value)];
    done(ipc, ports, label::X86_IO_PORT_OUT16, &words, &[])
}

/// `X86_IOPort_Out32`.
pub fn io_port_out32(ipc: &Ipc, ports: u64, port: u16, value: u32) -> Done {
    let words = [u64::from(port), u64::from(value)];
    done(ipc, ports, label::X86_IO_PORT_OUT32, &words, &[])
}

/// An input of an I/O APIC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IoApicInput {
    /// Which I/O APIC, from 0.
    pub io_apic: u64,
    /// Which of its inputs, from 0.
    pub pin: u64,
    /// 1 for level-triggered, 0 for edge.
    pub level: u64,
    /// 1 for active low, 0 for active high.
    pub polarity: u64,
    /// User vector, 0 to 107.
    pub vector: u64,
}

/// `IRQControl_GetIOAPIC`.
pub fn irq_control_get_io_apic(ipc: &Ipc, control: u64, input: IoApicInput, to: SlotPath) -> Done {
    let i = input;
    let words = [
        to.index, to.depth, i.io_apic, i.pin, i.level, i.polarity, i.vector,
    ];
    let operation = label::X86_IRQ_ISSUE_HANDLER_IO_APIC;
    done(ipc, control, operation, &words, &[to.root])
}

/// A message-signalled interrupt: the PCI function, a handle of the caller's, the user vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MsiSource {
    /// PCI bus.
    pub bus: u64,
    /// PCI device.
    pub device: u64,
    /// PCI function.
    pub function: u64,
    /// Free for the caller.
    pub handle: u64,
    /// User vector, 0 to 107; the device writes vector + 0x30.
    pub vector: u64,
}

/// `IRQControl_GetMSI`.
pub fn irq_control_get_msi(ipc: &Ipc, control: u64, source: MsiSource, to: SlotPath) -> Done {
    let s = source;
    let words = [
        to.index, to.depth, s.bus, s.device, s.function, s.handle, s.vector,
    ];
    let operation = label::X86_IRQ_ISSUE_HANDLER_MSI;
    done(ipc, control, operation, &words, &[to.root])
}

/// `IRQHandler_Ack`.
pub fn irq_handler_ack(ipc: &Ipc, handler: u64) -> Done {
    done(ipc, handler, label::IRQ_ACK, &[], &[])
}

/// `IRQHandler_SetNotification`.
pub fn irq_handler_set_notification(ipc: &Ipc, handler: u64, notification: u64) -> Done {
    done(ipc, handler, label::IRQ_SET_HANDLER, &[], &[notification])
}
