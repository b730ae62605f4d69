//! The machine's network card, and what it is connected to.

use std::path::PathBuf;
use std::process::Command;

use super::Time;
use super::machine::escape_commas;

/// The card's Ethernet address: the first that QEMU gives.
pub(crate) const MAC: [u8; 6] = [0x52, 0x54, 0, 0x12, 0x34, 0x56];

/// A network behind the machine's card: QEMU's own, unless the further arguments have another `net0`.
#[derive(Default)]
pub(crate) struct Network {
    /// Where every frame is written to, in tcpdump's format.
    pub(crate) capture: Option<PathBuf>,
    /// The socket of a network of the user's, among the abstract names; without it, it is QEMU's own.
    pub(crate) socket: Option<String>,
}

impl Network {
    pub(super) fn add(&self, command: &mut Command, time: &Time, extra: &[String]) {
        if let Some(name) = &self.socket {
            let place = format!("addr.type=unix,addr.abstract=on,addr.tight=on,addr.path={name}");
            command.args(["-netdev", &format!("stream,id=net0,server=off,{place}")]);
        } else if !replaces_network(extra) {
            // Naming IPv6 alone would switch IPv4 off. The host's loopback is 10.0.2.2 and fec0::2.
            command.args(["-netdev", "user,id=net0,ipv4=on,ipv6=on"]);
        }
        let [a, b, c, d, e, f] = MAC;
        let mac = format!("{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}");
        // Without a file for the firmware nobody starts from the network.
        let device = "virtio-net-pci,addr=5,disable-legacy=on,netdev=net0,romfile=,mac=";
        command.args(["-device", &format!("{device}{mac}")]);
        if matches!(time, Time::Recorded { .. }) {
            command.args(["-object", "filter-replay,id=replay0,netdev=net0"]);
        }
        // A network of the user's captures by itself: it knows who sent what.
        let capture = self.capture.as_ref().filter(|_| self.socket.is_none());
        if let Some(file) = capture {
            let file = escape_commas(&file.display().to_string());
            command.args([
                "-object",
                &format!("filter-dump,id=dump0,netdev=net0,file={file}"),
            ]);
        }
    }
}

/// Whether the arguments say what `net0` is.
fn replaces_network(extra: &[String]) -> bool {
    let mut pairs = extra.iter().zip(extra.iter().skip(1));
    pairs.any(|(option, value)| {
        option == "-netdev" && value.split(',').any(|part| part == "id=net0")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(time: &Time, extra: &[&str]) -> String {
        let mut command = Command::new("qemu");
        let extra: Vec<String> = extra.iter().map(|word| (*word).into()).collect();
        Network::default().add(&mut command, time, &extra);
        let words = command.get_args().map(|word| word.to_string_lossy());
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_network_of_the_users_takes_the_place_of_qemus() {
        assert!(words(&Time::Real, &[]).starts_with("-netdev user,id=net0,"));
        let other = ["-netdev", "dgram,id=net0,local.type=unix"];
        assert!(words(&Time::Real, &other).starts_with("-device virtio-net-pci,"));
        let beside = ["-netdev", "user,id=net1", "-append", "id=net0"];
        assert!(words(&Time::Real, &beside).starts_with("-netdev user,id=net0,"));
    }
}
