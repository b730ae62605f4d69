//! Changed manifests and programs: the compiler says what is wrong and where, or its result is consistent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use manifest_compiler::{Diagnostic, compile_tree};
use manifest_compiler_fuzz::{MadeUp, SYSTEM, Tree, elf};

/// What is done, to which file, where, with what other place of it, and with which text.
type Change<'a> = (u8, u8, u16, u16, &'a str);

fn apply(tree: &mut Tree, (kind, file, at, other, new): Change<'_>) {
    let text = tree.text_mut(usize::from(file));
    let mut lines: Vec<&str> = text.lines().collect();
    let mut words: Vec<&str> = text.split_inclusive([' ', '"', '\n', '.', ',']).collect();
    if lines.is_empty() || words.is_empty() {
        return text.push_str(new);
    }
    let (line, word) = (usize::from(at) % lines.len(), usize::from(at) % words.len());
    let other_line = usize::from(other) % lines.len();
    let other_word = usize::from(other) % words.len();
    *text = match kind % 6 {
        0 => {
            words[word] = words[other_word];
            words.concat()
        }
        1 => {
            words[word] = new;
            words.concat()
        }
        2 => {
            lines.remove(line);
            lines.join("\n")
        }
        3 => {
            lines.insert(other_line, lines[line]);
            lines.join("\n")
        }
        4 => {
            lines.insert(line, new);
            lines.join("\n")
        }
        _ => new.to_owned(),
    };
}

/// It names a place of one of the files, and says something.
fn check(diagnostic: &Diagnostic, tree: &Tree) {
    let place = &diagnostic.place;
    let text = tree.text(&place.file).expect("a file that was read");
    let mut lines = text.split('\n');
    let line = lines.nth(place.line - 1).expect("a line of it");
    assert!((1..=line.chars().count() + 1).contains(&place.column));
    let sentence = &diagnostic.sentence;
    assert!(!sentence.is_empty() && !sentence.contains('\n'));
    assert!(
        !sentence.contains("is defective"),
        "no rule found it: {diagnostic}"
    );
}

type Input<'a> = (Vec<Change<'a>>, Vec<(u16, u8)>);

fuzz_target!(|input: Input<'_>| {
    let (changes, elf_changes) = input;
    let mut tree = Tree::quick();
    for change in changes {
        apply(&mut tree, change);
    }
    let mut elf = elf();
    for (at, byte) in elf_changes {
        let length = elf.len();
        elf[usize::from(at) % length] = byte;
    }
    match compile_tree(&tree, SYSTEM, &mut MadeUp { elf }) {
        Ok(compiled) => assert_eq!(compiled.system.check(), Ok(())),
        Err(failure) => {
            assert!(!failure.0.is_empty());
            for diagnostic in &failure.0 {
                check(diagnostic, &tree);
            }
        }
    }
});
