//! A network that the host's own kernel makes, with a peer of another make at its end.
//!
//! The machine's card is a tap device in a network namespace that is a router. Beyond it, in a namespace of its own, is
//! another make's program as the other end of the tunnel, and behind that a web server. So what the machine meets are
//! Linux's routers, with their errors, and not an emulator's.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::host;
use crate::process::run_quietly;
use crate::qemu::Machine;

/// Where the machine's tunnel finds the peer at first.
pub(crate) const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 2));

/// The router's Ethernet address, which begins as those of QEMU's networks do.
const ROUTER: &str = "52:55:c0:00:02:01";

/// How long the peer may take to make its interface.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whose program the peer is.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Make {
    /// Debian's wireguard-go.
    WireguardGo,
    /// boringtun-cli, which Debian does not have: a test only where somebody has installed it.
    Boringtun,
}

impl Make {
    fn program(self) -> &'static str {
        match self {
            Make::WireguardGo => "wireguard-go",
            Make::Boringtun => "boringtun-cli",
        }
    }

    /// What makes it serve an interface until it is ended.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Make::WireguardGo => &["-f"],
            Make::Boringtun => &["-f", "--disable-drop-privileges"],
        }
    }
}

/// Something that happens to the network when the guest asks for it; the web page says when it is done.
#[derive(Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ForeignDeed {
    /// The way between machine and peer takes packets of 1,300 bytes only, either way, over IPv4 and IPv6.
    NarrowThePath,
    /// The peer loses its IPv4 address and goes on over IPv6.
    MoveThePeer,
    /// The peer is killed and started with its configuration: it knows no session, nor where the machine is.
    RestartThePeer,
}

/// The network, until this is dropped.
pub(crate) struct Foreign {
    make: Make,
    folder: PathBuf,
    tunnel: Child,
    page: Child,
    _spaces: Namespaces,
    _turn: MutexGuard<'static, ()>,
}

/// Of the scenarios that this process plays at a time, one has such a network: its names are the process's.
static TURN: Mutex<()> = Mutex::new(());

/// Two network namespaces; the kernel takes with them what is in them.
struct Namespaces;

/// Why this host cannot have such a network, if it cannot. Installs what it lacks of programs.
pub(crate) fn obstacle(make: Make) -> Result<Option<String>> {
    if run_quietly(Command::new("id").arg("-u"))?.trim() != "0" {
        return Ok(Some("it takes root to make network namespaces".into()));
    }
    if !Path::new("/dev/net/tun").exists() {
        return Ok(Some("the host has no /dev/net/tun".into()));
    }
    if make == Make::Boringtun && !host::BORINGTUN.is_met() {
        return Ok(Some("boringtun-cli is not installed".into()));
    }
    if let Err(error) = host::ensure(&host::WIREGUARD) {
        return Ok(Some(in_one_line(&error)));
    }
    remove_orphans();
    let able = try_namespace();
    // If it could not be made there is nothing to take away.
    let _ = run(&format!("ip netns del {}", name("probe")));
    Ok(able.err().map(|error| {
        let error = in_one_line(&error);
        format!("the host makes no network namespaces: {error}")
    }))
}

fn in_one_line(error: &anyhow::Error) -> String {
    format!("{error:#}").replace('\n', " ")
}

/// Removes the namespaces, and wireguard-go's sockets, of tools that were killed: their processes are no more.
fn remove_orphans() {
    let listed = run_quietly(Command::new("ip").args(["netns", "list"])).unwrap_or_default();
    for (space, process) in listed.lines().filter_map(made_by) {
        if !Path::new("/proc").join(process.to_string()).exists() {
            // Another tool may have removed it meanwhile.
            let _ = run(&format!("ip netns del {space}"));
            let _ = fs::remove_file(socket(process));
        }
    }
}

/// A namespace of such a tool in a line of `ip netns list`, and its process.
fn made_by(line: &str) -> Option<(&str, u32)> {
    let space = line.split_whitespace().next()?;
    let (process, _) = space.strip_prefix("sekisho-")?.split_once('-')?;
    Some((space, process.parse().ok()?))
}

/// Tries what it takes to make the network.
fn try_namespace() -> Result<()> {
    let probe = name("probe");
    run(&format!("ip netns add {probe}"))?;
    run(&format!("ip -n {probe} tuntap add mode tap name tap0"))?;
    run(&format!(
        "ip -n {probe} link add one type veth peer name other"
    ))?;
    forward(&probe)
}

