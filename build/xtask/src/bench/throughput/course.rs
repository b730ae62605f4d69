//! What the guest sends and receives.
//!
//! Each course is run twice, short and long: what both have in common cancels. iperf3 sends as fast as it can, and TCP
//! finds its pace; so do datagrams on their way up, which wait in the guest. On the way down nothing would hold iperf3 back, and
//! most would be lost: there the sender is one of our own, which keeps so many on their way as the receiver, a few
//! lines of perl, says that it has got.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Tunnel;
use crate::commands::pour;
use crate::peer;
use crate::scenario::foreign::without_addresses;

/// The peer's address in the tunnel, and the guest's.
const PEER: &str = "10.66.0.1";
const GUEST: &str = "10.66.0.2";

/// Packets of the shorter and the longer run.
pub(super) const PACKETS: [u64; 2] = [3_000, 23_000];
/// Bytes that count as a packet's of a connection.
pub(super) const SEGMENT: u64 = 1400;
/// Bytes of headers in a datagram's packet.
const HEADERS: u64 = 28;

/// One way to load the tunnel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Course {
    /// Datagrams whose packets have so many bytes, from the guest.
    DatagramsUp(u64),
    /// The same to the guest.
    DatagramsDown(u64),
    ConnectionUp,
    ConnectionDown,
}

impl Course {
    pub(super) const ALL: [Course; 6] = [
        Course::DatagramsUp(1400),
        Course::DatagramsDown(1400),
        Course::DatagramsUp(64),
        Course::DatagramsDown(64),
        Course::ConnectionUp,
        Course::ConnectionDown,
    ];

    /// The end of its figures' names.
    pub(super) fn name(self) -> String {
        match self {
            Course::DatagramsUp(1400) => "udp-up".into(),
            Course::DatagramsDown(1400) => "udp-down".into(),
            Course::DatagramsUp(length) => format!("udp-{length}-up"),
            Course::DatagramsDown(length) => format!("udp-{length}-down"),
            Course::ConnectionUp => "tcp-up".into(),
            Course::ConnectionDown => "tcp-down".into(),
        }
    }

    fn command(self, packets: u64) -> String {
        let client = format!("iperf3 --client {PEER}");
        match self {
            Course::DatagramsUp(length) => {
                let length = length - HEADERS;
                format!("{client} --udp --bitrate 0 --length {length} --blockcount {packets}")
            }
            Course::DatagramsDown(length) => {
                let length = length - HEADERS;
                format!("perl /tmp/receive {packets} {length} >>/tmp/received")
            }
            Course::ConnectionUp => format!("{client} --bytes {}", packets * SEGMENT),
            Course::ConnectionDown => format!("{client} --reverse --bytes {}", packets * SEGMENT),
        }
    }
}

/// The guest's steps, once packets get to the peer; an exchange of keys that begins then is given time to end. At each
/// mark it says its time in nanoseconds and how many datagrams its program has got.
pub(super) fn script() -> String {
    let mut script = format!(
        "echo 0 >/tmp/received\ncat >/tmp/receive <<'END'\n{}\nEND\n\
         reading() {{\n\
         echo reading $(awk '/^now at/ {{ print $3 }}' /proc/timer_list) \
         $(awk '{{ n += $1 }} END {{ print n }}' /tmp/received)\n\
         echo mark >/dev/ttyS0\n}}\n\
         until ping -c 1 -W 1 {PEER}; do sleep 1; done\nsleep 5\nset -e\n",
        receiver()
    );
    for course in Course::ALL {
        script += "reading\n";
        for packets in PACKETS {
            // Writing to a string cannot fail.
            let _ = writeln!(script, "{}\nreading", course.command(packets));
        }
    }
    script
}

/// A program that asks for datagrams and takes them, until all are there or none has come for two seconds, and says how
/// many it got. The numbers are Linux's for x86_64: AF_INET, SOCK_DGRAM, UDP; SO_RCVBUFFORCE, SO_RCVTIMEO.
fn receiver() -> String {
    let (port, each, peer) = (pour::PORT, pour::TOLD_EACH, PEER.replace('.', ","));
    format!(
        "my ($all, $length) = @ARGV;\nmy $got = 0;\n\
         socket(S, 2, 2, 17) or die;\n\
         setsockopt(S, 1, 33, pack('i', 4 << 20)) or die;\n\
         setsockopt(S, 1, 20, pack('qq', 2, 0)) or die;\n\
         connect(S, pack('Sna4x8', 2, {port}, pack('C4', {peer}))) or die;\n\
         syswrite(S, \"$all $length\") or die;\n\
         while ($got < $all && defined sysread(S, $_, 2048)) {{ syswrite(S, $got) if ++$got % {each} == 0 }}\n\
         print $got, \"\\n\";"
    )
}

/// What a guest on a plain machine does first: it makes its network, which has no DHCP, and a tunnel by itself.
pub(super) fn making(tunnel: Tunnel, keys: &Path) -> Result<String> {
    let configuration = without_addresses(&fs::read_to_string(peer::guest_keys(keys))?);
    let interface = match tunnel {
        Tunnel::WireguardGo => {
            "insmod /lib/modules/wireguard-go/*.ko\nmkdir -p /var/run/wireguard\n\
             wireguard-go -f wg0 >/dev/null 2>&1 &\n\
             until wg show wg0; do sleep 1; done"
        }
        _ => {
            "for module in /lib/modules/wireguard/*.ko; do insmod $module; done\n\
             ip link add wg0 type wireguard"
        }
    };
    Ok(format!(
        "until ip link show eth0 | grep -q UP; do sleep 1; done\nsleep 1\nkillall udhcpc\n\
         ip address add 192.0.2.2/24 dev eth0\nip route add default via 192.0.2.1\n\
         {interface}\n\
         cat >/run/tunnel.conf <<'END'\n{configuration}\nEND\nwg setconf wg0 /run/tunnel.conf\n\
         ip address add {GUEST}/32 dev wg0\nip link set wg0 mtu 1420 up\n\
         ip route add {PEER}/32 dev wg0\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_their_headers() {
        let command = Course::DatagramsUp(64).command(10);
        assert!(command.ends_with("--length 36 --blockcount 10"));
        let command = Course::ConnectionDown.command(10);
        assert!(command.ends_with("--reverse --bytes 14000"));
    }

    #[test]
    fn each_course_is_run_twice_between_readings() {
        let script = script();
        let readings = script.lines().filter(|line| *line == "reading").count();
        assert_eq!(readings, 3 * Course::ALL.len());
        for packets in PACKETS {
            assert!(script.contains(&format!("receive {packets} 1372 >")));
        }
    }
}
