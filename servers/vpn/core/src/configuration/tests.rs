//! What is read, what is refused, and in which words.

use alloc::{format, string::ToString};
use core::time::Duration;

use base64ct::{Base64, Encoding};
use proptest::prelude::*;

use super::{Configuration, Network};

const WHOLE: &str = "\
# The office's gateway.
[Interface]
PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=
Address = 10.0.0.2/24, fd00::2/64
Address = 10.0.1.2
DNS = 10.0.0.1,fd00::1
MTU = 1380
ListenPort = 51820

[Peer]   # the gateway
publickey=xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=
PresharedKey = AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=
AllowedIPs = 0.0.0.0/0, ::/0
Endpoint = 192.0.2.7:51820
PersistentKeepalive = 25
[Peer]
PublicKey = TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=
AllowedIPs = 10.0.0.77/24
Endpoint = [2001:db8::7]:7
PersistentKeepalive = off
";

fn complaint(text: &str) -> alloc::string::String {
    match Configuration::parse(text.as_bytes()) {
        Ok(_) => "accepted".to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_whole_configuration_is_read() {
    let read = Configuration::parse(WHOLE.as_bytes()).expect("legal");
    let addresses: alloc::vec::Vec<_> = read
        .interface
        .addresses
        .iter()
        .map(Network::to_string)
        .collect();
    assert_eq!(addresses, ["10.0.0.2/24", "fd00::2/64", "10.0.1.2/32"]);
    assert_eq!(read.interface.dns.len(), 2);
    assert_eq!(read.interface.mtu, 1380);
    assert_eq!(read.interface.listen_port, Some(51820));
    let [first, second] = &read.peers[..] else {
        panic!("two peers")
    };
    assert_eq!(first.preshared_key.as_bytes()[31], 31);
    assert_eq!(first.persistent_keepalive, Some(Duration::from_secs(25)));
    assert_eq!(second.preshared_key.as_bytes(), &[0; 32]);
    assert_eq!(second.allowed_ips[0].to_string(), "10.0.0.0/24");
    assert_eq!(
        second.endpoint,
        Some("[2001:db8::7]:7".parse().expect("legal"))
    );
    assert_eq!(second.persistent_keepalive, None);
}

#[test]
fn complaints_name_line_and_word() {
    for (from, to, expected) in [
        (
            "ListenPort = 51820",
            "PostUp = rm -r /",
            "line 8: `PostUp` sets up the host that wg-quick runs on, and there is none here: remove this line",
        ),
        (
            "ListenPort = 51820",
            "Port = 51820",
            "line 8: [Interface] has no key `Port`",
        ),
        (
            "PersistentKeepalive = 25",
            "Keepalive = 25",
            "line 15: [Peer] has no key `Keepalive`",
        ),
        (
            "Address = 10.0.1.2",
            "Address = 10.0.1.2/33",
            "line 5: `Address` must be an address with a prefix length, as in 10.0.0.2/24, not `10.0.1.2/33`",
        ),
        (
            "DNS = 10.0.0.1",
            "DNS = 10.0.0.256",
            "line 6: `DNS` must be an IP address, or a domain to be searched, not `10.0.0.256`",
        ),
        (
            "MTU = 1380",
            "MTU = 9000",
            "line 7: `MTU` must be a number from 1280 to 1500, not `9000`",
        ),
        (
            "MTU = 1380",
            "MTU",
            "line 7: neither a [section] nor `key = value` nor a comment",
        ),
        (
            "MTU = 1380",
            "PrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
            "line 7: `PrivateKey` stands here a second time",
        ),
        (
            "192.0.2.7:51820",
            "vpn.example.org:51820",
            "line 14: `Endpoint` must be ADDRESS:PORT or [ADDRESS]:PORT; names are not looked up, not `vpn.example.org:51820`",
        ),
        (
            "10.0.0.77/24",
            "::/0",
            "line 20: another peer has `::/0` among its `AllowedIPs`",
        ),
        (
            "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=",
            "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=",
            "line 20: another peer has this `PublicKey` already",
        ),
        (
            "[Interface]",
            "[Interfaces]",
            "line 2: there is no section [Interfaces]",
        ),
        (
            "[Interface]\n",
            "",
            "line 2: `PrivateKey` stands before the first section",
        ),
    ] {
        assert!(WHOLE.contains(from), "{from}");
        assert_eq!(complaint(&WHOLE.replacen(from, to, 1)), expected);
    }
    assert_eq!(complaint(""), "line 1: there is no section [Interface]");
    assert_eq!(
        complaint(&format!("{WHOLE}[Interface]")),
        "line 21: [Interface] stands here a second time"
    );
    let alone = WHOLE.split("[Peer]").next().expect("a first part");
    assert_eq!(complaint(alone), "line 9: there is no section [Peer]");
}

#[test]
fn domains_stand_among_the_resolvers() {
    let with = |words: &str| WHOLE.replace("DNS = 10.0.0.1,fd00::1", &format!("DNS = {words}"));
    let text = with("10.0.0.1, Office.example, fd00::1,lab-2.example");
    let read = Configuration::parse(text.as_bytes()).expect("legal");
    assert_eq!(read.interface.dns.len(), 2);
    assert_eq!(read.interface.search, ["office.example", "lab-2.example"]);
    for wrong in ["a..b", "a b", "-", "1.2.3", "x/y", &"a".repeat(64)] {
        assert!(complaint(&with(wrong)).starts_with("line 6: `DNS` must be"));
    }
    let many = ["a-domain-of-25-characters"; 9].join(",");
    assert_eq!(complaint(&with(&many)), "accepted");
    assert_eq!(
        complaint(&with(&format!("{many},one.more.example"))),
        "line 6: domains of more than 255 bytes"
    );
}

#[test]
fn secrets_are_not_repeated() {
    for key in [
        "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    ] {
        for wrong in [&key[..43], &key[1..], &format!("{key}=")] {
            let complaint = complaint(&WHOLE.replace(key, wrong));
            assert!(
                complaint.ends_with("must be 32 bytes in base64"),
                "{complaint}"
            );
        }
        let complaint = complaint(&WHOLE.replace(&format!("Key = {key}"), key));
        assert!(!complaint.contains(&key[..8]), "{complaint}");
    }
    let read = Configuration::parse(WHOLE.as_bytes()).expect("legal");
    assert!(!format!("{read:?}").contains("yAnz"));
}

#[test]
fn its_own_key_is_no_peer() {
    let read = Configuration::parse(WHOLE.as_bytes()).expect("legal");
    let own = read.interface.private_key.public_key();
    let own = Base64::encode_string(own.as_bytes());
    let text = WHOLE.replace("xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=", &own);
    assert_eq!(
        complaint(&text),
        "line 20: this `PublicKey` belongs to the `PrivateKey` above"
    );
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Configuration::parse(&bytes);
    }

    /// One piece of a legal text is replaced by another or by noise.
    #[test]
    fn any_change_is_answered(from in 0..WHOLE.len(), length in 0..80_usize, new in "[ -~\n]{0,40}") {
        let end = (from + length).min(WHOLE.len());
        let text = format!("{}{new}{}", &WHOLE[..from], &WHOLE[end..]);
        if let Err(error) = Configuration::parse(text.as_bytes()) {
            prop_assert!(error.line >= 1 && error.line <= text.lines().count().max(1));
        }
    }

    #[test]
    fn networks_survive_being_printed(bits: u128, four_bits: u32, length in 0..=128_u8, is_four: bool) {
        let address = if is_four {
            core::net::IpAddr::V4(core::net::Ipv4Addr::from_bits(four_bits))
        } else {
            core::net::IpAddr::V6(bits.into())
        };
        let network = Network::new(address, length);
        prop_assert_eq!(network.is_some(), !is_four || length <= 32);
        if let Some(network) = network {
            prop_assert_eq!(network.to_string().parse(), Ok(network));
            prop_assert!(network.contains(&address));
            prop_assert!(network.truncated().contains(&address));
            prop_assert!(network.contains(&network.truncated().address()));
        }
    }
}
