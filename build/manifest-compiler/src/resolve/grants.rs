//! Authority over other components.

use compiled_manifest::{FaultHandler, Rights, Value};

use super::{builder::Builder, bytes};
use crate::source::{Grant, GrantKind};

pub(super) fn add(builder: &mut Builder<'_>) {
    let sources = builder.sources;
    for grant in &sources.system.grant {
        let grant = grant.get_ref();
        let Some(holder) = sources.component_index(grant.to.get_ref()) else {
            continue;
        };
        let over = grant
            .of
            .iter()
            .filter_map(|of| sources.component_index(of.get_ref()));
        for index in over {
            match grant.kind.get_ref() {
                GrantKind::Faults => add_faults(builder, grant, holder, index),
                GrantKind::Restart => add_restart(builder, grant, holder, index),
            }
        }
    }
}

/// Faults carry the component's index plus one, and the handler is told whose that is.
fn add_faults(builder: &mut Builder<'_>, grant: &Grant, holder: usize, index: usize) {
    let endpoint = builder.endpoint(holder, grant.why.get_ref());
    builder.system.components[index].fault_handler = Some(FaultHandler {
        endpoint,
        badge: index as u64 + 1,
    });
    let name = builder.name(index);
    builder.setting(holder, format!("component.{index}"), Value::Text(name));
}

/// The thread, how it starts, and the reply object if the component answers calls.
fn add_restart(builder: &mut Builder<'_>, grant: &Grant, holder: usize, index: usize) {
    let (name, why) = (builder.name(index), grant.why.get_ref());
    let component = &builder.system.components[index];
    let (tcb, entry, stack) = (component.tcb, component.entry, component.stack_top);
    builder.number(holder, format!("entry.{name}"), entry);
    builder.number(holder, format!("stack.{name}"), stack);
    let stack_size = bytes(&builder.sources.needs[index].stack);
    builder.number(holder, format!("stack-size.{name}"), stack_size);
    builder.capability(holder, format!("thread.{name}"), (tcb, Rights::ALL, 0), why);
    if let Some((_, reply)) = builder.states[index].endpoint {
        builder.capability(
            holder,
            format!("reply.{name}"),
            (reply, Rights::ALL, 0),
            why,
        );
    }
}
