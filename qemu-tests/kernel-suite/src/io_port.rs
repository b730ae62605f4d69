//! I/O ports.

use kernel_calls::invoke;
use sel4_sys::error::Error::{
    DeleteFirst, FailedLookup, IllegalOperation, InvalidArgument, RevokeFirst, TruncatedMessage,
};
use sel4_sys::{CapRights, invocation as label, slot};
use test_support::resources::path;
use test_support::{Outcome, Test, Tester, ensure, equal, refused};

/// The clock's index and data ports (RTC), which are harmless to read.
const RTC: u16 = 0x70;

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "io-port-issue-0001",
        rule: "a range of ports is issued once; overlapping ranges are RevokeFirst",
        run: issue_once,
    },
    Test {
        id: "io-port-issue-0002",
        rule: "a range that ends before it starts is InvalidArgument, a used slot DeleteFirst",
        run: issue_refusals,
    },
    Test {
        id: "io-port-issue-0003",
        rule: "a deleted range can be issued again",
        run: issue_again,
    },
    Test {
        id: "io-port-access-0001",
        rule: "ports are read and written through the capability",
        run: access,
    },
    Test {
        id: "io-port-access-0002",
        rule: "accesses that leave the range are IllegalOperation or RangeError",
        run: access_outside,
    },
    Test {
        id: "io-port-access-0003",
        rule: "a copy gives the same access, and ends with the revocation of the original",
        run: copies,
    },
    Test {
        id: "io-port-label-0001",
        rule: "other labels are IllegalOperation, short messages TruncatedMessage",
        run: labels,
    },
];

fn issue(t: &mut Tester, first: u16, last: u16) -> Result<u64, sel4_sys::Error> {
    let to = t.slot();
    invoke::io_port_control_issue(&t.ipc, slot::IO_PORT_CONTROL, first, last, path(to))?;
    Ok(to)
}

fn issue_once(t: &mut Tester) -> Outcome {
    issue(t, 0x1000, 0x100f)?;
    for (first, last) in [
        (0x1000, 0x100f),
        (0x100f, 0x1010),
        (0xfff, 0x1000),
        (0x1004, 0x1005),
    ] {
        refused("an overlapping range", issue(t, first, last), RevokeFirst)?;
    }
    issue(t, 0x1010, 0x1010)?;
    Ok(())
}

fn issue_refusals(t: &mut Tester) -> Outcome {
    refused(
        "an inverted range",
        issue(t, 0x1001, 0x1000),
        InvalidArgument,
    )?;
    let endpoint = t.endpoint()?;
    let result = invoke::io_port_control_issue(
        &t.ipc,
        slot::IO_PORT_CONTROL,
        0x1000,
        0x1001,
        path(endpoint),
    );
    refused("a used slot", result, DeleteFirst)?;
    let result = invoke::io_port_control_issue(&t.ipc, slot::IO_PORT_CONTROL, 0x1000, 0x1001, {
        let mut outside = path(0);
        outside.root = endpoint;
        outside
    });
    refused("a slot in no CNode", result, FailedLookup)
}

fn issue_again(t: &mut Tester) -> Outcome {
    let ports = issue(t, 0x1000, 0x10ff)?;
    t.delete(ports)?;
    issue(t, 0x10ff, 0x1100)?;
    Ok(())
}

fn access(t: &mut Tester) -> Outcome {
    let ports = issue(t, RTC, RTC + 1)?;
    // Register 14 and up are plain memory.
    for value in [0x5a, 0xa5] {
        invoke::io_port_out8(&t.ipc, ports, RTC, 0x40)?;
        invoke::io_port_out8(&t.ipc, ports, RTC + 1, value)?;
        invoke::io_port_out8(&t.ipc, ports, RTC, 0x40)?;
        let read = invoke::io_port_in8(&t.ipc, ports, RTC + 1)?;
        equal("the byte read", u64::from(read), u64::from(value))?;
    }
    Ok(())
}

fn access_outside(t: &mut Tester) -> Outcome {
    let ports = issue(t, 0x1000, 0x1003)?;
    ensure(
        invoke::io_port_in8(&t.ipc, ports, 0xfff).is_err(),
        "a port below the range",
    )?;
    ensure(
        invoke::io_port_in8(&t.ipc, ports, 0x1004).is_err(),
        "a port above the range",
    )?;
    ensure(
        invoke::io_port_in16(&t.ipc, ports, 0x1003).is_err(),
        "half a word outside",
    )?;
    ensure(
        invoke::io_port_out32(&t.ipc, ports, 0x1001, 0).is_err(),
        "a byte of a double word outside",
    )?;
    for far in [0x1_1000, u64::MAX] {
        let result = t.ipc.invoke(ports, label::X86_IO_PORT_IN8, &[far], &[]);
        // Only the low 16 bits count, and those of the first are inside.
        ensure(
            result.is_err() || far == 0x1_1000,
            "a port number above 16 bits",
        )?;
    }
    invoke::io_port_in32(&t.ipc, ports, 0x1000)?;
    Ok(())
}

fn copies(t: &mut Tester) -> Outcome {
    let ports = issue(t, RTC, RTC + 1)?;
    let copy = t.copy(ports, CapRights::ALL)?;
    invoke::io_port_in8(&t.ipc, copy, RTC + 1)?;
    refused("a second issue", issue(t, RTC, RTC), RevokeFirst)?;
    t.delete(ports)?;
    refused("an issue beside the copy", issue(t, RTC, RTC), RevokeFirst)?;
    t.delete(copy)?;
    issue(t, RTC, RTC)?;
    Ok(())
}

fn labels(t: &mut Tester) -> Outcome {
    let ports = issue(t, RTC, RTC + 1)?;
    for wrong in [0, 1, 50, 57, 99] {
        let result = t.ipc.invoke(ports, wrong, &[0x71, 0], &[]);
        refused("another label", result, IllegalOperation)?;
    }
    let result = t
        .ipc
        .invoke(slot::IO_PORT_CONTROL, 51, &[0; 4], &[slot::CNODE]);
    refused("access through the control", result, IllegalOperation)?;
    let short = t.ipc.invoke(ports, label::X86_IO_PORT_OUT8, &[0x71], &[]);
    refused("a short message", short, TruncatedMessage)?;
    Ok(())
}
