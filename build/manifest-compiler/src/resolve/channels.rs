//! Channels: shared memory with one writer each, signals, and badged endpoints.

use compiled_manifest::{Content, Rights, Sharing};

use super::builder::{Builder, NewRegion, SIGNAL_MARK};
use super::{bytes, layout};
use crate::source::{Channel, ChannelKind, ChannelMemory, ChannelNeed, Peers};

/// Badges of clients: this plus the client's index. Badges of faults lie below.
const CLIENT_BADGES: u64 = 0x1_0000;

/// One end of a channel that is being made.
struct End<'a> {
    index: usize,
    need: &'a ChannelNeed,
    /// What the component calls the channel.
    name: String,
}

pub(super) fn add(builder: &mut Builder<'_>) {
    let sources = builder.sources;
    for channel in &sources.system.channel {
        let channel = channel.get_ref();
        let client = sources.channel_end(channel.client.get_ref());
        let server = sources.channel_end(channel.server.get_ref());
        let (Some(client), Some(server)) = (client, server) else {
            continue;
        };
        let (client, server) = (
            end(builder, client, server.0),
            end(builder, server, client.0),
        );
        match client.need.kind.get_ref() {
            ChannelKind::Ring => add_ring(builder, channel, &client, &server),
            ChannelKind::Call => add_call(builder, channel, &client, &server),
        }
    }
}

fn end<'a>(builder: &Builder<'_>, (index, need): (usize, &'a ChannelNeed), peer: usize) -> End<'a> {
    let role = need.role.get_ref();
    let name = match need.peers.get_ref() {
        Peers::One | Peers::Optional => role.clone(),
        Peers::Many => format!("{role}.{}", builder.name(peer)),
    };
    End { index, need, name }
}

fn add_ring(builder: &mut Builder<'_>, channel: &Channel, client: &End<'_>, server: &End<'_>) {
    add_memory(builder, channel, client, server);
    add_memory(builder, channel, server, client);
    add_signal(builder, channel, client, server);
    add_signal(builder, channel, server, client);
}

/// The region that `writer` writes and `reader` reads.
fn add_memory(builder: &mut Builder<'_>, channel: &Channel, writer: &End<'_>, reader: &End<'_>) {
    let size = bytes(&writer.need.out);
    if size == 0 {
        return;
    }
    let has_device = |end: &End<'_>| *end.need.memory.get_ref() == ChannelMemory::Dma;
    let content = if has_device(writer) || has_device(reader) {
        Content::Contiguous
    } else {
        Content::Zero
    };
    let name = format!("{}.{}.out", builder.name(writer.index), writer.name);
    let frames = builder.frames(name, layout::frames(size, content), channel.why.get_ref());
    for (end, part, rights) in [
        (writer, "out", Rights::READ_WRITE),
        (reader, "in", Rights::READ),
    ] {
        let region = NewRegion {
            name: &format!("{}.{part}", end.name),
            frames,
            size,
            rights,
            sharing: Sharing::Shared,
            tells_physical: has_device(end),
        };
        builder.region(end.index, &region);
    }
}

/// `from` can signal `to`, which is told by which bit.
fn add_signal(builder: &mut Builder<'_>, channel: &Channel, from: &End<'_>, to: &End<'_>) {
    let bit = builder.signal_bit(to.index);
    let notification = builder.system.components[to.index].notification;
    let target = (notification, Rights::WRITE, SIGNAL_MARK | bit);
    let name = format!("{}.signal", from.name);
    builder.capability(from.index, name, target, channel.why.get_ref());
    builder.number(to.index, format!("{}.badge", to.name), bit);
}

fn add_call(builder: &mut Builder<'_>, channel: &Channel, client: &End<'_>, server: &End<'_>) {
    let why = channel.why.get_ref();
    let endpoint = builder.endpoint(server.index, why);
    let badge = CLIENT_BADGES + client.index as u64;
    let target = (endpoint, Rights::CALL, badge);
    builder.capability(client.index, client.name.clone(), target, why);
    builder.number(server.index, format!("{}.badge", server.name), badge);
}
