//! The real kernel behind `root-core`'s view of it.

use compiled_manifest::{Caching, PciAddress, Rights, System, Trigger};
use kernel_calls::{
    Ipc,
    invoke::{self, MsiSource, Resume, Retype, SlotPath, attributes},
    user_context::UserContext,
};
use root_core::{IoApicInput, Kernel, SchedParams, Slot, Thread, WorkingSlot};
use sel4_sys::{CNodeCapData, CapRights, Error, boot_info::BootInfo, object::ObjectType, slot};

use crate::capability_pointer::{Vault, path, pointer};

/// Bits of a capability pointer.
const POINTER_BITS: u64 = 64;

/// The kernel, by the root server's capabilities.
pub(crate) struct Sel4Kernel {
    ipc: Ipc,
    ipc_buffer: u64,
    sched_control: u64,
    root_cnode_bits: u64,
    vault: Vault,
    top: WorkingSlot,
}

type Done = Result<(), Error>;

impl Sel4Kernel {
    pub(crate) fn new(ipc: Ipc, info: &BootInfo) -> Self {
        let nowhere = WorkingSlot(slot::NULL);
        Self {
            ipc,
            ipc_buffer: info.ipc_buffer,
            sched_control: info.sched_control.start,
            root_cnode_bits: info.root_cnode_bits,
            vault: Vault {
                slot: nowhere,
                radix: 0,
            },
            top: nowhere,
        }
    }

    fn path(&self, slot: Slot) -> SlotPath {
        path(slot, self.vault)
    }

    /// A slot of the CNode on top.
    fn top_slot(&self, index: u64) -> SlotPath {
        SlotPath {
            root: self.top.0,
            index,
            depth: 1,
        }
    }
}

impl Kernel for Sel4Kernel {
    fn retype(
        &mut self,
        untyped: WorkingSlot,
        (object, size_bits): (ObjectType, u8),
        first: Slot,
        count: u32,
    ) -> Done {
        let first = self.path(first);
        let retype = Retype {
            object,
            size_bits: u64::from(size_bits),
            destination: SlotPath {
                root: first.root,
                index: 0,
                depth: 0,
            },
            offset: first.index,
            count: u64::from(count),
        };
        invoke::untyped_retype(&self.ipc, untyped.0, &retype)
    }

    fn enter(&mut self, top: WorkingSlot, vault: WorkingSlot, radix: u8) -> Done {
        self.top = top;
        self.vault = Vault { slot: vault, radix };
        let working = |slot| self.path(Slot::Working(WorkingSlot(slot)));
        let (ipc, all) = (&self.ipc, CapRights::ALL);
        // One bit is spent on the choice between the two, the rest on the guard and the index.
        let guard = CNodeCapData::new(0, POINTER_BITS - 1 - self.root_cnode_bits);
        invoke::cnode_mint(ipc, self.top_slot(0), working(slot::CNODE), all, guard.0)?;
        let guard = CNodeCapData::new(0, POINTER_BITS - 1 - u64::from(radix));
        invoke::cnode_mint(ipc, self.top_slot(1), working(vault.0), all, guard.0)?;
        let own_slot = self.path(Slot::Vault(System::VAULT_SELF));
        invoke::cnode_copy(ipc, own_slot, working(vault.0), all)?;
        let pool_slot = self.path(Slot::Vault(System::VAULT_ASID_POOL));
        invoke::cnode_copy(ipc, pool_slot, working(slot::ASID_POOL), all)?;
        let buffer = (self.ipc_buffer, slot::IPC_BUFFER);
        invoke::tcb_configure(ipc, slot::TCB, (top.0, 0), slot::VSPACE, buffer)
    }

    fn leave(&mut self) -> Done {
        invoke::cnode_delete(&self.ipc, self.top_slot(1))
    }

    fn copy(&mut self, to: Slot, from: Slot, rights: Rights) -> Done {
        let (to, from) = (self.path(to), self.path(from));
        invoke::cnode_copy(&self.ipc, to, from, coded(rights))
    }

    fn mint(&mut self, to: Slot, from: Slot, rights: Rights, badge: u64) -> Done {
        let (to, from) = (self.path(to), self.path(from));
        invoke::cnode_mint(&self.ipc, to, from, coded(rights), badge)
    }

    fn delete(&mut self, slot: Slot) -> Done {
        invoke::cnode_delete(&self.ipc, self.path(slot))
    }

    fn assign_space(&mut self, space: Slot) -> Done {
        invoke::asid_pool_assign(&self.ipc, slot::ASID_POOL, pointer(space))
    }

    fn map_table(&mut self, object: ObjectType, table: Slot, space: Slot, address: u64) -> Done {
        let (table, space) = (pointer(table), pointer(space));
        let map = match object {
            ObjectType::Pdpt => invoke::pdpt_map,
            ObjectType::PageDirectory => invoke::page_directory_map,
            ObjectType::PageTable => invoke::page_table_map,
            ObjectType::NestedTable => invoke::nested_table_map,
            _ => return Err(Error::InvalidArgument),
        };
        map(&self.ipc, table, space, address)
    }

