//! The steps of a driver that finds its devices and starts them, so that inputs begin where it gets interesting.

/// PCI configuration ports.
const ADDRESS: u16 = 0xcf8;
const DATA: u16 = 0xcfc;
/// Registers of virtio's common configuration.
const FEATURE_SELECT: u16 = 0x08;
const FEATURES: u16 = 0x0c;
const STATUS: u16 = 0x14;
const QUEUE_SELECT: u16 = 0x16;
const QUEUE_SIZE: u16 = 0x18;
const QUEUE_ENABLE: u16 = 0x1c;
const QUEUE_AREAS: u16 = 0x20;

/// What the network's driver accepts: checksums that are missing, large frames over IPv4 and IPv6, and CWR in them.
const LARGE_FRAMES: u32 = 0x3801;

/// Steps after which the entropy device's queue has its areas at 0x1000, the volume's at 0x0, the network's two
/// at 0x2000 and 0x3000.
pub fn start_devices() -> Vec<u8> {
    let mut steps = Vec::new();
    // Places in the script's list, and PCI device numbers.
    let devices: [(u8, u32, u32, &[u32]); 3] = [
        (0, 1, 0, &[0x1000]),
        (2, 2, 0, &[0]),
        (4, 3, LARGE_FRAMES, &[0x2000, 0x3000]),
    ];
    for (place, device, features, queues) in devices {
        port(&mut steps, ADDRESS, 0x8000_0004 | device << 11);
        port(&mut steps, DATA, 6);
        write(&mut steps, place, STATUS, 1, 3);
        write(&mut steps, place, FEATURES, 4, features);
        write(&mut steps, place, FEATURE_SELECT, 4, 1);
        write(&mut steps, place, FEATURES, 4, 1);
        write(&mut steps, place, STATUS, 1, 0xb);
        for (queue, memory) in (0..).zip(queues) {
            write(&mut steps, place, QUEUE_SELECT, 2, queue);
            write(&mut steps, place, QUEUE_SIZE, 2, 16);
            for (area, offset) in (0..).zip([0, 0x100, 0x200]) {
                let register = QUEUE_AREAS + area * 8;
                write(&mut steps, place, register, 4, memory + offset);
            }
            write(&mut steps, place, QUEUE_ENABLE, 2, 1);
        }
        write(&mut steps, place, STATUS, 1, 0xf);
    }
    steps
}

/// OUT of four bytes.
fn port(steps: &mut Vec<u8>, port: u16, value: u32) {
    steps.extend_from_slice(&[3, 2 << 1]);
    steps.extend_from_slice(&port.to_le_bytes());
    steps.extend_from_slice(&value.to_le_bytes());
}

/// MOV of `size` bytes to device memory.
fn write(steps: &mut Vec<u8>, place: u8, offset: u16, size: u32, value: u32) {
    let size = u8::try_from(size.ilog2()).expect("at most 3");
    steps.extend_from_slice(&[0, place << 3 | size]);
    steps.extend_from_slice(&offset.to_le_bytes());
    steps.extend_from_slice(&value.to_le_bytes());
}
