//! What was described is read back; what was not described is refused without a panic.

use environment::{
    Capability, DecodeError, Description, EncodeError, Environment, Kind, LENGTH_PREFIX, Missing,
    Parameter, Region, SIZE, Sharing, Value,
};
use proptest::prelude::*;

type Names = Vec<String>;

fn names() -> impl Strategy<Value = Names> {
    proptest::collection::vec("[a-z]{1,8}(\\.[a-z]{1,8}){0,2}", 0..12)
}

fn regions(names: &Names) -> Vec<Region<'_>> {
    let mut address = 0x1_0000_0000;
    let place = |name| {
        let region = Region {
            name,
            address,
            size: 0x1000,
            writable: address % 0x40_0000 == 0,
            sharing: Sharing::Shared,
            physical: Some(address / 2),
        };
        address += 0x20_0000;
        region
    };
    names.iter().map(String::as_str).map(place).collect()
}

proptest! {
    #[test]
    fn every_entry_is_read_back(names in names(), seed: [u8; 32], tsc_khz: u64, values: [u64; 12]) {
        let capabilities: Vec<_> =
            names.iter().zip(values).map(|(name, slot)| Capability { name, slot }).collect();
        let parameters: Vec<_> = names
            .iter()
            .zip(values)
            .map(|(name, value)| Parameter { name, value: match value % 3 {
                0 => Value::Integer(value),
                1 => Value::Text(name),
                _ => Value::Bytes(name.as_bytes()),
            }})
            .collect();
        let regions = regions(&names);
        let description = Description {
            component: "disk",
            seed,
            tsc_khz,
            capabilities: &capabilities,
            regions: &regions,
            parameters: &parameters,
        };
        let mut page = [0xa5; SIZE];
        let used = description.encode(&mut page).expect("a dozen entries fit");
        let environment = Environment::decode(&page[..used]).expect("it was encoded");
        prop_assert_eq!(environment.component, "disk");
        prop_assert_eq!((environment.seed, environment.tsc_khz), (seed, tsc_khz));
        prop_assert!(environment.capabilities.iter().eq(capabilities.iter().copied()));
        prop_assert!(environment.regions.iter().eq(regions.iter().copied()));
        prop_assert!(environment.parameters.iter().eq(parameters.iter().copied()));
        for name in &names {
            let first = capabilities.iter().find(|other| other.name == name).expect("listed");
            prop_assert_eq!(environment.capability(name), Ok(first.slot));
        }
        for cut in 0..used {
            prop_assert!(Environment::decode(&page[..cut]).is_err());
        }
    }

    #[test]
    fn wild_bytes_never_panic(mut page in proptest::collection::vec(any::<u8>(), 0..400)) {
        let length = page.len().saturating_sub(LENGTH_PREFIX);
        if let Some(prefix) = page.first_chunk_mut::<LENGTH_PREFIX>() {
            *prefix = u32::try_from(length).expect("short").to_le_bytes();
        }
        if let Ok(environment) = Environment::decode(&page) {
            prop_assert!(environment.regions.iter().all(|region| region.end().is_some()));
        }
    }

    #[test]
    fn a_changed_byte_never_panics(position in 0usize..200, value: u8) {
        let names: Names = ["disk.out", "disk.in", "heap"].map(String::from).into();
        let mut page = [0; 512];
        encode(&regions(&names), &mut page);
        page[position] = value;
        if let Ok(environment) = Environment::decode(&page) {
            let _ = environment.clients("client").count();
            let _ = environment.region("heap");
        }
    }
}

fn encode(regions: &[Region<'_>], page: &mut [u8]) {
    let capabilities = ["client.timer.signal", "client.disk.signal", "clients"]
        .map(|name| Capability { name, slot: 9 });
    let description = Description {
        component: "console",
        seed: [7; 32],
        tsc_khz: 1_000_000,
        capabilities: &capabilities,
        regions,
        parameters: &[Parameter {
            name: "client.disk.badge",
            value: Value::Integer(4),
        }],
    };
    description.encode(page).expect("three entries fit");
}

#[test]
fn names_are_looked_up_whole_and_in_parts() {
    let mut page = [0; 512];
    encode(&[], &mut page);
    let environment = Environment::decode(&page).expect("it was encoded");
    let clients: Vec<_> = environment.clients("client").collect();
    assert_eq!(clients, ["timer", "disk"]);
    assert_eq!(environment.integer_of("client.disk", "badge"), Ok(4));
    assert_eq!(environment.integer("client.disk.badge"), Ok(4));
    let wrong_type = environment.text("client.disk.badge");
    assert_eq!(
        wrong_type,
        Err(Missing::new(Kind::Text, "client.disk.badge", ""))
    );
    let missing = environment
        .capability_of("client", "disk")
        .expect_err("not granted");
    assert_eq!(
        missing.to_string(),
        "the manifest grants no capability `client.disk`"
    );
}

#[test]
fn regions_that_cannot_all_be_mapped_are_refused() {
    let region = |address, size| Region {
        name: "frame",
        address,
        size,
        writable: true,
        sharing: Sharing::Private,
        physical: None,
    };
    let mut page = [0; 512];
    encode(&[region(0x1000, 0x2000), region(0x2000, 0x1000)], &mut page);
    assert_eq!(
        Environment::decode(&page).err(),
        Some(DecodeError::RegionsOverlap)
    );
    encode(&[region(u64::MAX, 2)], &mut page);
    assert_eq!(
        Environment::decode(&page).err(),
        Some(DecodeError::RegionWraps)
    );
    encode(&[region(0x1000, 0x1000), region(0x2000, 0x1000)], &mut page);
    assert!(Environment::decode(&page).is_ok());
}

#[test]
fn a_small_page_is_refused() {
    let description = Description {
        component: "a component with a long name",
        seed: [0; 32],
        tsc_khz: 0,
        capabilities: &[],
        regions: &[],
        parameters: &[],
    };
    assert_eq!(description.encode(&mut [0; 40]), Err(EncodeError::TooLong));
    assert_eq!(description.encode(&mut []), Err(EncodeError::TooLong));
}
