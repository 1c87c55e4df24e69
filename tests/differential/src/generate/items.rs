//! The signatures of a head: the right signature, changed signatures, and other items.

use countersign_before::scheme::{Algorithm, Encoding};

use crate::generate::Subject;
use crate::generate::message::Message;
use crate::layout;
use crate::random::Random;
use crate::request::Field;

/// Draws the signature fields.
pub fn draw(random: &mut Random, subject: &Subject<'_>, message: &Message) -> Vec<Field> {
    let headers = subject.layout.scheme.signature_headers();
    let right = right(random, subject, message);
    let first = if random.percent(20) { changed(random, subject, right.clone()) } else { right.clone() };
    if !subject.layout.scheme.covers_body() {
        return vec![(headers[0].to_owned(), first)];
    }
    let is_list = subject.layout.list.is_some();
    let mut items = vec![first];
    if is_list || headers.len() > 1 || subject.layout.scheme.has_numbered_headers() {
        let count = match random.below(100) {
            0..58 => 1,
            58..83 => 2,
            83..91 => random.between(3, 6),
            _ => random.between(14, 18),
        };
        while items.len() < count {
            items.push(other(random, subject, message, &right));
        }
        let place = random.below(items.len());
        items.swap(0, place);
    }
    add_time(random, subject, message, &mut items);
    if subject.layout.scheme.has_numbered_headers() {
        numbered(random, subject, &items)
    } else if headers.len() > 1 {
        among(random, subject, &items)
    } else if is_list {
        vec![(headers[0].to_owned(), joined(random, subject, &items))]
    } else {
        vec![(headers[0].to_owned(), items.remove(0))]
    }
}

/// Returns a signature, mostly by a key of the verifier.
fn right(random: &mut Random, subject: &Subject<'_>, message: &Message) -> Vec<u8> {
    let stranger = layout::secret(&subject.layout.scheme, random);
    let secret = if random.percent(94) { &random.one_of(&subject.part.keys).secret } else { &stranger };
    let mut known: Vec<Algorithm> = subject.layout.scheme.algorithms().collect();
    if random.percent(93) {
        known.retain(|algorithm| is_accepted(subject, *algorithm));
    }
    let algorithm = *random.one_of(&known);
    message.item(subject, secret, algorithm)
}

fn is_accepted(subject: &Subject<'_>, algorithm: Algorithm) -> bool {
    let part = subject.part;
    let by_default = || subject.layout.scheme.accepted_by_default().contains(&algorithm);
    let by_name = part.algorithms.as_ref().map_or_else(by_default, |names| names.contains(&algorithm.name()));
    by_name || (part.legacy_sha1 && algorithm == Algorithm::Sha1)
}

/// Draws an item beside the right signature.
fn other(random: &mut Random, subject: &Subject<'_>, message: &Message, right: &[u8]) -> Vec<u8> {
    let layout = subject.layout;
    match random.below(12) {
        0..3 => self::right(random, subject, message),
        3..6 => random_tag(random, subject, right),
        6..9 => changed(random, subject, right.to_vec()),
        9 => Vec::new(),
        10 => random.text(20, layout.alphabet()),
        _ => match layout.separator {
            None => random_tag(random, subject, right),
            Some(separator) => [random.one_of(&["v9", "v", "V1", "t2", "sha1"]).as_bytes(), &[separator], b"0123"].concat(),
        },
    }
}

/// Returns a random signature in the right form.
fn random_tag(random: &mut Random, subject: &Subject<'_>, right: &[u8]) -> Vec<u8> {
    let start = start_of_tag(subject, right);
    let mut item = right.to_vec();
    for byte in item.iter_mut().skip(start).filter(|byte| **byte != b'=') {
        *byte = *random.one_of(subject.layout.alphabet());
    }
    item
}

fn start_of_tag(subject: &Subject<'_>, item: &[u8]) -> usize {
    let separator = subject.layout.separator.and_then(|separator| item.iter().position(|byte| *byte == separator));
    separator.map_or(0, |place| place + 1)
}

/// Returns the item with a change.
pub fn changed(random: &mut Random, subject: &Subject<'_>, mut item: Vec<u8>) -> Vec<u8> {
    let start = start_of_tag(subject, &item).min(item.len());
    if subject.layout.separator.is_some() && random.percent(35) {
        return renamed(random, subject, &item, start);
    }
    match random.below(20) {
        0 => item.truncate(item.len().saturating_sub(random.between(1, 4))),
        1 => item.truncate(start + (item.len() - start) / 2),
        2 => item.truncate(start),
        3 => item.clear(),
        4 | 5 => {
            let more = random.between(1, 4);
            item.extend(random.text(more, subject.layout.alphabet()));
        }
        6 => item.extend_from_slice(&item.clone()[start..]),
        7 => item[start..].make_ascii_uppercase(),
        8 => item[start..].iter_mut().filter(|_| random.percent(50)).for_each(u8::make_ascii_uppercase),
        9 => item = [b" ", &item[..]].concat(),
        10 => item = [&item[..], b" "].concat(),
        11 => item = [b"\t", &item[..]].concat(),
        12 => item = [&item[..], b"\t"].concat(),
        13 => item = [&item[..start], b" ", &item[start..]].concat(),
        14 => item.insert(random.between(start, item.len()), b"\x80\xc3\xff"[random.below(3)]),
        15 | 16 => padding(random, subject, &mut item),
        _ => one_byte(random, subject, &mut item, start),
    }
    item
}

