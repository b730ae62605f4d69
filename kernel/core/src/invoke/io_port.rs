//! I/O ports.

use sel4_sys::invocation as label;

use super::Invocation;
use crate::capability::{Capability, IoPorts};
use crate::error::Error;
use crate::lookup::Role;
use crate::{Kernel, Machine, PortWidth};

impl<M: Machine> Kernel<M> {
    pub(super) fn invoke_io_port_control(&self, invocation: &Invocation) -> Result<(), Error> {
        if invocation.label != label::X86_IO_PORT_CONTROL_ISSUE {
            return Err(Error::IllegalOperation);
        }
        invocation.require(4, 1)?;
        let word = |index| self.argument(invocation, index);
        let (first, last, index, depth) = (port(word(0)), port(word(1)), word(2), word(3));
        let (_, root) = self.extra(invocation, 0)?;
        if last < first {
            return Err(Error::InvalidArgument(1));
        }
        let ports = IoPorts { first, last };
        if !self.are_ports_free(ports) {
            return Err(Error::RevokeFirst);
        }
        let to = self.lookup_slot_in(root, index, depth, Role::Destination)?;
        self.ensure_empty(to)?;
        self.take_ports(ports);
        self.insert_copy(&Capability::IoPorts(ports), invocation.slot, to);
        Ok(())
    }

    pub(super) fn invoke_io_ports(
        &self,
        invocation: &Invocation,
        ports: IoPorts,
    ) -> Result<(), Error> {
        let (width, is_input) = match invocation.label {
            label::X86_IO_PORT_IN8 => (PortWidth::Byte, true),
            label::X86_IO_PORT_IN16 => (PortWidth::Word, true),
            label::X86_IO_PORT_IN32 => (PortWidth::Double, true),
            label::X86_IO_PORT_OUT8 => (PortWidth::Byte, false),
            label::X86_IO_PORT_OUT16 => (PortWidth::Word, false),
            label::X86_IO_PORT_OUT32 => (PortWidth::Double, false),
            _ => return Err(Error::IllegalOperation),
        };
        invocation.require(if is_input { 1 } else { 2 }, 0)?;
        let at = port(self.argument(invocation, 0));
        ensure_allowed(ports, at, width)?;
        if is_input {
            let value = self.machine().port_in(at, width);
            self.answer_with(invocation, [u64::from(value)]);
        } else {
            let value = (self.argument(invocation, 1) & 0xffff_ffff) as u32;
            self.machine().port_out(at, width, value);
        }
        Ok(())
    }
}

const fn port(word: u64) -> u16 {
    (word & 0xffff) as u16
}

fn ensure_allowed(ports: IoPorts, at: u16, width: PortWidth) -> Result<(), Error> {
    let bytes: u16 = match width {
        PortWidth::Byte => 1,
        PortWidth::Word => 2,
        PortWidth::Double => 4,
    };
    match at.checked_add(bytes - 1) {
        Some(last) if ports.first <= at && last <= ports.last => Ok(()),
        _ => Err(Error::IllegalOperation),
    }
}
