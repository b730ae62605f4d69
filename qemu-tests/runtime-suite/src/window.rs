//! The window of a root task.

use runtime::{
    RootTask,
    kernel_calls::invoke::{self, Retype, SlotPath},
    sel4_sys::{CapRights, Error, boot_info::UntypedDescription, object::ObjectType, slot},
};

/// Makes a frame and the tables above it, and writes and reads it through the window.
pub(crate) fn reaches_a_mapped_frame(root: &RootTask) {
    let address = RootTask::WINDOW_ADDRESS;
    // The last slots of the empty region, out of the way of others.
    let mut next = root.boot_info.empty.end;
    let mut make = |object| {
        next -= 1;
        make_object(root, object, next).expect("there is memory");
        next
    };
    let (ipc, vspace) = (&root.ipc, slot::VSPACE);
    let (pdpt, directory) = (make(ObjectType::Pdpt), make(ObjectType::PageDirectory));
    let (table, page) = (make(ObjectType::PageTable), make(ObjectType::Page));
    // The kernel may have made the first of them for the image.
    let mapped = invoke::pdpt_map(ipc, pdpt, vspace, address);
    assert!(matches!(mapped, Ok(()) | Err(Error::DeleteFirst)));
    invoke::page_directory_map(ipc, directory, vspace, address).expect("nothing lies there");
    invoke::page_table_map(ipc, table, vspace, address).expect("nothing lies there");
    invoke::page_map(ipc, page, vspace, address, CapRights::READ_WRITE, 0).expect("it is free");
    assert_eq!(root.window.read_u64_at(4088), Ok(0));
    root.window
        .write_at(100, b"through the window")
        .expect("inside");
    let mut bytes = [0; 18];
    root.window.read_at(100, &mut bytes).expect("inside");
    assert_eq!(&bytes, b"through the window");
    assert!(root.window.read_u8_at(1 << 30).is_err());
}

fn make_object(root: &RootTask, object: ObjectType, index: u64) -> Result<(), Error> {
    let untyped = root.boot_info.untyped;
    let list: &[UntypedDescription] = &root.boot_info.untyped_list;
    let retype = Retype {
        object,
        size_bits: 0,
        destination: SlotPath {
            root: slot::CNODE,
            index: 0,
            depth: 0,
        },
        offset: index,
        count: 1,
    };
    (untyped.start..untyped.end)
        .zip(list)
        .filter(|(_, description)| description.is_device == 0 && description.size_bits >= 16)
        .find_map(|(capability, _)| invoke::untyped_retype(&root.ipc, capability, &retype).ok())
        .ok_or(Error::NotEnoughMemory)
}