/// Changes one byte of the tag to another digit, or to any byte.
fn one_byte(random: &mut Random, subject: &Subject<'_>, item: &mut [u8], start: usize) {
    if start >= item.len() {
        return;
    }
    let place = random.between(start, item.len() - 1);
    match random.below(6) {
        0..2 => item[place] ^= 1 << random.below(8),
        2..4 => item[place] = *random.one_of(subject.layout.alphabet()),
        4 => item[place] = *random.one_of(b"gG@`/:-_+=.~ \0\x7f"),
        _ => item[place] = random.number() as u8,
    }
}

/// Makes the Base64 text malformed. Hex text gets one more digit.
fn padding(random: &mut Random, subject: &Subject<'_>, item: &mut Vec<u8>) {
    if subject.layout.scheme.signature_encoding() == Encoding::Hex {
        item.extend_from_slice(b"0");
        return;
    }
    let end = item.iter().rposition(|byte| *byte != b'=').map_or(0, |place| place + 1);
    match random.below(5) {
        0 => item.truncate(end),
        1 => item.push(b'='),
        2 => {
            // Changes the bits after the last whole byte, if the last digit has such bits.
            let alphabet = subject.layout.alphabet();
            if let Some(place) = item[..end].last().and_then(|last| alphabet.iter().position(|byte| byte == last)) {
                item[end - 1] = alphabet[place ^ random.between(1, 3)];
            }
        }
        3 => {
            item.truncate(end);
            item.extend_from_slice(b"A=");
        }
        // Switches to the other Base64 alphabet.
        _ => item.iter_mut().for_each(|byte| {
            *byte = match *byte {
                b'+' => b'-',
                b'/' => b'_',
                b'-' => b'+',
                b'_' => b'/',
                other => other,
            }
        }),
    }
}

/// Returns the item with another name or another separator.
fn renamed(random: &mut Random, subject: &Subject<'_>, item: &[u8], start: usize) -> Vec<u8> {
    let (name, tag) = (&item[..start.saturating_sub(1)], &item[start..]);
    let separator = subject.layout.separator.unwrap_or(b'=');
    let names = subject.layout.scheme.algorithm_names();
    match random.below(9) {
        0 => tag.to_vec(),
        1 => [name, tag].concat(),
        2 => [name, &[separator, separator], tag].concat(),
        3 => [name, b":= ,".get(random.below(4)..).map_or(&[][..], |rest| &rest[..1]), tag].concat(),
        4 => [&name.to_ascii_uppercase(), &[separator][..], tag].concat(),
        5 => [&[separator], tag].concat(),
        6 => [random.one_of(&["v9", "sha256", "sha512", "sha1", "md5", "v1a", "t"]).as_bytes(), &[separator], tag].concat(),
        7 => [name, b" ", &[separator], tag].concat(),
        // The new name may need a signature of another length.
        _ if names.is_empty() => tag.to_vec(),
        _ => [random.one_of(names).0.as_bytes(), &[separator], tag].concat(),
    }
}

/// Adds the timestamp, for a scheme with a timestamp item: mostly once, in front.
fn add_time(random: &mut Random, subject: &Subject<'_>, message: &Message, items: &mut Vec<Vec<u8>>) {
    let Some(time) = message.time_item(subject) else { return };
    match random.below(100) {
        0..3 => return,
        3..12 => items.insert(random.below(items.len() + 1), time.clone()),
        _ => items.insert(0, time.clone()),
    }
    if random.percent(5) {
        let mut again = time;
        if random.percent(50) {
            again.pop();
        }
        items.insert(random.below(items.len() + 1), again);
    }
}

/// Joins items into a list, with valid and invalid text between the items.
fn joined(random: &mut Random, subject: &Subject<'_>, items: &[Vec<u8>]) -> Vec<u8> {
    let list = subject.layout.list.unwrap_or(b',');
    let separator = if random.percent(3) { *random.one_of(b",; |") } else { list };
    let spaces = *random.one_of(&["", "", "", " ", " ", "  "]);
    let is_odd = random.percent(12);
    let mut value = Vec::new();
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            value.push(separator);
            value.extend_from_slice(spaces.as_bytes());
        }
        value.extend_from_slice(item);
        if is_odd && random.percent(30) {
            value.extend(match random.below(4) {
                0 => vec![b' '],
                1 => vec![b'\t'],
                2 => vec![separator],
                _ => vec![separator, separator],
            });
        }
    }
    value
}

/// Puts the items into numbered headers.
fn numbered(random: &mut Random, subject: &Subject<'_>, items: &[Vec<u8>]) -> Vec<Field> {
    let prefix = subject.layout.scheme.header();
    let mut fields = Vec::new();
    let mut number = if random.percent(94) { 1 } else { *random.one_of(&[0, 2, 15, 16, 17]) };
    for items in groups(random, subject, items) {
        let value = joined(random, subject, &items);
        let zero = if random.percent(1) { "0" } else { "" };
        fields.push((format!("{prefix}{zero}{number}"), value));
        number += if random.percent(98) { 1 } else { 2 };
    }
    fields
}

/// Puts the items into some of the allowed headers.
fn among(random: &mut Random, subject: &Subject<'_>, items: &[Vec<u8>]) -> Vec<Field> {
    let mut headers = subject.layout.scheme.signature_headers().to_vec();
    if random.percent(50) {
        random.shuffle(&mut headers);
    }
    let groups = groups(random, subject, items);
    let fields = headers.iter().zip(groups).map(|(header, items)| ((*header).to_owned(), joined(random, subject, &items)));
    fields.collect()
}

/// Groups the items by header: one item for each header, or several items for list headers.
fn groups(random: &mut Random, subject: &Subject<'_>, items: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
    let mut groups: Vec<Vec<Vec<u8>>> = Vec::new();
    for item in items {
        match groups.last_mut() {
            Some(last) if subject.layout.list.is_some() && random.percent(60) => last.push(item.clone()),
            _ => groups.push(vec![item.clone()]),
        }
    }
    groups
}
