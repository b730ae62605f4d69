//! TCB operations.

use core::sync::atomic::Ordering::SeqCst;

use kernel_calls::user_context::{USER_CONTEXT_WORDS, UserContext};
use kernel_calls::{
    Ipc,
    invoke::{self, Resume},
};
use sel4_sys::error::Error::{
    AlignmentError, IllegalOperation, InvalidCapability, RangeError, TruncatedMessage,
};
use sel4_sys::object::ObjectType;
use sel4_sys::{CNodeCapData, MessageInfo, invocation as label, slot};
use test_support::threads::{clear_notes, note, noted};
use test_support::{Outcome, Plan, Test, Tester, ensure, equal, refused};

pub(crate) const TESTS: &[Test] = &[
    Test {
        id: "tcb-start-0001",
        rule: "a configured thread with time runs from the registers it was given",
        run: start,
    },
    Test {
        id: "tcb-start-0002",
        rule: "a thread without a scheduling context does not run until it gets one",
        run: no_time_no_run,
    },
    Test {
        id: "tcb-suspend-0001",
        rule: "a suspended thread does not run, a resumed one goes on where it was",
        run: suspend_resume,
    },
    Test {
        id: "tcb-suspend-0002",
        rule: "a thread suspended while it sends is taken off the endpoint; resumed, it sends again",
        run: suspend_sender,
    },
    Test {
        id: "tcb-suspend-0003",
        rule: "a thread can suspend itself, and goes on where it is told to",
        run: suspend_self,
    },
    Test {
        id: "tcb-registers-0001",
        rule: "registers read are the registers written, RFLAGS sanitised",
        run: registers_round_trip,
    },
    Test {
        id: "tcb-registers-0002",
        rule: "a running thread sees exactly the registers it was given",
        run: registers_arrive,
    },
    Test {
        id: "tcb-registers-0003",
        rule: "counts of 0 and above 20 are refused, and so is the own thread",
        run: register_refusals,
    },
    Test {
        id: "tcb-registers-0004",
        rule: "CopyRegisters copies frame and integer registers between threads",
        run: copy_registers,
    },
    Test {
        id: "tcb-registers-0005",
        rule: "a non-canonical instruction pointer or segment base harms nobody",
        run: non_canonical,
    },
    Test {
        id: "tcb-priority-0001",
        rule: "a priority above the authority's maximum is RangeError",
        run: priority_limit,
    },
    Test {
        id: "tcb-priority-0002",
        rule: "the authority must be a TCB",
        run: priority_authority,
    },
    Test {
        id: "tcb-configure-0001",
        rule: "a CSpace root that is no CNode and a VSpace that is no assigned PML4 are refused",
        run: configure_refusals,
    },
    Test {
        id: "tcb-configure-0002",
        rule: "an IPC buffer must be a frame and aligned to 1 KiB",
        run: buffer_refusals,
    },
    Test {
        id: "tcb-configure-0003",
        rule: "SetSpace sets the CNode and its guard",
        run: set_space,
    },
    Test {
        id: "tcb-configure-0004",
        rule: "a thread that holds the last capability to its CNode keeps it: new spaces are refused",
        run: last_cspace,
    },
    Test {
        id: "tcb-bind-0001",
        rule: "a thread binds one notification, a notification one thread",
        run: bind,
    },
    Test {
        id: "tcb-tls-0001",
        rule: "SetTLSBase sets the FS base, by invocation and by system call",
        run: tls_base,
    },
    Test {
        id: "tcb-flags-0001",
        rule: "SetFlags returns the flags that are set; unknown flags stay clear",
        run: flags,
    },
    Test {
        id: "tcb-delete-0001",
        rule: "deleting a running thread's last capability stops it",
        run: delete_running,
    },
    Test {
        id: "tcb-label-0001",
        rule: "a TCB refuses other labels and short messages",
        run: labels,
    },
];

fn add_to_note(_: Ipc, argument: u64) {
    note(0).fetch_add(argument, SeqCst);
}

fn start(t: &mut Tester) -> Outcome {
    clear_notes();
    t.spawn(Plan::new(add_to_note, 5))?;
    equal("the note before the thread can run", noted(0), 0)?;
    t.let_others_run()?;
    equal("the note", noted(0), 5)
}

fn no_time_no_run(t: &mut Tester) -> Outcome {
    clear_notes();
    let thread = t.spawn(Plan::new(add_to_note, 5).passive())?;
    t.let_others_run()?;
    equal("the note without time", noted(0), 0)?;
    let context = t.make(ObjectType::SchedContext, 8)?;
    t.configure(context, crate::scheduling::full_time(0))?;
    invoke::sched_context_bind(&t.ipc, context, thread.tcb)?;
    t.let_others_run()?;
    equal("the note with time", noted(0), 5)
}

