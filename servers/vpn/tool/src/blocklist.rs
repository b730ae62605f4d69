//! `blocklist-key` and `sign-blocklist`: what the administrator of a list of forbidden names and addresses does.
//! The format is that of [`vpn_core::inside::Blocklist`].

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use ed25519_dalek::{Signer, SigningKey};
use vpn_core::inside::Blocklist;
use zeroize::Zeroizing;

use crate::create::{fresh_key, write};

/// Makes a secret key; what systems are told is the public one, which is printed.
pub(crate) fn make_key(file: &Path) -> Result<()> {
    let key = SigningKey::from_bytes(&*fresh_key()?);
    let text = Zeroizing::new(format!("{}\n", digits(&*Zeroizing::new(key.to_bytes()))));
    write(file, &text)?;
    println!("{}", digits(key.verifying_key().as_bytes()));
    Ok(())
}

/// Puts a signature below the list, in place of one that is there.
pub(crate) fn sign(list: &Path, key: &Path) -> Result<()> {
    let shown = list.display();
    let text = fs::read_to_string(list).with_context(|| format!("{shown} cannot be read"))?;
    let mut text: String = text
        .lines()
        .filter(|line| !line.starts_with("signature "))
        .flat_map(|line| [line, "\n"])
        .collect();
    let key = read_key(key)?;
    let signature = digits(&key.sign(text.as_bytes()).to_bytes());
    text.push_str(&format!("signature {signature}\n"));
    // Nothing is written that a system would refuse.
    let public = key.verifying_key();
    let read = Blocklist::read(text.as_bytes(), public.as_bytes(), 0);
    let read = read.map_err(|error| anyhow::anyhow!("{shown}: {error}"))?;
    fs::write(list, text).with_context(|| format!("{shown} cannot be written"))?;
    let (names, addresses) = read.counts();
    let number = read.number();
    println!("list {number} forbids {names} names and {addresses} ranges of addresses");
    Ok(())
}

fn read_key(file: &Path) -> Result<SigningKey> {
    let shown = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("{shown} cannot be read"))?;
    let text = Zeroizing::new(text);
    let digits = text.trim();
    ensure!(
        digits.len() == 64 && digits.is_ascii(),
        "{shown} holds no key"
    );
    let mut key = Zeroizing::new([0; 32]);
    for (index, byte) in key.iter_mut().enumerate() {
        match u8::from_str_radix(&digits[index * 2..][..2], 16) {
            Ok(value) => *byte = value,
            Err(_) => bail!("{shown} holds no key"),
        }
    }
    Ok(SigningKey::from_bytes(&key))
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_accepted() {
        let folder = tempfile::tempdir().expect("there is room");
        let (key, list) = (folder.path().join("key"), folder.path().join("list"));
        make_key(&key).expect("it is made");
        assert!(make_key(&key).is_err(), "a key in use is not replaced");
        fs::write(&list, "sekisho-blocklist 1\nnumber 4\nname bad.test\n").expect("it is written");
        for _ in 0..2 {
            sign(&list, &key).expect("it is right");
        }
        let text = fs::read(&list).expect("it is there");
        let public = read_key(&key).expect("it is one").verifying_key();
        let read = Blocklist::read(&text, public.as_bytes(), 4).expect("it is right");
        assert!(read.forbids_name("a.bad.test"));
        fs::write(&list, "sekisho-blocklist 1\nnumber 4\nname Bad.test\n").expect("it is written");
        let error = sign(&list, &key)
            .expect_err("names are in lower case")
            .to_string();
        assert!(error.contains("line 3"), "{error}");
    }
}
