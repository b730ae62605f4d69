//! The whole way of a guest's packets without a machine: a guest of smoltcp's, the gateway and the tunnel of
//! `vpn-core`, a UDP socket, and the peer as a process of its own.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::{dns, icmp, tcp};
use smoltcp::wire::{
    DnsQueryType, EthernetAddress, HardwareAddress, Icmpv4Packet, Icmpv4Repr, Icmpv6Packet,
    Icmpv6Repr, IpAddress, IpCidr,
};
use tempfile::TempDir;
use vpn_core::configuration::Configuration;
use vpn_core::inside::{self, FromGuest, Inside, SERVICE_ADDRESS, SERVICE_ADDRESS_6, ToGuest};
use vpn_core::tunnel::{Circumstances, Policy, Received, Sealed, Tunnel, Wire};

const PEER: Ipv4Addr = Ipv4Addr::new(10, 66, 0, 1);
const PEER_6: Ipv6Addr = Ipv6Addr::new(0xfd9c, 0x51e8, 0x6b21, 0, 0, 0, 0, 1);
const FRAME_HEADER: usize = 14;
/// A bound for hangs, not for slow hosts.
const PATIENCE: Duration = Duration::from_secs(300);

/// The peer's process, ended with the test.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes configurations and starts the peer; the guest's configuration.
fn peer(folder: &TempDir, arguments: &[&str]) -> (Peer, Configuration) {
    let program = env!("CARGO_BIN_EXE_peer");
    let made = Command::new(program)
        .args(["create", "--host", "127.0.0.1"])
        .arg(folder.path().join("keys"))
        .status();
    assert!(made.expect("it runs").success());
    let mut child = Command::new(program)
        .arg("serve")
        .arg(folder.path().join("keys/peer.conf"))
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let output = child.stdout.take().expect("it is piped");
    let first = BufReader::new(output).lines().next();
    let first = first.expect("it says something").expect("it is text");
    assert!(first.starts_with("the peer listens"), "{first}");
    let text = std::fs::read(folder.path().join("keys/guest.conf")).expect("it is there");
    (
        Peer(child),
        Configuration::parse(&text).expect("it is right"),
    )
}

struct Socket(UdpSocket);

impl Wire for Socket {
    fn send(&mut self, to: SocketAddr, datagram: &[u8]) {
        self.0.send_to(datagram, to).expect("the host takes it");
    }
}

/// What stands between the guest and the host: the gateway, the tunnel, the wire.
struct Card {
    start: Instant,
    inside: Inside,
    tunnel: Tunnel,
    wire: Socket,
    frames: Vec<Vec<u8>>,
}

impl Card {
    fn new(configuration: &Configuration, policy: Policy) -> Self {
        let mut own = (None, None);
        for network in &configuration.interface.addresses {
            match network.address() {
                IpAddr::V4(address) => own.0 = Some(address),
                IpAddr::V6(address) => own.1 = Some(address),
            }
        }
        let inside = inside::Configuration {
            ipv4: own.0,
            ipv6: own.1,
            resolvers: configuration.interface.dns.clone(),
            search: configuration.interface.search.clone(),
            mtu: configuration.interface.mtu,
            flows_per_second: 100,
            ..Default::default()
        };
        let now = std::time::SystemTime::now();
        let since_1970 = now.duration_since(std::time::SystemTime::UNIX_EPOCH);
        let circumstances = Circumstances {
            boot_time: since_1970.expect("it is later"),
            remembered_labels: Duration::ZERO,
            post_quantum: policy,
        };
        let socket = UdpSocket::bind("127.0.0.1:0").expect("there is a port");
        socket.set_nonblocking(true).expect("it can be");
        Self {
            start: Instant::now(),
            inside: Inside::new(inside, [3; 32], Duration::ZERO),
            tunnel: Tunnel::new(configuration, circumstances, [4; 32]).expect("keys are right"),
            wire: Socket(socket),
            frames: Vec::new(),
        }
    }

    fn seal(&mut self, packet: &[u8]) {
        let (mut buffer, mut message) = ([0; 2048], [0; 2048]);
        buffer[..packet.len()].copy_from_slice(packet);
        let now = self.start.elapsed();
        let length = packet.len();
        let sealed = self
            .tunnel
            .seal(&mut buffer, length, &mut message, now, &mut self.wire);
        if let Sealed::Message { to, length } = sealed {
            self.wire.send(to, &message[..length]);
        }
    }

    /// Does what is due on both sides.
    fn advance(&mut self) {
        let now = self.start.elapsed();
        let mut datagram = [0; 2048];
        while let Ok((length, from)) = self.wire.0.recv_from(&mut datagram) {
            let (message, mut frame) = (&datagram[..length], vec![0; 2048]);
            let room = &mut frame[FRAME_HEADER..];
            let received = self
                .tunnel
                .receive(from, &message, room, now, &mut self.wire);
            if let Received::Packet(length) = received {
                frame.truncate(FRAME_HEADER + length);
                if let ToGuest::Frame(length) = self.inside.to_guest(&mut frame, now) {
                    frame.truncate(length);
                    self.frames.insert(0, frame);
                }
            }
        }
        if self.inside.next_deadline() <= now {
            self.inside.on_deadline(now);
        }
        if self
            .tunnel
            .next_deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            self.tunnel.on_deadline(now, &mut self.wire);
        }
        while let Some(packet) = self.inside.next_packet() {
            self.seal(&packet);
        }
        while let Some(frame) = self.inside.next_frame() {
            self.frames.insert(0, frame);
        }
    }
}