fn count_for_ever(_: Ipc, _: u64) {
    loop {
        note(0).fetch_add(1, SeqCst);
    }
}

/// A counting thread that leaves most of the time to others.
const COUNTER: Plan = Plan::new(count_for_ever, 0).budget(1_000, 10_000);

fn suspend_resume(t: &mut Tester) -> Outcome {
    clear_notes();
    let thread = t.spawn(COUNTER)?;
    t.let_others_run()?;
    ensure(
        t.let_others_run_until(|| noted(0) > 0)?,
        "the thread did not run",
    )?;
    invoke::tcb_suspend(&t.ipc, thread.tcb)?;
    let before = noted(0);
    t.let_others_run()?;
    equal("the note of the suspended thread", noted(0), before)?;
    invoke::tcb_resume(&t.ipc, thread.tcb)?;
    let goes_on = t.let_others_run_until(|| noted(0) > before)?;
    ensure(goes_on, "the resumed thread did not run")
}

fn send_once(ipc: Ipc, endpoint: u64) {
    note(0).fetch_add(1, SeqCst);
    ipc.send(endpoint, MessageInfo::new(9, 0, 1), [33, 0, 0, 0]);
    note(1).fetch_add(1, SeqCst);
}

fn suspend_sender(t: &mut Tester) -> Outcome {
    clear_notes();
    let endpoint = t.endpoint()?;
    let thread = t.spawn(Plan::new(send_once, endpoint))?;
    t.let_others_run()?;
    equal("the note", noted(0), 1)?;
    invoke::tcb_suspend(&t.ipc, thread.tcb)?;
    let got = t.ipc.nb_wait(endpoint);
    equal("what waits on the endpoint", got.info.label(), 0)?;
    invoke::tcb_resume(&t.ipc, thread.tcb)?;
    t.let_others_run()?;
    let got = t.ipc.nb_wait(endpoint);
    equal("the label", got.info.label(), 9)?;
    equal("the word", got.message[0], 33)?;
    t.let_others_run()?;
    equal("the note behind the send", noted(1), 1)
}

fn suspend_own(ipc: Ipc, tcb_slot: u64) {
    note(0).fetch_add(1, SeqCst);
    let _ = invoke::tcb_suspend(&ipc, tcb_slot);
    note(0).fetch_add(100, SeqCst);
}

fn suspend_self(t: &mut Tester) -> Outcome {
    clear_notes();
    // `prepare` puts the TCB into the next free slot.
    let coming = t.slot() + 1;
    let thread = t.spawn(Plan::new(suspend_own, coming))?;
    equal("the slot of the thread", thread.tcb, coming)?;
    t.let_others_run()?;
    equal("the note before", noted(0), 1)?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, Resume::Yes, &thread.context)?;
    t.let_others_run()?;
    equal("the note of the second run", noted(0), 2)
}

fn pattern() -> UserContext {
    let mut words = [0; USER_CONTEXT_WORDS];
    for (index, word) in (0u64..).zip(words.iter_mut()) {
        *word = 0x0101_0101_0101_0100 * (index + 1) + index;
    }
    UserContext {
        rip: 0x1234_5678,
        rsp: 0x8765_4321_0000,
        rflags: 0x202,
        fs_base: 0x1111_2222_3000,
        gs_base: 0x2222_3333_4000,
        ..UserContext::from_words(&words)
    }
}

fn registers_round_trip(t: &mut Tester) -> Outcome {
    let thread = t.prepare(Plan::new(add_to_note, 0))?;
    let mut context = pattern();
    invoke::tcb_write_registers(&t.ipc, thread.tcb, Resume::No, &context)?;
    let read = invoke::tcb_read_registers(&t.ipc, thread.tcb)?;
    for (got, wanted) in read.to_words().iter().zip(context.to_words()) {
        equal("a register", *got, wanted)?;
    }
    // I/O privilege, trap, nested task, virtual-8086, virtual interrupts, identification.
    context.rflags = 0xffff_ffff_ffff_ffff;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, Resume::No, &context)?;
    let rflags = invoke::tcb_read_registers(&t.ipc, thread.tcb)?.rflags;
    equal("the dangerous flags", rflags & !0xfff, 0)?;
    equal("the trap flag", rflags & 0x100, 0)?;
    equal("interrupts and the fixed bit", rflags & 0x202, 0x202)
}