    fn map_frame(
        &mut self,
        frame: Slot,
        space: Slot,
        address: u64,
        (rights, caching): (Rights, Caching),
    ) -> Done {
        let attributes = match caching {
            Caching::WriteBack => attributes::WRITE_BACK,
            Caching::Uncached => attributes::UNCACHED,
        };
        let (frame, space) = (pointer(frame), pointer(space));
        invoke::page_map(&self.ipc, frame, space, address, coded(rights), attributes)
    }

    fn map_in_guest(&mut self, frame: Slot, space: Slot, address: u64) -> Done {
        let (frame, space) = (pointer(frame), pointer(space));
        invoke::nested_page_map(&self.ipc, frame, space, address, CapRights::READ_WRITE, 0)
    }

    fn unmap_frame(&mut self, frame: Slot) -> Done {
        invoke::page_unmap(&self.ipc, pointer(frame))
    }

    fn frame_address(&mut self, frame: Slot) -> Result<u64, Error> {
        invoke::page_get_address(&self.ipc, pointer(frame))
    }

    fn issue_ports(&mut self, first: u16, last: u16, to: Slot) -> Done {
        let to = self.path(to);
        invoke::io_port_control_issue(&self.ipc, slot::IO_PORT_CONTROL, first, last, to)
    }

    fn issue_io_apic(&mut self, input: IoApicInput, to: Slot) -> Done {
        let (level, polarity) = match input.trigger {
            Trigger::EdgeHigh => (0, 0),
            Trigger::LevelHigh => (1, 0),
            Trigger::LevelLow => (1, 1),
        };
        let input = invoke::IoApicInput {
            io_apic: u64::from(input.io_apic),
            pin: u64::from(input.pin),
            level,
            polarity,
            vector: u64::from(input.vector),
        };
        invoke::irq_control_get_io_apic(&self.ipc, slot::IRQ_CONTROL, input, self.path(to))
    }

    fn issue_message(&mut self, source: PciAddress, vector: u8, to: Slot) -> Done {
        let source = MsiSource {
            bus: u64::from(source.bus),
            device: u64::from(source.device),
            function: u64::from(source.function),
            handle: 0,
            vector: u64::from(vector),
        };
        invoke::irq_control_get_msi(&self.ipc, slot::IRQ_CONTROL, source, self.path(to))
    }

    fn set_notification(&mut self, handler: Slot, notification: Slot) -> Done {
        invoke::irq_handler_set_notification(&self.ipc, pointer(handler), pointer(notification))
    }

    fn configure_time(&mut self, context: Slot, parameters: SchedParams) -> Done {
        let parameters = invoke::SchedParams {
            budget_us: parameters.budget_us,
            period_us: parameters.period_us,
            extra_refills: u64::from(parameters.extra_refills),
            badge: 0,
        };
        invoke::sched_control_configure(&self.ipc, self.sched_control, pointer(context), parameters)
    }

    fn configure_thread(&mut self, thread: &Thread) -> Done {
        let tcb = pointer(thread.tcb);
        let (cnode, guard) = thread.cnode;
        let cspace = (pointer(cnode), guard.0);
        let (buffer, address) = thread.ipc_buffer;
        let buffer = (address, pointer(buffer));
        invoke::tcb_configure(&self.ipc, tcb, cspace, pointer(thread.space), buffer)?;
        invoke::tcb_set_sched_params(
            &self.ipc,
            tcb,
            slot::TCB,
            (0, u64::from(thread.priority)),
            pointer(thread.sched_context),
            thread.fault_endpoint.map_or(slot::NULL, pointer),
        )?;
        invoke::tcb_bind_notification(&self.ipc, tcb, pointer(thread.notification))
    }

    fn set_registers(&mut self, tcb: Slot, entry: u64, stack: u64, argument: u64) -> Done {
        let context = UserContext {
            rip: entry,
            rsp: stack,
            rdi: argument,
            ..UserContext::default()
        };
        invoke::tcb_write_registers(&self.ipc, pointer(tcb), Resume::No, &context)
    }

    fn resume(&mut self, tcb: Slot) -> Done {
        invoke::tcb_resume(&self.ipc, pointer(tcb))
    }

    fn set_guest_space(&mut self, cpu: Slot, space: Slot) -> Done {
        invoke::vcpu_set_space(&self.ipc, pointer(cpu), pointer(space))
    }

    fn port_in8(&mut self, ports: Slot, port: u16) -> Result<u8, Error> {
        invoke::io_port_in8(&self.ipc, pointer(ports), port)
    }

    fn port_out8(&mut self, ports: Slot, port: u16, value: u8) -> Done {
        invoke::io_port_out8(&self.ipc, pointer(ports), port, value)
    }

    fn port_in32(&mut self, ports: Slot, port: u16) -> Result<u32, Error> {
        invoke::io_port_in32(&self.ipc, pointer(ports), port)
    }

    fn port_out32(&mut self, ports: Slot, port: u16, value: u32) -> Done {
        invoke::io_port_out32(&self.ipc, pointer(ports), port, value)
    }
}

fn coded(rights: Rights) -> CapRights {
    CapRights(u64::from(rights.0))
}
