//! Linux's probe: initialize, write a mask, read it back.

use super::Pic;

#[test]
fn masks_read_back_and_initialization_words_do_not_reach_them() {
    let mut pic = Pic::new();
    pic.write(0x20, 0x11);
    for word in [0x30, 0x04, 0x01] {
        pic.write(0x21, word);
    }
    assert_eq!(pic.read(0x21), 0);
    pic.write(0x21, 0xfb);
    pic.write(0xa1, 0xff);
    assert_eq!((pic.read(0x21), pic.read(0xa1)), (0xfb, 0xff));
}