/// Connects the machine's card to the network.
pub(crate) fn connect(machine: &mut Machine) {
    let tap = "tap,id=net0,ifname=machine,script=no,downscript=no,vnet_hdr=off";
    machine.extra.extend(["-netdev".into(), tap.into()]);
    let launcher = ["ip", "netns", "exec", &name("router")];
    machine.launcher = launcher.map(str::to_owned).into();
}

impl Foreign {
    /// Makes the network; the peer's configuration is in `folder`.
    pub(crate) fn start(make: Make, folder: &Path) -> Result<Foreign> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody killed may have left some.
        drop(Namespaces);
        let spaces = Namespaces;
        let (router, peer) = (name("router"), name("peer"));
        for line in [
            format!("ip netns add {router}"),
            format!("ip netns add {peer}"),
            format!("ip -n {router} tuntap add mode tap name machine"),
            // Those who judge the wire know a router by its address.
            format!("ip -n {router} link set machine address {ROUTER}"),
            format!("ip -n {router} link add outside type veth peer name wire netns {peer}"),
            format!("ip -n {router} addr add 192.0.2.1/24 dev machine"),
            format!("ip -n {router} addr add 2001:db8:1::1/64 dev machine nodad"),
            format!("ip -n {router} addr add 198.51.100.1/24 dev outside"),
            format!("ip -n {router} addr add 2001:db8:2::1/64 dev outside nodad"),
            format!("ip -n {peer} addr add {}/24 dev wire", PEER),
            format!("ip -n {peer} addr add 2001:db8:2::2/64 dev wire nodad"),
            format!("ip -n {router} link set machine up"),
            format!("ip -n {router} link set outside up"),
            format!("ip -n {peer} link set wire up"),
            format!("ip -n {peer} route add default via 198.51.100.1"),
            format!("ip -n {peer} route add default via 2001:db8:2::1"),
        ] {
            run(&line)?;
        }
        forward(&router)?;
        fs::write(folder.join("page"), "This page came through the tunnel.\n")?;
        let mut page = inside(&peer, &std::env::current_exe()?.display().to_string());
        let page = page.arg("page").arg(folder.join("page"));
        Ok(Foreign {
            make,
            folder: folder.to_owned(),
            tunnel: start_tunnel(make, folder)?,
            page: page.stdin(Stdio::null()).spawn()?,
            _spaces: spaces,
            _turn: turn,
        })
    }

    /// A program beside the peer, which ends when this tool does.
    pub(crate) fn beside_peer(&self, program: &str) -> Command {
        inside(&name("peer"), program)
    }

    /// The same at the router that the machine is connected to.
    pub(crate) fn at_router(&self, program: &str) -> Command {
        inside(&name("router"), program)
    }

    /// Does it, and lets the web page say so.
    pub(super) fn carry_out(&mut self, deed: ForeignDeed) -> Result<()> {
        let (router, peer, tunnel) = (name("router"), name("peer"), interface());
        let done = match deed {
            ForeignDeed::NarrowThePath => {
                for (to, link) in [
                    ("198.51.100.2", "outside"),
                    ("2001:db8:2::2", "outside"),
                    ("192.0.2.2", "machine"),
                    ("2001:db8:1::2", "machine"),
                ] {
                    run(&format!(
                        "ip -n {router} route add {to} dev {link} mtu lock 1300"
                    ))?;
                }
                "the path is narrow"
            }
            ForeignDeed::MoveThePeer => {
                let key = guest_key(&self.folder)?;
                run(&format!(
                    "ip netns exec {peer} wg set {tunnel} peer {key} endpoint [2001:db8:1::2]:51820 persistent-keepalive 1"
                ))?;
                run(&format!("ip -n {peer} addr del {}/24 dev wire", PEER))?;
                "the peer has moved"
            }
            ForeignDeed::RestartThePeer => {
                end(&mut self.tunnel);
                self.tunnel = start_tunnel(self.make, &self.folder)?;
                "the peer is afresh"
            }
        };
        let page = self.folder.join("page");
        let text = fs::read_to_string(&page)?;
        Ok(fs::write(&page, format!("{text}{done}\n"))?)
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        end(&mut self.tunnel);
        end(&mut self.page);
        // What was killed leaves its socket.
        let _ = fs::remove_file(socket(std::process::id()));
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for space in ["router", "peer"] {
            // One that was not made is not there.
            let _ = run(&format!("ip netns del {}", name(space)));
        }
    }
}

