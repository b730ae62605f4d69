//! What appears on the screen, and who gets the keys.

use super::*;
use proptest::prelude::*;

const DISK: usize = 0;
const VAULT: usize = 1;
const OFFICE: usize = 0;
const INTERNET: usize = 1;

const RESET: &str = "\x1b\\\x1b[!p";

/// A console whose first guest has printed a line.
fn console_in_use() -> Multiplexer {
    let mut console = console();
    console.view_output(OFFICE, b"\n");
    assert_eq!(shown(&mut console), "\n");
    console
}

/// A console of a disk driver, a component that may ask, and two guests.
fn console() -> Multiplexer {
    Multiplexer::new(
        [("disk", false), ("vault", true)],
        ["vmm-office", "vmm-internet"],
    )
}

fn shown(console: &mut Multiplexer) -> String {
    let bytes: Vec<u8> = core::iter::from_fn(|| console.next_output()).collect();
    String::from_utf8(bytes).expect("the tests print text")
}

fn press(console: &mut Multiplexer, keys: &[u8]) -> Vec<(Recipient, u8)> {
    keys.iter().filter_map(|key| console.key(*key)).collect()
}

#[test]
fn the_selected_guest_is_raw_and_components_are_labelled() {
    let mut console = console();
    console.view_output(OFFICE, b"\x1b[1mboot\x1b[0m\r\n");
    console.client_output(DISK, b"ready, 64 blocks\nsecond\n");
    assert_eq!(
        shown(&mut console),
        "\x1b[1mboot\x1b[0m\r\n[disk] ready, 64 blocks\r\n[disk] second\r\n"
    );
}

#[test]
fn lines_wait_for_the_end_of_the_guests_line() {
    let mut console = console();
    console.view_output(OFFICE, b"half a ");
    console.client_output(DISK, b"a message\n");
    assert_eq!(shown(&mut console), "half a ");
    console.view_output(OFFICE, b"line\nnext");
    assert_eq!(shown(&mut console), "line\n[disk] a message\r\nnext");
}

#[test]
fn a_line_left_unfinished_is_interrupted_and_put_back() {
    let mut console = console();
    console.view_output(OFFICE, b"old\r\n/ # ec");
    console.client_output(DISK, b"a message\n");
    shown(&mut console);
    console.pause();
    assert_eq!(shown(&mut console), "\r\n[disk] a message\r\n/ # ec");
    console.pause();
    assert_eq!(shown(&mut console), "");
    console.view_output(OFFICE, b"ho\n");
    assert_eq!(shown(&mut console), "ho\n");
}

#[test]
fn unfinished_lines_of_components_wait() {
    let mut console = console();
    console.client_output(DISK, b"one ");
    console.pause();
    assert_eq!(shown(&mut console), "");
    console.client_output(VAULT, b"other\n");
    console.client_output(DISK, b"piece\n");
    assert_eq!(shown(&mut console), "[vault] other\r\n[disk] one piece\r\n");
}

#[test]
fn components_cannot_move_the_cursor_or_forge_a_label() {
    let mut console = console();
    console.client_output(DISK, b"x\r[vault] passphrase: \x1b[2J\xc2\x9b\xff\x07\n");
    assert_eq!(
        shown(&mut console),
        "[disk] x[vault] passphrase: ?[2J????\r\n".replace("????", "???")
    );
    console.client_output(DISK, &[b'y'; 1000]);
    console.client_output(DISK, b"\n");
    let lines = shown(&mut console);
    assert!(lines.lines().all(|line| line.starts_with("[disk] y")));
}

#[test]
fn no_mark_turns_the_direction_of_a_line() {
    let mut console = console();
    for mark in "\u{61c}\u{200e}\u{200f}\u{202a}\u{202e}\u{2066}\u{2069}".chars() {
        console.client_output(DISK, format!("a{mark}b\n").as_bytes());
        assert_eq!(shown(&mut console), "[disk] a?b\r\n", "{mark:?}");
    }
}