fn registers_arrive(t: &mut Tester) -> Outcome {
    let watched = t.watch(Plan::new(add_to_note, 0))?;
    let context = UserContext {
        rip: test_support::cpu::trap_address(),
        ..pattern()
    };
    invoke::tcb_suspend(&t.ipc, watched.thread.tcb)?;
    invoke::tcb_write_registers(&t.ipc, watched.thread.tcb, Resume::Yes, &context)?;
    let fault = t.next_fault(&watched)?;
    let fault = test_support::expect(fault, "fault")?;
    equal("the label", fault.label, sel4_sys::fault::USER_EXCEPTION)?;
    let read = invoke::tcb_read_registers(&t.ipc, watched.thread.tcb)?;
    for (index, (got, wanted)) in read.to_words().iter().zip(context.to_words()).enumerate() {
        // RFLAGS also holds the resume flag at a fault.
        let mask = if index == 2 { 0xfff } else { u64::MAX };
        equal("a register", got & mask, wanted & mask)?;
    }
    Ok(())
}

fn register_refusals(t: &mut Tester) -> Outcome {
    let thread = t.prepare(Plan::new(add_to_note, 0))?;
    let read = |tcb, count| {
        t.ipc
            .invoke(tcb, label::TCB_READ_REGISTERS, &[0, count], &[])
    };
    refused("reading no register", read(thread.tcb, 0), RangeError)?;
    refused("reading 21 registers", read(thread.tcb, 21), RangeError)?;
    refused("reading oneself", read(slot::TCB, 20), IllegalOperation)?;
    let own = invoke::tcb_write_registers(&t.ipc, slot::TCB, Resume::No, &thread.context);
    refused("writing oneself", own, IllegalOperation)?;
    let short = t
        .ipc
        .invoke(thread.tcb, label::TCB_WRITE_REGISTERS, &[0, 20, 0], &[]);
    refused("fewer words than stated", short, TruncatedMessage)
}

fn copy_registers(t: &mut Tester) -> Outcome {
    const FRAME_AND_INTEGER: u64 = 0b1100;
    let (from, to) = (
        t.prepare(Plan::new(add_to_note, 0))?,
        t.prepare(Plan::new(add_to_note, 0))?,
    );
    let context = UserContext {
        fs_base: 0,
        gs_base: 0,
        ..pattern()
    };
    invoke::tcb_write_registers(&t.ipc, from.tcb, Resume::No, &context)?;
    t.ipc.invoke(
        to.tcb,
        label::TCB_COPY_REGISTERS,
        &[FRAME_AND_INTEGER],
        &[from.tcb],
    )?;
    let read = invoke::tcb_read_registers(&t.ipc, to.tcb)?;
    // The segment bases are no frame and no integer registers.
    for (got, wanted) in read.to_words()[..18].iter().zip(context.to_words()) {
        equal("a register", *got, wanted)?;
    }
    let endpoint = t.endpoint()?;
    let wrong = t
        .ipc
        .invoke(to.tcb, label::TCB_COPY_REGISTERS, &[0], &[endpoint]);
    refused("registers of an endpoint", wrong, InvalidCapability)
}

fn non_canonical(t: &mut Tester) -> Outcome {
    for rip in [
        0x0000_8000_0000_0000,
        0xdead_beef_dead_beef,
        0xffff_ffff_8000_0000,
        0x7fff_ffff_ffff,
    ] {
        let watched = t.watch(Plan::new(add_to_note, 0))?;
        invoke::tcb_suspend(&t.ipc, watched.thread.tcb)?;
        let context = UserContext {
            rip,
            fs_base: 0x8000_0000_0000_0000,
            gs_base: 0x0000_8000_0000_0000,
            ..watched.thread.context
        };
        // The kernel may refuse or take it; it must go on, and the thread must not.
        if invoke::tcb_write_registers(&t.ipc, watched.thread.tcb, Resume::Yes, &context).is_ok() {
            ensure(t.next_fault(&watched)?.is_some(), "the thread ran on")?;
        }
    }
    Ok(())
}

fn priority_limit(t: &mut Tester) -> Outcome {
    let (low, other) = (
        t.prepare(Plan::new(add_to_note, 0))?,
        t.prepare(Plan::new(add_to_note, 0))?,
    );
    // `low` has the maximum controlled priority 200.
    invoke::tcb_set_priority(&t.ipc, other.tcb, low.tcb, 200)?;
    refused(
        "201",
        invoke::tcb_set_priority(&t.ipc, other.tcb, low.tcb, 201),
        RangeError,
    )?;
    let mcp = |value| {
        let authority = &[low.tcb];
        t.ipc
            .invoke(other.tcb, label::TCB_SET_MC_PRIORITY, &[value], authority)
    };
    mcp(200)?;
    refused("a maximum of 201", mcp(201), RangeError)?;
    refused(
        "256",
        invoke::tcb_set_priority(&t.ipc, other.tcb, slot::TCB, 256),
        RangeError,
    )
}

