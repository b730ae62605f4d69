//! The first capability to a new object.

use sel4_sys::object::ObjectType;

use crate::capability::{
    CNode, CapRights, Capability, Endpoint, Frame, FrameRights, FrameSize, Level, Notification,
    Reply, SchedContext, Table, Untyped,
};
use crate::{
    EndpointRef, Kernel, Machine, NotificationRef, PhysicalAddress, ReplyRef, SchedContextRef,
    SlotRef, TableRef, TcbRef, VcpuRef,
};

impl<M: Machine> Kernel<M> {
    /// The full capability to a new object in zeroed memory (frames of device memory keep their contents).
    #[inline(always)]
    pub(crate) fn new_object(
        &self,
        object: ObjectType,
        user_bits: u64,
        start: PhysicalAddress,
        device: bool,
    ) -> Capability {
        let bits = (user_bits & 63) as u8;
        let frame = |size| {
            Some(Capability::Frame(Frame {
                start,
                size,
                device,
                rights: FrameRights::ReadWrite,
                nested: false,
                mapping: None,
            }))
        };
        match object {
            ObjectType::Untyped => Some(Capability::Untyped(Untyped::new(start, bits, device))),
            ObjectType::Page => frame(FrameSize::Small),
            ObjectType::LargePage => frame(FrameSize::Large),
            ObjectType::HugePage => frame(FrameSize::Huge),
            _ => self.new_kernel_object(object, bits, self.machine().kernel_address(start)),
        }
        .unwrap_or(Capability::Null)
    }

    fn new_kernel_object(&self, object: ObjectType, bits: u8, address: u64) -> Option<Capability> {
        let table = |level, nested| {
            Some(Capability::Table(Table {
                object: TableRef::new(address)?,
                level,
                nested,
                mapping: None,
            }))
        };
        match object {
            ObjectType::Tcb => {
                let thread = TcbRef::new(address)?;
                self.tcb(thread).fpu.initialise();
                self.tcb(thread).domain.set(self.core.domains.current.get());
                if M::HAS_DEBUG_CALLS {
                    self.list_thread(thread);
                }
                Some(Capability::Thread(thread))
            }
            ObjectType::Endpoint => Some(Capability::Endpoint(Endpoint {
                object: EndpointRef::new(address)?,
                badge: 0,
                rights: CapRights::ALL,
            })),
            ObjectType::Notification => Some(Capability::Notification(Notification {
                object: NotificationRef::new(address)?,
                badge: 0,
                rights: CapRights::ALL,
            })),
            ObjectType::CNode => Some(Capability::CNode(CNode {
                base: SlotRef::new(address)?,
                radix: bits,
                guard: 0,
                guard_size: 0,
            })),
            ObjectType::SchedContext => Some(Capability::SchedContext(SchedContext {
                object: SchedContextRef::new(address)?,
                size_bits: bits,
            })),
            ObjectType::Reply => Some(Capability::Reply(Reply {
                object: ReplyRef::new(address)?,
                can_grant: true,
            })),
            ObjectType::PageTable => table(Level::Table, false),
            ObjectType::PageDirectory => table(Level::Directory, false),
            ObjectType::Pdpt => table(Level::Pointers, false),
            ObjectType::Pml4 => table(Level::Root, false),
            ObjectType::NestedRoot => table(Level::Root, true),
            ObjectType::NestedTable => table(Level::Table, true),
            ObjectType::VCpu => {
                let vcpu = VcpuRef::new(address)?;
                self.machine().vcpu_initialise(vcpu);
                Some(Capability::Vcpu(vcpu))
            }
            ObjectType::Untyped
            | ObjectType::Page
            | ObjectType::LargePage
            | ObjectType::HugePage => None,
        }
    }
}