#[test]
fn keys_go_to_the_selected_guest_alone() {
    let mut console = console_in_use();
    let office = Recipient::View(OFFICE);
    assert_eq!(press(&mut console, b"a\x03"), [(office, b'a'), (office, 3)]);
    assert_eq!(press(&mut console, b"\x142"), []);
    assert_eq!(
        press(&mut console, b"b"),
        [(Recipient::View(INTERNET), b'b')]
    );
    assert_eq!(
        press(&mut console, b"\x14\x14"),
        [(Recipient::View(INTERNET), ATTENTION_KEY)]
    );
    assert_eq!(press(&mut console, b"\x14n"), []);
    assert_eq!(press(&mut console, b"c"), [(office, b'c')]);
}

#[test]
fn a_guest_that_comes_back_shows_what_it_printed_meanwhile() {
    let mut console = console();
    console.view_output(OFFICE, b"login: ");
    console.view_output(INTERNET, b"hello\n# ");
    press(&mut console, b"\x142");
    assert_eq!(shown(&mut console), format!("login: {RESET}\r\nhello\n# "));
    console.view_output(OFFICE, b"timeout\n");
    press(&mut console, b"\x141");
    assert_eq!(shown(&mut console), format!("{RESET}\r\nlogin: timeout\n"));
    console.view_output(INTERNET, &[b'.'; 9000]);
    press(&mut console, b"\x142");
    let text = shown(&mut console).replace(RESET, "");
    assert!(text.starts_with("[console] 808 bytes of vmm-internet are not shown\r\n..."));
}

#[test]
fn a_question_takes_screen_and_keys_until_it_is_answered() {
    let mut console = console();
    console.view_output(OFFICE, b"/ # ");
    console.client_output(VAULT, b"volume found\npassphrase: ");
    console.client_asks(VAULT, true);
    assert_eq!(
        shown(&mut console),
        format!(
            "/ # \r\n[vault] volume found\r\n\
             {RESET}[console] vault asks; keystrokes go to it alone\r\n[vault] passphrase: "
        )
    );
    assert_eq!(
        press(&mut console, b"x"),
        [(Recipient::Client(VAULT), b'x')]
    );
    console.view_output(OFFICE, b"guest text\n");
    console.client_output(DISK, b"disk text\n");
    console.pause();
    assert_eq!(
        shown(&mut console),
        "\r\n[disk] disk text\r\n[vault] passphrase: "
    );
    console.client_output(VAULT, b"\nwrong, try again: ");
    assert_eq!(shown(&mut console), "\r\n[vault] wrong, try again: ");
    console.client_asks(VAULT, false);
    assert_eq!(shown(&mut console), "\r\n/ # guest text\n");
    assert_eq!(press(&mut console, b"y"), [(Recipient::View(OFFICE), b'y')]);
}

#[test]
fn keys_before_the_first_guest_prints_reach_nobody() {
    let mut console = console();
    assert_eq!(press(&mut console, b"open sesame\r"), []);
    console.client_asks(VAULT, true);
    assert_eq!(
        press(&mut console, b"x"),
        [(Recipient::Client(VAULT), b'x')]
    );
    console.client_asks(VAULT, false);
    assert_eq!(press(&mut console, b"open sesame\r"), []);
    console.view_output(INTERNET, b"I come second");
    assert_eq!(press(&mut console, b"y"), []);
    console.view_output(OFFICE, b"# ");
    assert_eq!(press(&mut console, b"y"), [(Recipient::View(OFFICE), b'y')]);
}

#[test]
fn a_guest_cannot_hide_a_question_or_an_answer() {
    let mut console = console();
    // Invisible text, a scroll region of one line, line drawing characters, an endless title.
    console.view_output(OFFICE, b"\x1b[8m\x1b[1;1r\x1b(0\x1b]0;");
    console.client_output(VAULT, b"passphrase: ");
    console.client_asks(VAULT, true);
    let text = shown(&mut console);
    let question = text.find("[console] vault asks").expect("it is shown");
    assert!(text[..question].ends_with(RESET));
    console.key(ATTENTION_KEY);
    assert_eq!(shown(&mut console), RESET);
}

#[test]
fn who_may_not_ask_does_not_get_the_keys() {
    let mut console = console_in_use();
    console.client_output(DISK, b"passphrase: ");
    console.client_asks(DISK, true);
    assert_eq!(shown(&mut console), "");
    assert_eq!(press(&mut console, b"x"), [(Recipient::View(OFFICE), b'x')]);
}