fn priority_authority(t: &mut Tester) -> Outcome {
    let thread = t.prepare(Plan::new(add_to_note, 0))?;
    let endpoint = t.endpoint()?;
    let result = invoke::tcb_set_priority(&t.ipc, thread.tcb, endpoint, 1);
    refused("an endpoint's authority", result, InvalidCapability)
}

fn configure_refusals(t: &mut Tester) -> Outcome {
    let tcb = t.make(ObjectType::Tcb, 0)?;
    let (endpoint, space) = (t.endpoint()?, t.make(ObjectType::Pml4, 0)?);
    let buffer = (0, slot::NULL);
    let attempt = |cspace, vspace| invoke::tcb_configure(&t.ipc, tcb, (cspace, 0), vspace, buffer);
    refused(
        "an endpoint as CSpace",
        attempt(endpoint, slot::VSPACE),
        IllegalOperation,
    )?;
    ensure(
        attempt(slot::CNODE, endpoint).is_err(),
        "an endpoint is taken as VSpace",
    )?;
    ensure(
        attempt(slot::CNODE, space).is_err(),
        "a PML4 without ASID is taken as VSpace",
    )?;
    attempt(slot::CNODE, slot::VSPACE)?;
    Ok(())
}

fn buffer_refusals(t: &mut Tester) -> Outcome {
    let tcb = t.make(ObjectType::Tcb, 0)?;
    let (endpoint, frame) = (t.endpoint()?, t.frame()?);
    let attempt = |address, cap| {
        t.ipc
            .invoke(tcb, label::TCB_SET_IPC_BUFFER, &[address], &[cap])
            .map(drop)
    };
    refused("an endpoint", attempt(0x1000, endpoint), IllegalOperation)?;
    refused(
        "an address off by 8",
        attempt(0x1008, frame),
        sel4_sys::Error::AlignmentError,
    )?;
    refused(
        "an address off by 512",
        attempt(0x1200, frame),
        sel4_sys::Error::AlignmentError,
    )?;
    attempt(0x1400, frame)?;
    Ok(())
}

fn signal_slot_three(ipc: Ipc, _: u64) {
    ipc.signal(3);
}

fn set_space(t: &mut Tester) -> Outcome {
    let node = t.make(ObjectType::CNode, 4)?;
    let notification = t.notification()?;
    let inside = invoke::SlotPath {
        root: node,
        index: 3,
        depth: 4,
    };
    invoke::cnode_copy(
        &t.ipc,
        inside,
        test_support::resources::path(notification),
        sel4_sys::CapRights::ALL,
    )?;
    let thread = t.prepare(Plan::new(signal_slot_three, 0))?;
    let guard = CNodeCapData::new(0, 60).0;
    t.ipc.invoke(
        thread.tcb,
        label::TCB_SET_SPACE,
        &[guard, 0],
        &[slot::NULL, node, slot::VSPACE],
    )?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, Resume::Yes, &thread.context)?;
    t.let_others_run()?;
    let got = t.ipc.nb_wait(notification);
    // The capability has no badge, so the word stays 0, but nothing faulted: look at the thread.
    equal("the word", got.badge, 0)?;
    let resumed = invoke::tcb_read_registers(&t.ipc, thread.tcb)?;
    ensure(resumed.rip != thread.context.rip, "the thread did not run")
}

fn bind(t: &mut Tester) -> Outcome {
    let (one, other) = (t.notification()?, t.notification()?);
    let thread = t.prepare(Plan::new(add_to_note, 0))?;
    let second = t.prepare(Plan::new(add_to_note, 0))?;
    let endpoint = t.endpoint()?;
    let unbind = |tcb| {
        t.ipc
            .invoke(tcb, label::TCB_UNBIND_NOTIFICATION, &[], &[])
            .map(drop)
    };
    refused("unbinding nothing", unbind(thread.tcb), IllegalOperation)?;
    invoke::tcb_bind_notification(&t.ipc, thread.tcb, one)?;
    refused(
        "a second notification",
        invoke::tcb_bind_notification(&t.ipc, thread.tcb, other),
        IllegalOperation,
    )?;
    refused(
        "a second thread",
        invoke::tcb_bind_notification(&t.ipc, second.tcb, one),
        IllegalOperation,
    )?;
    refused(
        "an endpoint",
        invoke::tcb_bind_notification(&t.ipc, second.tcb, endpoint),
        IllegalOperation,
    )?;
    unbind(thread.tcb)?;
    invoke::tcb_bind_notification(&t.ipc, second.tcb, one)?;
    Ok(())
}

