//! What it takes to carry data through a tunnel, and what Linux's own WireGuard takes for the same.
//!
//! iperf3 in the guest sends to one on the host, through the tunnel's peer there: in our system, where the tunnel is below the
//! guest, and on a plain machine in the same emulator, where the same kernel has a tunnel of its own. Everything that the
//! machine executes counts: in our case the guest, its monitor, the servers and the kernel together.
//!
//! The other direction would measure the host: what comes slowly drowns in the machine's idle ticks, and of what comes fast
//! the host loses some. So would TCP, by what the peer on the host makes of losses.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use super::machines::{self, IPERF3_PORT};
use super::{Figure, guest};
use crate::guest::Extra;
use crate::host;
use crate::progress::step;
use crate::workspace::{self, Metadata};

/// The peer's address in the tunnel, and the guest's.
const PEER: &str = "10.66.0.1";
const GUEST: &str = "10.66.0.2";

/// Mebibytes of the shorter and the longer step.
const MEBIBYTES: [u64; 2] = [4, 20];
/// Bytes of data in a datagram, which has 1,400 with its headers in the tunnel.
const BYTES: u64 = 1372;

/// Whose tunnel it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tunnel {
    /// That of our system with a network.
    Ours,
    /// The guest's own, without us.
    Linux,
}

/// Measures one of the two.
pub(super) fn measure(metadata: &Metadata, tunnel: Tunnel) -> Result<Figure> {
    host::ensure(&[host::IPERF3])?;
    let folder = workspace::path("target/bench/throughput");
    let (machine, _peer) = match tunnel {
        Tunnel::Ours => machines::with_tunnel(metadata, &folder, &steps(), &[Extra::Iperf3])?,
        Tunnel::Linux => machines::plain(&folder, plain_script)?,
    };
    let (what, prefix) = match tunnel {
        Tunnel::Ours => ("Measuring the tunnel's throughput", "tunnel"),
        Tunnel::Linux => ("Measuring that of Linux's own", "linux-tunnel"),
    };
    let _server = Server::start()?;
    let counts = step(what, || guest::marks(&machine, &folder, &[]))?;
    from_counts(prefix, &counts)
}

/// iperf3 on the host, until this is dropped.
struct Server(Child);

impl Server {
    fn start() -> Result<Server> {
        let server = Command::new("iperf3")
            .args(["--server", "--bind", "127.0.0.1"])
            .args(["--port", &IPERF3_PORT.to_string()])
            .stdout(Stdio::null())
            .spawn();
        server.map(Server).context("iperf3 cannot be started")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The guest's steps, once packets get to the peer; an exchange of keys that begins then is given time to end.
fn steps() -> String {
    let mut script = format!(
        "mark() {{ echo mark >/dev/ttyS0; }}\n\
         until ping -c 1 -W 1 {PEER}; do sleep 1; done\nsleep 5\nset -e\nmark\n"
    );
    for mebibytes in MEBIBYTES {
        script += &format!(
            "iperf3 --client {PEER} --port {IPERF3_PORT} --bytes {mebibytes}M --udp --length {BYTES} --bitrate 0\nmark\n"
        );
    }
    script
}

/// The same, after making a tunnel. What only wg-quick reads of the configuration is left out for wg.
fn plain_script(configuration: &str) -> String {
    let only_quick = ["Address", "DNS", "MTU"];
    let lines = configuration.lines();
    let lines = lines.filter(|line| !only_quick.iter().any(|word| line.starts_with(word)));
    let configuration = lines.collect::<Vec<_>>().join("\n");
    format!(
        "for module in /lib/modules/wireguard/*.ko; do insmod $module; done\n\
         until grep -q nameserver /etc/resolv.conf; do sleep 1; done\n\
         cat >/run/tunnel.conf <<'END'\n{configuration}\nEND\n\
         ip link add wg0 type wireguard && wg setconf wg0 /run/tunnel.conf\n\
         ip address add {GUEST}/32 dev wg0\nip link set wg0 mtu 1420\nip link set wg0 up\n\
         ip route add {PEER}/32 dev wg0\n{}",
        steps()
    )
}

fn from_counts(prefix: &str, counts: &[u64]) -> Result<Figure> {
    let &[before, short, long] = counts else {
        bail!("the guest took {} steps", counts.len());
    };
    let bytes = (MEBIBYTES[1] - MEBIBYTES[0]) << 20;
    let value = guest::difference([before, short, long])? * BYTES / bytes;
    Ok(Figure::new(
        &format!("{prefix}-udp-up"),
        value,
        "instructions",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_about_one_datagram() {
        let (common, cost) = (1_000_000, 20);
        let mut counts = vec![3_000_000_000];
        for mebibytes in MEBIBYTES {
            let last = counts[counts.len() - 1];
            counts.push(last + common + (mebibytes << 20) * cost);
        }
        let figure = from_counts("tunnel", &counts).expect("all steps are there");
        assert_eq!(figure.value, BYTES * cost);
        assert_eq!(figure.name, "tunnel-udp-up");
        assert!(from_counts("tunnel", &counts[1..]).is_err());
    }

    #[test]
    fn wg_gets_what_it_reads() {
        let text =
            "[Interface]\nPrivateKey = k\nAddress = a\nMTU = 1420\n\n[Peer]\nPublicKey = p\n";
        let script = plain_script(text);
        assert!(script.contains("\nPrivateKey = k\n\n[Peer]\nPublicKey = p\n"));
        assert!(!script.contains("Address = a"));
    }
}