/// Starts the peer with the configuration in the folder, and gives its interface the inside addresses.
fn start_tunnel(make: Make, folder: &Path) -> Result<Child> {
    let (peer, tunnel) = (name("peer"), interface());
    let program = make.program();
    let log = File::create(folder.join(program).with_extension("log"))?;
    let child = inside(&peer, program)
        .args(make.arguments())
        .arg(&tunnel)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("{program} cannot be started"))?;
    let mut started = Started(Some(child));
    let deadline = Instant::now() + PATIENCE;
    while run(&format!("ip netns exec {peer} wg show {tunnel}")).is_err() {
        ensure!(Instant::now() < deadline, "{program} makes no interface");
        thread::sleep(Duration::from_millis(100));
    }
    let configuration = folder.join("wireguard.conf");
    let text = fs::read_to_string(folder.join("peer.conf"))?;
    fs::write(&configuration, without_addresses(&text))?;
    run_quietly(
        inside(&peer, "wg")
            .args(["setconf", &tunnel])
            .arg(&configuration),
    )?;
    for line in [
        format!("ip -n {peer} addr add 10.66.0.1/24 dev {tunnel}"),
        format!("ip -n {peer} addr add fd9c:51e8:6b21::1/64 dev {tunnel} nodad"),
        format!("ip -n {peer} link set {tunnel} mtu 1420 up"),
    ] {
        run(&line)?;
    }
    started.0.take().context("it was just started")
}

/// A program that is ended if what comes after its start fails.
struct Started(Option<Child>);

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            end(child);
        }
    }
}

fn end(child: &mut Child) {
    // Both fail only for a process that is gone.
    let _ = child.kill();
    let _ = child.wait();
}

/// What wg(8) reads of a configuration that wg-quick(8) reads.
pub(crate) fn without_addresses(text: &str) -> String {
    let is_known = |line: &&str| {
        let word = line.split('=').next().unwrap_or_default().trim();
        !matches!(word, "Address" | "DNS" | "MTU")
    };
    let lines = text.lines().filter(is_known);
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The public key of the machine's end, from the peer's configuration.
fn guest_key(folder: &Path) -> Result<String> {
    let text = fs::read_to_string(folder.join("peer.conf"))?;
    let mut lines = text.lines();
    let key = lines.find_map(|line| line.strip_prefix("PublicKey = "));
    Ok(key.context("the peer knows nobody")?.to_owned())
}

/// Packets that are for others are passed on in this namespace.
fn forward(space: &str) -> Result<()> {
    let script =
        "echo 1 >/proc/sys/net/ipv4/ip_forward && echo 1 >/proc/sys/net/ipv6/conf/all/forwarding";
    run_quietly(inside(space, "sh").args(["-c", script])).map(drop)
}

/// The namespaces of this process have names of their own.
fn name(part: &str) -> String {
    format!("sekisho-{}-{part}", std::process::id())
}

/// The peer's socket is named after its interface, in a folder that all namespaces share.
fn interface() -> String {
    format!("wg{}", std::process::id())
}

fn socket(process: u32) -> String {
    format!("/var/run/wireguard/wg{process}.sock")
}

/// A program in a namespace, which ends when whoever started it does (setpriv is Debian's util-linux).
fn inside(space: &str, program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "ip", "netns", "exec", space, program]);
    command
}

/// Runs a command whose words have no blanks.
fn run(line: &str) -> Result<()> {
    let mut words = line.split(' ');
    let mut command = Command::new(words.next().unwrap_or_default());
    run_quietly(command.args(words)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespaces_tell_who_made_them() {
        let found = Some(("sekisho-17-router", 17));
        assert_eq!(made_by("sekisho-17-router (id: 3)"), found);
        assert_eq!(made_by("sekisho-17-router"), found);
        assert_eq!(made_by("sekisho-outside"), None);
        assert_eq!(made_by("somebody-17-router"), None);
    }

    #[test]
    fn what_only_wg_quick_knows_is_left_out() {
        let text =
            "[Interface]\nPrivateKey = a=\nAddress = 10.0.0.1/32\nMTU = 1420\nListenPort = 1\n";
        assert_eq!(
            without_addresses(text),
            "[Interface]\nPrivateKey = a=\nListenPort = 1\n"
        );
    }
}
