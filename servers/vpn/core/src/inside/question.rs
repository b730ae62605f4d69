//! DNS messages, as far as the gateway reads them (RFC 1035, section 4).

use alloc::string::String;
use alloc::vec::Vec;

use super::packet::word;

/// Bytes of a message's header.
const HEADER: usize = 12;
/// Bytes of the longest name as text.
const NAME_MAX: usize = 253;
/// The length of a label that is no label but says where the name goes on.
const POINTER: usize = 0xc0;

/// Records that put another name in the place of the one that was asked for (RFC 1035, RFC 6672, RFC 9460).
const CNAME: u16 = 5;
const DNAME: u16 = 39;
const SVCB: u16 = 64;
const HTTPS: u16 = 65;

const RESPONSE: u16 = 0x8000;
const OPCODE: u16 = 0x7800;
const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;

/// Answers that the gateway gives itself, and those of resolvers that make it ask another one.
pub(super) const SERVER_FAILURE: u16 = 2;
pub(super) const NO_SUCH_NAME: u16 = 3;
pub(super) const REFUSED: u16 = 5;

/// A query's one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// In lower case with dots; bytes that no host name has are question marks.
    pub(super) name: String,
    /// Where the question ends.
    pub(super) end: usize,
}

impl Question {
    /// Reads a query. A message that is no query with exactly one question is none that anybody sends.
    pub(super) fn of_query(message: &[u8]) -> Option<Self> {
        let is_query = word(message, 2)? & (RESPONSE | OPCODE) == 0;
        (is_query && word(message, 4)? == 1).then_some(())?;
        let mut at = HEADER;
        let mut labels = Labels::default();
        loop {
            let length = usize::from(*message.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            // Nothing stands before a question to which a pointer could point.
            (length < 64).then_some(())?;
            labels.push(message.get(at..at + length)?)?;
            at += length;
        }
        let end = at + 4;
        (end <= message.len()).then_some(Self {
            name: labels.0,
            end,
        })
    }
}

/// A name that grows label by label.
#[derive(Default)]
struct Labels(String);

impl Labels {
    fn push(&mut self, label: &[u8]) -> Option<()> {
        if !self.0.is_empty() {
            self.0.push('.');
        }
        self.0.extend(label.iter().map(|byte| match byte {
            b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                char::from(byte.to_ascii_lowercase())
            }
            _ => '?',
        }));
        (self.0.len() <= NAME_MAX).then_some(())
    }
}

/// The answer without records to the query that has this question.
pub(super) fn empty_answer(query: &[u8], question: &Question, code: u16) -> Vec<u8> {
    let mut answer = query.get(..question.end).unwrap_or_default().to_vec();
    let flags = word(query, 2).unwrap_or_default() & RECURSION_DESIRED;
    let flags = RESPONSE | RECURSION_AVAILABLE | flags | code;
    if let Some(header) = answer.first_chunk_mut::<HEADER>() {
        header[2..4].copy_from_slice(&flags.to_be_bytes());
        header[4..].copy_from_slice(&[0, 1, 0, 0, 0, 0, 0, 0]);
    }
    answer
}

/// Whether `answer` answers `query`, whose question ends at `end`; then its code.
pub(super) fn code_of_answer(answer: &[u8], query: &[u8], end: usize) -> Option<u16> {
    let question = HEADER..end;
    let same = answer
        .get(question.clone())?
        .eq_ignore_ascii_case(query.get(question)?);
    let is_answer = word(answer, 2)? & (RESPONSE | OPCODE) == RESPONSE && word(answer, 4)? == 1;
    (same && is_answer && word(answer, 0) == word(query, 0)).then_some(word(answer, 2)? & 15)
}

/// An answer's records cannot be read, so that nobody knows what others will read in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