struct Incoming(Vec<u8>);
struct Outgoing<'a>(&'a mut Card);

impl RxToken for Incoming {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut frame = vec![0; length];
        let result = write(&mut frame);
        let now = self.0.start.elapsed();
        let checksum = frame_api::Checksum::Unchecked;
        if let FromGuest::Packet(range) = self.0.inside.from_guest(&mut frame, checksum, now) {
            self.0.seal(&frame[range]);
        }
        result
    }
}

impl Device for Card {
    type RxToken<'a> = Incoming;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Incoming, Outgoing<'_>)> {
        let frame = self.frames.pop()?;
        Some((Incoming(frame), Outgoing(self)))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Outgoing<'_>> {
        Some(Outgoing(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = FRAME_HEADER + 1420;
        capabilities
    }
}

/// A guest with both families.
struct Guest {
    card: Card,
    interface: Interface,
    sockets: SocketSet<'static>,
}

impl Guest {
    fn new(configuration: &Configuration, policy: Policy) -> Self {
        let mut card = Card::new(configuration, policy);
        let address = EthernetAddress(frame_api::GUEST_ADDRESS);
        let mut config = Config::new(HardwareAddress::Ethernet(address));
        config.random_seed = 5;
        let zero = smoltcp::time::Instant::ZERO;
        let mut interface = Interface::new(config, &mut card, zero);
        interface.update_ip_addrs(|addresses| {
            let own = [
                IpCidr::new(IpAddress::v4(10, 66, 0, 2), 31),
                // One that the guest made for itself.
                IpCidr::new(IpAddress::v6(0xfd9c, 0x51e8, 0x6b21, 0, 9, 8, 7, 6), 128),
                IpCidr::new(IpAddress::v6(0xfe80, 0, 0, 0, 0x53, 0x4bff, 0xfe00, 2), 64),
            ];
            own.into_iter()
                .for_each(|own| addresses.push(own).expect("there is room"));
        });
        let routes = interface.routes_mut();
        let gateway = Ipv4Addr::new(10, 66, 0, 3);
        let gateway_6 = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x53, 0x4bff, 0xfe00, 1);
        routes
            .add_default_ipv4_route(gateway)
            .expect("there is room");
        routes
            .add_default_ipv6_route(gateway_6)
            .expect("there is room");
        Self {
            card,
            interface,
            sockets: SocketSet::new(Vec::new()),
        }
    }

    /// Goes on until `done` has something.
    fn until<T>(
        &mut self,
        mut done: impl FnMut(&mut Interface, &mut SocketSet<'static>) -> Option<T>,
    ) -> T {
        let start = Instant::now();
        loop {
            self.card.advance();
            let now = i64::try_from(self.card.start.elapsed().as_millis()).expect("it is short");
            let now = smoltcp::time::Instant::from_millis(now);
            self.interface.poll(now, &mut self.card, &mut self.sockets);
            if let Some(result) = done(&mut self.interface, &mut self.sockets) {
                return result;
            }
            assert!(start.elapsed() < PATIENCE, "nothing came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn ping(&mut self, to: IpAddress) {
        let buffer = || icmp::PacketBuffer::new(vec![icmp::PacketMetadata::EMPTY; 4], vec![0; 512]);
        let mut socket = icmp::Socket::new(buffer(), buffer());
        socket.bind(icmp::Endpoint::Ident(77)).expect("it is free");
        let handle = self.sockets.add(socket);
        let mut sent = false;
        self.until(|interface, sockets| {
            let socket = sockets.get_mut::<icmp::Socket<'_>>(handle);
            if !sent {
                ask(socket, interface, to);
                sent = true;
            }
            let (_, from) = socket.recv().ok()?;
            assert_eq!(from, to);
            Some(())
        });
        self.sockets.remove(handle);
    }

    fn resolve(&mut self, name: &str, kind: DnsQueryType, by: IpAddress) -> Vec<IpAddress> {
        let handle = self.sockets.add(dns::Socket::new(&[by], vec![]));
        let socket = self.sockets.get_mut::<dns::Socket<'_>>(handle);
        let query = socket.start_query(self.interface.context(), name, kind);
        let query = query.expect("there is room");
        let found = self.until(|_, sockets| {
            let socket = sockets.get_mut::<dns::Socket<'_>>(handle);
            match socket.get_query_result(query) {
                Ok(addresses) => Some(addresses.to_vec()),
                Err(dns::GetQueryResultError::Pending) => None,
                Err(error) => panic!("{error}"),
            }
        });
        self.sockets.remove(handle);
        found
    }

    fn connect(&mut self, to: impl Into<smoltcp::wire::IpEndpoint>, port: u16) -> SocketHandle {
        let buffer = || tcp::SocketBuffer::new(vec![0; 64 << 10]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        let context = self.interface.context();
        socket
            .connect(context, to.into(), port)
            .expect("it is closed");
        self.sockets.add(socket)
    }

    /// Sends all, then reads until the other end closes.
    fn exchange(&mut self, handle: SocketHandle, send: &[u8]) -> Vec<u8> {
        let (mut sent, mut received) = (0, Vec::new());
        self.until(|_, sockets| {
            let socket = sockets.get_mut::<tcp::Socket<'_>>(handle);
            if socket.can_send() && sent < send.len() {
                sent += socket.send_slice(&send[sent..]).expect("it is open");
                if sent == send.len() && !send.starts_with(b"GET") && !send.starts_with(b"POST") {
                    socket.close();
                }
            }
            while socket.can_recv() {
                let chunk = socket.recv(|bytes| (bytes.len(), bytes.to_vec()));
                received.extend(chunk.expect("it can"));
            }
            let is_over =
                sent == send.len() && !socket.may_recv() && socket.state() != tcp::State::SynSent;
            is_over.then(|| socket.abort())
        });
        received
    }
}

fn ask(socket: &mut icmp::Socket<'_>, interface: &mut Interface, to: IpAddress) {
    let capabilities = smoltcp::phy::ChecksumCapabilities::default();
    let (ident, seq_no, data) = (77, 1, b"hello".as_slice());
    match to {
        IpAddress::Ipv4(_) => {
            let message = Icmpv4Repr::EchoRequest {
                ident,
                seq_no,
                data,
            };
            let room = socket
                .send(message.buffer_len(), to)
                .expect("there is room");
            message.emit(&mut Icmpv4Packet::new_unchecked(room), &capabilities);
        }
        IpAddress::Ipv6(destination) => {
            let message = Icmpv6Repr::EchoRequest {
                ident,
                seq_no,
                data,
            };
            let source = interface.get_source_address_ipv6(&destination);
            let room = socket
                .send(message.buffer_len(), to)
                .expect("there is room");
            let mut view = Icmpv6Packet::new_unchecked(room);
            message.emit(&source, &destination, &mut view, &capabilities);
        }
    }
}

#[test]
fn a_guest_pings_and_fetches_by_name_over_both_families() {
    let folder = tempfile::tempdir().expect("there is room");
    let (_peer, configuration) = peer(&folder, &["--post-quantum", "require"]);
    let mut guest = Guest::new(&configuration, Policy::Require);
    guest.ping(PEER.into());
    guest.ping(PEER_6.into());
    for (kind, by, expected) in [
        (
            DnsQueryType::A,
            SERVICE_ADDRESS.into(),
            IpAddress::from(PEER),
        ),
        (DnsQueryType::Aaaa, SERVICE_ADDRESS_6.into(), PEER_6.into()),
    ] {
        let found = guest.resolve("peer.sekisho.test", kind, by);
        assert_eq!(found, [expected]);
        let handle = guest.connect((expected, 80), 4000);
        let page = guest.exchange(handle, b"GET / HTTP/1.1\r\nHost: peer.sekisho.test\r\n\r\n");
        let page = String::from_utf8(page).expect("it is text");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
        assert!(page.contains("This page came through the tunnel"), "{page}");
        // "abc" and its hash are FIPS 180-4's example.
        let handle = guest.connect((expected, 80), 4001);
        let hash = guest.exchange(
            handle,
            b"POST /sha256 HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc",
        );
        let hash = String::from_utf8(hash).expect("it is text");
        assert!(
            hash.contains("\nba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n"),
            "{hash}"
        );
    }
    assert!(guest.card.tunnel.peers().all(|peer| peer.is_quantum_safe));
}

#[test]
fn connections_and_datagrams_reach_the_host_where_they_may() {
    let folder = tempfile::tempdir().expect("there is room");
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
    let port = listener.local_addr().expect("it has one").port();
    let text = port.to_string();
    let (_peer, configuration) = peer(&folder, &["--forward", &text]);
    let mut guest = Guest::new(&configuration, Policy::Prefer);
    // Sends everything back in upper case, when it has everything.
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut all = Vec::new();
        stream.read_to_end(&mut all).expect("it ends");
        stream
            .write_all(&all.to_ascii_uppercase())
            .expect("it is taken");
    });
    let much = vec![b'a'; 1 << 20];
    let handle = guest.connect((IpAddress::from(PEER), port), 4001);
    let back = guest.exchange(handle, &much);
    assert_eq!(back.len(), much.len());
    assert!(back.iter().all(|byte| *byte == b'A'));
    server.join().expect("it is content");
    // Nobody listens there any more, and there nobody may listen.
    for (to, port) in [
        (IpAddress::from(PEER), port),
        (PEER.into(), 22),
        (PEER_6.into(), 1),
    ] {
        let handle = guest.connect((to, port), 4002);
        guest.until(|_, sockets| {
            let state = sockets.get::<tcp::Socket<'_>>(handle).state();
            (state == tcp::State::Closed).then_some(())
        });
    }
}
