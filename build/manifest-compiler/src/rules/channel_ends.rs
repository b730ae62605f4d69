//! The two ends of a channel fit: a client and a server, of the same kind, speaking the same protocol.

use std::collections::HashSet;

use crate::diagnostic::Report;
use crate::source::{ChannelKind, ChannelNeed, End, Sources, Text};

pub(super) fn check(sources: &Sources, report: &mut Report) {
    let system = &sources.system;
    let mut seen = HashSet::new();
    for channel in &system.channel {
        let channel = channel.get_ref();
        let client = sources.channel_end(channel.client.get_ref());
        let server = sources.channel_end(channel.server.get_ref());
        let (Some((client_index, client)), Some((server_index, server))) = (client, server) else {
            continue;
        };
        check_end(sources, &channel.client, client, End::Client, report);
        check_end(sources, &channel.server, server, End::Server, report);
        if client_index == server_index {
            report.add(
                system.at(&channel.server),
                "a component cannot serve itself",
            );
        }
        if !seen.insert((client_index, channel.server.get_ref())) {
            let sentence = format!(
                "this client has a channel to `{}` already",
                channel.server.get_ref()
            );
            report.add(system.at(&channel.server), sentence);
        }
        if let Some(sentence) = difference(channel.client.get_ref(), client, server) {
            report.add(system.at(&channel.server), sentence);
        }
    }
    check_call_memory(sources, report);
}

fn check_end(sources: &Sources, end: &Text, need: &ChannelNeed, wanted: End, report: &mut Report) {
    if *need.end.get_ref() != wanted {
        let (is, wanted) = match wanted {
            End::Client => ("server", "client"),
            End::Server => ("client", "server"),
        };
        report.add(
            sources.system.at(end),
            format!("`{}` is a {is}, not a {wanted}", end.get_ref()),
        );
    }
}

fn difference(client_name: &str, client: &ChannelNeed, server: &ChannelNeed) -> Option<String> {
    let (speaks, answers) = (client.protocol.get_ref(), server.protocol.get_ref());
    if client.kind.get_ref() != server.kind.get_ref() {
        Some(format!("`{client_name}` is a channel of another kind"))
    } else if speaks != answers {
        Some(format!(
            "`{client_name}` speaks `{speaks}` and this server speaks `{answers}`"
        ))
    } else {
        None
    }
}

/// A call channel has no memory.
fn check_call_memory(sources: &Sources, report: &mut Report) {
    for needs in &sources.needs {
        for need in &needs.channel {
            let size = need.out.get_ref().bytes();
            if *need.kind.get_ref() == ChannelKind::Call && size != 0 {
                report.add(
                    needs.at(&need.out),
                    "a call channel has no memory; write \"0\"",
                );
            }
        }
    }
}
