//! From text to a configuration, line by line.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
    vec::Vec,
};
use core::{str::FromStr, time::Duration};

use super::{
    Configuration, ConfigurationError, PEERS_MAX, Peer, Problem, SEARCH_BYTES_MAX,
    draft::{InterfaceDraft, PeerDraft},
    key_text,
};

/// No name of a key or section is longer; secrets are.
const NAME_MAX: usize = 24;

/// The MTUs that make sense: what IPv6 asks of every link (RFC 8200, section 5), up to what an Ethernet frame holds.
const MTU_RANGE: core::ops::RangeInclusive<u16> = 1280..=1500;

impl Configuration {
    /// The configuration that `text` is.
    ///
    /// # Errors
    ///
    /// The first line that says something unknown, twice or wrong; or what is missing at the end.
    pub fn parse(text: &[u8]) -> Result<Self, ConfigurationError> {
        let mut parser = Parser::default();
        let Ok(text) = core::str::from_utf8(text) else {
            return Err(not_text(text));
        };
        for line in text.lines() {
            parser.line += 1;
            let taken = parser.take(line);
            taken.map_err(|problem| parser.error(problem))?;
        }
        let line = parser.line.max(1);
        let finished = parser.finish();
        finished.map_err(|problem| ConfigurationError { line, problem })
    }
}

fn not_text(bytes: &[u8]) -> ConfigurationError {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let position = lines.position(|line| core::str::from_utf8(line).is_err());
    ConfigurationError {
        line: position.map_or(1, |before| before + 1),
        problem: Problem::NotText,
    }
}

#[derive(Default)]
struct Parser {
    line: usize,
    section: Section,
    interface: Option<InterfaceDraft>,
    peers: Vec<Peer>,
}

/// The section that is being read.
#[derive(Default)]
enum Section {
    #[default]
    None,
    Interface,
    Peer(PeerDraft),
}

impl Parser {
    fn error(&self, problem: Problem) -> ConfigurationError {
        let line = self.line;
        ConfigurationError { line, problem }
    }

    fn take(&mut self, line: &str) -> Result<(), Problem> {
        let content = line.split('#').next().unwrap_or_default().trim();
        if content.is_empty() {
            return Ok(());
        }
        if let Some(name) = content.strip_prefix('[') {
            let name = name.strip_suffix(']').ok_or(Problem::NotALine)?;
            return self.begin(name.trim());
        }
        // The first sign only: keys end in more of them.
        let (key, value) = content.split_once('=').ok_or(Problem::NotALine)?;
        let (key, value) = (key.trim(), value.trim());
        match &mut self.section {
            Section::None => Err(Problem::OutsideSections(name(key))),
            Section::Interface => match &mut self.interface {
                Some(interface) => interface_line(interface, key, value),
                None => Err(Problem::NoInterface),
            },
            Section::Peer(peer) => peer_line(peer, key, value),
        }
    }

    fn begin(&mut self, name: &str) -> Result<(), Problem> {
        self.end_section()?;
        if name.eq_ignore_ascii_case("interface") {
            if self.interface.is_some() {
                return Err(Problem::SecondInterface);
            }
            self.interface = Some(InterfaceDraft::default());
            self.section = Section::Interface;
        } else if name.eq_ignore_ascii_case("peer") {
            self.section = Section::Peer(PeerDraft::default());
        } else {
            return Err(Problem::UnknownSection(self::name(name)));
        }
        Ok(())
    }