#[test]
fn who_asks_for_the_status_asks_everybody_once() {
    let mut console = console_in_use();
    assert!(!console.take_status_request());
    assert_eq!(press(&mut console, b"s"), [(Recipient::View(OFFICE), b's')]);
    assert!(!console.take_status_request());
    assert_eq!(press(&mut console, b"\x14s"), []);
    assert!(console.take_status_request());
    assert!(!console.take_status_request());
}

#[test]
fn a_question_can_be_left_and_returned_to() {
    let mut console = console_in_use();
    console.client_output(VAULT, b"passphrase: ");
    console.client_asks(VAULT, true);
    press(&mut console, b"\x141");
    assert_eq!(press(&mut console, b"x"), [(Recipient::View(OFFICE), b'x')]);
    shown(&mut console);
    press(&mut console, b"\x14p");
    assert!(shown(&mut console).ends_with("[vault] passphrase: "));
    assert_eq!(
        press(&mut console, b"x"),
        [(Recipient::Client(VAULT), b'x')]
    );
}

#[test]
fn the_console_answers_for_itself() {
    let mut console = console();
    console.view_output(OFFICE, b"[console] forged");
    press(&mut console, b"\x14s");
    assert_eq!(
        shown(&mut console),
        "[console] forged\x1b\\\x1b[!p\r\n\
         [console] the guest of vmm-office has screen and keyboard\r\n\
         [console]   1: the guest of vmm-office\r\n\
         [console]   2: the guest of vmm-internet\r\n[console] forged"
    );
    press(&mut console, b"\x14?");
    assert!(shown(&mut console).contains("Ctrl-T, then: s"));
    press(&mut console, b"\x149");
    assert!(shown(&mut console).contains("there is no such guest"));
}

#[test]
fn there_is_an_end_to_what_waits() {
    let mut console = console();
    let mut taken = 0;
    while console.has_room() {
        console.client_output(DISK, b"line\n");
        taken += 1;
    }
    assert!(taken < OUTPUT_MAX);
}

#[derive(Clone, Debug)]
enum Step {
    Client(usize, Vec<u8>),
    View(usize, Vec<u8>),
    Asks(usize, bool),
    Key(u8),
    Pause,
}

fn step() -> impl Strategy<Value = Step> {
    let text = || {
        let byte = prop_oneof![Just(b'\n'), Just(b'\r'), b' '..b'~', any::<u8>()];
        proptest::collection::vec(byte, 0..40)
    };
    prop_oneof![
        (0usize..4, text()).prop_map(|(index, text)| Step::Client(index, text)),
        (0usize..4, text()).prop_map(|(index, text)| Step::View(index, text)),
        (0usize..4, any::<bool>()).prop_map(|(index, asks)| Step::Asks(index, asks)),
        prop_oneof![Just(ATTENTION_KEY), Just(b'n'), Just(b'p'), any::<u8>()].prop_map(Step::Key),
        Just(Step::Pause),
    ]
}

proptest! {
    /// Whatever anybody does, every line of the disk driver appears whole, once, in order, and alone on its line.
    #[test]
    fn no_line_is_torn_or_lost(steps in proptest::collection::vec(step(), 0..60)) {
        let mut console = console();
        let mut sent = 0;
        for step in steps {
            match step {
                Step::Client(DISK, _) => {
                    console.client_output(DISK, format!("line {sent} of disk\n").as_bytes());
                    sent += 1;
                }
                Step::Client(index, text) => console.client_output(index, &text),
                Step::View(index, text) => {
                    let text: Vec<u8> = text.into_iter().filter(|byte| *byte != b'[').collect();
                    console.view_output(index, &text);
                }
                Step::Asks(index, asks) => console.client_asks(index, asks),
                Step::Key(key) => drop(console.key(key)),
                Step::Pause => console.pause(),
            }
        }
        console.pause();
        let bytes: Vec<u8> = core::iter::from_fn(|| console.next_output()).collect();
        let text = String::from_utf8_lossy(&bytes).replace(RESET, "");
        let seen: Vec<_> = text
            .split('\n')
            .filter(|line| line.starts_with("[disk]"))
            .collect();
        let expected: Vec<_> = (0..sent).map(|number| format!("[disk] line {number} of disk\r")).collect();
        prop_assert_eq!(seen, expected);
    }
}
