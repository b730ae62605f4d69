//! Threads with what every thread has.

use compiled_manifest::{Component, Content, Kind, Rights, Schedule};

use super::builder::Builder;
use super::layout;

/// 2^8 bytes hold eight refills.
const SCHED_CONTEXT_BITS: u8 = 8;
/// Refills beyond two.
const EXTRA_REFILLS: u8 = 6;

pub(super) fn add(builder: &mut Builder<'_>) {
    for (source, _) in builder.sources.components() {
        let name = source.name.get_ref();
        let why = source.why.get_ref();
        let mut object = |part: &str, kind| builder.object(format!("{name}.{part}"), kind, why);
        let page = |bytes, content| Kind::Frames(layout::small_frames(bytes, content));
        let component = Component {
            name: name.clone(),
            why: why.clone(),
            tcb: object("tcb", Kind::Tcb),
            // The radix is settled when all capabilities are known.
            cnode: object("cnode", Kind::CNode { radix: 1 }),
            space: object("space", Kind::Pml4),
            sched_context: object(
                "sched-context",
                Kind::SchedContext {
                    size_bits: SCHED_CONTEXT_BITS,
                },
            ),
            notification: object("notification", Kind::Notification),
            ipc_buffer: object("ipc-buffer", page(4096, Content::Zero)),
            ipc_buffer_address: layout::IPC_BUFFER,
            environment: object(
                "environment",
                page(layout::ENVIRONMENT_SIZE, Content::Environment),
            ),
            environment_address: layout::ENVIRONMENT,
            entry: 0,
            stack_top: layout::STACK_TOP,
            schedule: Schedule {
                priority: *source.priority.get_ref(),
                budget_us: source.budget.get_ref().microseconds(),
                period_us: source.period.get_ref().microseconds(),
                extra_refills: EXTRA_REFILLS,
            },
            fault_handler: None,
            capabilities: Vec::new(),
            interrupts: Vec::new(),
            virtual_cpus: Vec::new(),
            regions: Vec::new(),
            parameters: Vec::new(),
        };
        let (buffer, environment) = (component.ipc_buffer, component.environment);
        let notification = component.notification;
        let index = builder.system.components.len();
        builder.component(component);
        builder.map(index, buffer, layout::IPC_BUFFER, Rights::READ_WRITE);
        builder.map(index, environment, layout::ENVIRONMENT, Rights::READ);
        builder.capability(
            index,
            "notification".into(),
            (notification, Rights::READ, 0),
            "Waits for its own signals.",
        );
    }
}