/// The first forbidden name that the answer, whose question ends at `end`, puts in the place of the one that was asked for.
pub(super) fn forbidden_alias(
    answer: &[u8],
    end: usize,
    is_forbidden: impl Fn(&str) -> bool,
) -> Result<Option<String>, Unreadable> {
    let mut at = end;
    for _ in 0..word(answer, 6).ok_or(Unreadable)? {
        let (alias, behind) = record(answer, at).ok_or(Unreadable)?;
        at = behind;
        if let Some(name) = alias.filter(|name| is_forbidden(name)) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The other name in the record at `at`, if it gives one, and where the record ends. Of which class it is does not matter: not
/// everybody looks.
fn record(message: &[u8], at: usize) -> Option<(Option<String>, usize)> {
    let at = behind_name(message, at)?;
    let kind = word(message, at)?;
    let length = usize::from(word(message, at + 8)?);
    let (start, end) = (at + 10, at + 10 + length);
    message.get(start..end)?;
    let name = match kind {
        CNAME | DNAME => start,
        // Behind their priority.
        SVCB | HTTPS => start + 2,
        _ => return Some((None, end)),
    };
    let is_inside = behind_name(message, name)? <= end;
    is_inside.then_some((Some(name_at(message, name)?), end))
}

/// Where the name at `at` ends, its rest may be elsewhere.
fn behind_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match usize::from(*message.get(at)?) {
            0 => return Some(at + 1),
            length @ 1..64 => at += 1 + length,
            POINTER.. => return Some(at + 2),
            _ => return None,
        }
    }
}

/// The name at `at`. Pointers lead to what came before (section 4.1.4), so that they come to an end.
fn name_at(message: &[u8], mut at: usize) -> Option<String> {
    let mut labels = Labels::default();
    let mut part = at;
    loop {
        match usize::from(*message.get(at)?) {
            0 => return Some(labels.0),
            length @ 1..64 => {
                labels.push(message.get(at + 1..at + 1 + length)?)?;
                at += 1 + length;
            }
            POINTER.. => {
                at = usize::from(word(message, at)? & 0x3fff);
                (at < part).then_some(())?;
                part = at;
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A query for the addresses of `name`.
    pub(crate) fn query(id: u16, name: &str) -> Vec<u8> {
        let mut message = Vec::from(id.to_be_bytes());
        message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
        for label in name.split('.').filter(|label| !label.is_empty()) {
            message.push(label.len().try_into().expect("labels are short"));
            message.extend(label.bytes());
        }
        message.extend([0, 0, 1, 0, 1]);
        message
    }

    #[test]
    fn a_question_is_read() {
        let message = query(7, "WWW.Example.org");
        let question = Question::of_query(&message).expect("it is one");
        assert_eq!(question.name, "www.example.org");
        assert_eq!(question.end, message.len());
        let root = Question::of_query(&query(7, "")).expect("it is one");
        assert_eq!(root.name, "");
    }

    #[test]
    fn what_is_no_query_is_refused() {
        let message = query(7, "example.org");
        for end in 0..message.len() {
            assert_eq!(Question::of_query(&message[..end]), None);
        }
        for (at, value) in [(2, 0x80), (2, 0x28), (5, 0), (5, 2), (12, 0xc0)] {
            let mut wrong = message.clone();
            wrong[at] = value;
            assert_eq!(Question::of_query(&wrong), None, "{at} {value}");
        }
        let long = ["abcdefghi"; 30].join(".");
        assert_eq!(Question::of_query(&query(1, &long)), None);
    }

    #[test]
    fn aliases_are_found() {
        let mut answer = query(7, "a.org");
        let end = answer.len();
        answer[2] |= 0x80;
        answer[7] = 2;
        // a.org is an alias of bad.org, whose last label is a.org's; then an address.
        answer.extend([
            0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 9, 0, 6, 3, b'b', b'a', b'd', 0xc0, 14,
        ]);
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2, 1]);
        let found = |bad| forbidden_alias(&answer, end, |name| name == bad);
        assert_eq!(found("bad.org"), Ok(Some("bad.org".into())));
        assert_eq!(found("a.org"), Ok(None));
        answer.pop();
        assert_eq!(forbidden_alias(&answer, end, |_| false), Err(Unreadable));
        assert_eq!(code_of_answer(&answer, &query(7, "A.org"), end), Some(0));
        assert_eq!(code_of_answer(&answer, &query(8, "a.org"), end), None);
        assert_eq!(code_of_answer(&answer, &query(7, "b.org"), end), None);
    }
}