    fn end_section(&mut self) -> Result<(), Problem> {
        if let Section::Peer(draft) = core::mem::take(&mut self.section) {
            let peer = draft.finish()?;
            if self.peers.len() == PEERS_MAX {
                return Err(Problem::TooManyPeers);
            }
            check_against(&peer, &self.peers)?;
            self.peers.push(peer);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Configuration, Problem> {
        self.end_section()?;
        let interface = self.interface.ok_or(Problem::NoInterface)?.finish()?;
        let own = interface.private_key.public_key();
        if self.peers.is_empty() {
            return Err(Problem::NoPeer);
        }
        if self.peers.iter().any(|peer| peer.public_key == own) {
            return Err(Problem::OwnKey);
        }
        Ok(Configuration {
            interface,
            peers: self.peers,
        })
    }
}

fn check_against(peer: &Peer, others: &[Peer]) -> Result<(), Problem> {
    for other in others {
        if other.public_key == peer.public_key {
            return Err(Problem::SamePeer);
        }
        let mut networks = peer.allowed_ips.iter();
        if let Some(network) = networks.find(|network| other.allowed_ips.contains(network)) {
            return Err(Problem::SameNetwork(network.to_string()));
        }
    }
    Ok(())
}

fn interface_line(draft: &mut InterfaceDraft, key: &str, value: &str) -> Result<(), Problem> {
    match key.to_ascii_lowercase().as_str() {
        "privatekey" => once(
            &mut draft.private_key,
            "PrivateKey",
            secret("PrivateKey", value)?,
        ),
        "address" => append(&mut draft.addresses, "Address", NETWORK, value),
        "dns" => value
            .split(',')
            .try_for_each(|word| resolver_or_domain(draft, word.trim())),
        "mtu" => {
            let mtu = parsed("MTU", "a number from 1280 to 1500", value)?;
            if !MTU_RANGE.contains(&mtu) {
                return Err(bad("MTU", "a number from 1280 to 1500", value));
            }
            once(&mut draft.mtu, "MTU", mtu)
        }
        "listenport" => {
            let port = parsed("ListenPort", "a port number", value)?;
            once(&mut draft.listen_port, "ListenPort", port)
        }
        "fwmark" | "table" | "preup" | "postup" | "predown" | "postdown" | "saveconfig" => {
            Err(Problem::OfAHost(name(key)))
        }
        _ => Err(unknown("Interface", key)),
    }
}

fn resolver_or_domain(draft: &mut InterfaceDraft, word: &str) -> Result<(), Problem> {
    if let Ok(address) = word.parse() {
        draft.dns.push(address);
        return Ok(());
    }
    if !is_domain(word) {
        return Err(bad(
            "DNS",
            "an IP address, or a domain to be searched",
            word,
        ));
    }
    draft.search.push(word.to_ascii_lowercase());
    // In a message a name has a byte before each label, and one behind the last (RFC 1035, section 3.1).
    let length: usize = draft.search.iter().map(|domain| domain.len() + 2).sum();
    if length > SEARCH_BYTES_MAX {
        return Err(Problem::TooManyDomains);
    }
    Ok(())
}

/// Whether it is a name of hosts (RFC 1123, section 2.1), and no address with a slip of the pen.
fn is_domain(word: &str) -> bool {
    let is_label = |label: &str| {
        let mut bytes = label.bytes();
        (1..64).contains(&label.len()) && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let top = word.rsplit('.').next().unwrap_or_default();
    word.split('.').all(is_label) && top.starts_with(|first: char| first.is_ascii_alphabetic())
}

fn peer_line(draft: &mut PeerDraft, key: &str, value: &str) -> Result<(), Problem> {
    match key.to_ascii_lowercase().as_str() {
        "publickey" => {
            let expected = "32 bytes in base64, of which a key can be agreed";
            let decoded = key_text::decode(value).map(|key| (*key).into());
            let public_key = decoded.ok_or_else(|| bad("PublicKey", expected, value))?;
            once(&mut draft.public_key, "PublicKey", public_key)
        }
        "presharedkey" => {
            let preshared_key = secret("PresharedKey", value)?;
            once(&mut draft.preshared_key, "PresharedKey", preshared_key)
        }
        "allowedips" => {
            let before = draft.allowed_ips.len();
            append(&mut draft.allowed_ips, "AllowedIPs", NETWORK, value)?;
            let new = draft.allowed_ips.iter_mut().skip(before);
            new.for_each(|network| *network = network.truncated());
            Ok(())
        }
        "endpoint" => {
            let expected = "ADDRESS:PORT or [ADDRESS]:PORT; names are not looked up";
            let endpoint = parsed("Endpoint", expected, value)?;
            once(&mut draft.endpoint, "Endpoint", endpoint)
        }
        "persistentkeepalive" => {
            let key = "PersistentKeepalive";
            let seconds: u16 = match value {
                "off" => 0,
                _ => parsed(key, "a number of seconds up to 65535, or `off`", value)?,
            };
            let interval = (seconds > 0).then(|| Duration::from_secs(seconds.into()));
            once(&mut draft.persistent_keepalive, key, interval)
        }
        _ => Err(unknown("Peer", key)),
    }
}

const NETWORK: &str = "an address with a prefix length, as in 10.0.0.2/24";

fn once<T>(place: &mut Option<T>, key: &'static str, value: T) -> Result<(), Problem> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Problem::Repeated(key)),
    }
}

fn append<T: FromStr>(
    list: &mut Vec<T>,
    key: &'static str,
    expected: &'static str,
    value: &str,
) -> Result<(), Problem> {
    for word in value.split(',') {
        list.push(parsed(key, expected, word.trim())?);
    }
    Ok(())
}

fn parsed<T: FromStr>(key: &'static str, expected: &'static str, word: &str) -> Result<T, Problem> {
    word.parse().map_err(|_| bad(key, expected, word))
}

/// A key that must not appear in a message.
fn secret<T: From<[u8; 32]>>(key: &'static str, value: &str) -> Result<T, Problem> {
    let decoded = key_text::decode(value).ok_or(Problem::BadValue {
        key,
        expected: "32 bytes in base64",
        word: None,
    })?;
    Ok(T::from(*decoded))
}

fn bad(key: &'static str, expected: &'static str, word: &str) -> Problem {
    Problem::BadValue {
        key,
        expected,
        word: Some(word.to_owned()),
    }
}

fn unknown(section: &'static str, key: &str) -> Problem {
    let key = name(key);
    Problem::UnknownKey { section, key }
}

/// A word to be repeated in a message, unless it could be a key that was put into the wrong place.
fn name(word: &str) -> String {
    let is_name = word.len() <= NAME_MAX && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_name { word } else { "..." }.to_owned()
}
