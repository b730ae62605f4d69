//! Any page as a component's environment: it is refused, or its names and regions can be asked for.
#![no_main]

use environment::Environment;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|page: &[u8]| {
    let mut long = (page.len() as u32).to_le_bytes().to_vec();
    long.extend_from_slice(page);
    // The length that stands in front is true, or it is the input's too.
    for page in [page, &long] {
        let Ok(environment) = Environment::decode(page) else {
            continue;
        };
        for capability in environment.capabilities.iter() {
            let found = environment.capability(capability.name);
            assert!(capability.name.is_empty() || found.is_ok());
        }
        for region in environment.regions.iter() {
            assert!(region.end().is_some());
        }
        for parameter in environment.parameters.iter() {
            let _ = environment.integer(parameter.name);
            let _ = environment.text(parameter.name);
            let _ = environment.bytes(parameter.name);
        }
        assert!(environment.clients("client").count() <= environment.capabilities.iter().count());
    }
});