fn read_fs_base(_: Ipc, own: u64) {
    if own != 0 {
        kernel_calls::set_tls_base(own);
    }
    note(0).store(test_support::cpu::fs_word(), SeqCst);
}

fn tls_base(t: &mut Tester) -> Outcome {
    let area = t.frame()?;
    let address = test_support::memory::fresh_address(1);
    t.map(area, address, sel4_sys::CapRights::READ_WRITE)?;
    test_support::memory::store(address, 0xabc1);
    test_support::memory::store(address + 0x800, 0xabc2);
    clear_notes();
    let thread = t.prepare(Plan::new(read_fs_base, 0))?;
    invoke::tcb_write_registers(&t.ipc, thread.tcb, Resume::No, &thread.context)?;
    t.ipc
        .invoke(thread.tcb, label::TCB_SET_TLS_BASE, &[address], &[])?;
    invoke::tcb_resume(&t.ipc, thread.tcb)?;
    t.let_others_run()?;
    equal("the word by invocation", noted(0), 0xabc1)?;
    t.no_fault_of(read_fs_base, address + 0x800)?;
    equal("the word by system call", noted(0), 0xabc2)
}

fn flags(t: &mut Tester) -> Outcome {
    let thread = t.prepare(Plan::new(add_to_note, 0))?;
    let set = |clear, set| {
        t.ipc
            .invoke(thread.tcb, label::TCB_SET_FLAGS, &[clear, set], &[])
            .map(|reply| reply.message[0])
    };
    equal("no flag", set(0, 0)?, 0)?;
    equal("the flag set", set(0, 1)?, 1)?;
    equal("the flag kept", set(0, 0)?, 1)?;
    equal("unknown flags", set(0, u64::MAX)?, 1)?;
    equal("the flag cleared", set(1, 0)?, 0)
}

fn delete_running(t: &mut Tester) -> Outcome {
    clear_notes();
    let thread = t.spawn(COUNTER)?;
    let runs = t.let_others_run_until(|| noted(0) > 0)?;
    ensure(runs, "the thread did not run")?;
    t.delete(thread.tcb)?;
    let before = noted(0);
    t.let_others_run()?;
    equal("the note of the deleted thread", noted(0), before)
}

fn labels(t: &mut Tester) -> Outcome {
    let thread = t.prepare(Plan::new(add_to_note, 0))?;
    for other in [0, 1, 18, 26, 33, 59, 4097, u64::MAX >> 12] {
        let result = t.ipc.invoke(thread.tcb, other, &[0; 4], &[slot::TCB; 3]);
        refused("another label", result, IllegalOperation)?;
    }
    for wanting in [
        label::TCB_CONFIGURE,
        label::TCB_SET_PRIORITY,
        label::TCB_SET_MC_PRIORITY,
        label::TCB_SET_SCHED_PARAMS,
        label::TCB_SET_IPC_BUFFER,
        label::TCB_SET_SPACE,
        label::TCB_BIND_NOTIFICATION,
        label::TCB_COPY_REGISTERS,
        label::TCB_READ_REGISTERS,
        label::TCB_WRITE_REGISTERS,
        label::TCB_SET_TLS_BASE,
        label::TCB_SET_FLAGS,
    ] {
        let result = t.ipc.invoke(thread.tcb, wanting, &[], &[]);
        refused("a short message", result, TruncatedMessage)?;
    }
    Ok(())
}

fn last_cspace(t: &mut Tester) -> Outcome {
    let cnode = t.make(ObjectType::CNode, 4)?;
    let thread = t.make(ObjectType::Tcb, 0)?;
    let ipc = t.ipc;
    let set_space = |root: u64, vspace: u64| {
        let caps = [0, root, vspace];
        ipc.invoke(thread, label::TCB_SET_SPACE, &[0, 0], &caps)
    };
    set_space(cnode, slot::VSPACE)?;
    t.delete(cnode)?;
    refused(
        "another CNode",
        set_space(slot::CNODE, slot::VSPACE),
        IllegalOperation,
    )?;
    let spaces = (slot::CNODE, 0);
    let configured = invoke::tcb_configure(&t.ipc, thread, spaces, slot::VSPACE, (0, 0));
    refused("another configuration", configured, IllegalOperation)?;
    // The buffer is looked at before.
    let misaligned = (1, slot::IPC_BUFFER);
    let configured = invoke::tcb_configure(&t.ipc, thread, spaces, slot::VSPACE, misaligned);
    refused("a misaligned buffer", configured, AlignmentError)
}
