//! The fields of a head: the fields read by the scheme, changes to these fields, and other fields.

use crate::generate::message::Message;
use crate::generate::{Subject, items};
use crate::random::Random;
use crate::request::Field;

pub fn draw(random: &mut Random, subject: &Subject<'_>, message: &Message, length: usize) -> Vec<Field> {
    let mut fields = message.beside(subject);
    fields.extend(items::draw(random, subject, message));
    labels(random, subject, &mut fields);
    if random.percent(34) {
        twist(random, subject, &mut fields);
        if random.percent(40) {
            twist(random, subject, &mut fields);
        }
    }
    lengths(random, subject, length, &mut fields);
    around(random, subject, &mut fields);
    if random.percent(40) {
        fields.iter_mut().for_each(|(name, _)| other_case(random, name));
    }
    if random.percent(50) {
        random.shuffle(&mut fields);
    }
    without_new_ids(subject, &mut fields);
    fields
}

/// The earlier core rejects an id with `+`, `/` or `=`, and the current core accepts such an id. Replaces each of these bytes in an id with a
/// colon, which both reject.
fn without_new_ids(subject: &Subject<'_>, fields: &mut [Field]) {
    let ids: Vec<_> = subject.world.layouts.iter().filter_map(|layout| layout.scheme.signed_id_header()).collect();
    for (_, value) in fields.iter_mut().filter(|(name, _)| ids.iter().any(|id| id.eq_ignore_ascii_case(name))) {
        value.iter_mut().filter(|byte| b"+/=".contains(byte)).for_each(|byte| *byte = b':');
    }
}

/// Adds the unsigned id and the unsigned event.
fn labels(random: &mut Random, subject: &Subject<'_>, fields: &mut Vec<Field>) {
    let scheme = &subject.layout.scheme;
    for name in [scheme.unsigned_delivery_id_header(), scheme.unsigned_event_header()].into_iter().flatten() {
        if random.percent(88) {
            fields.push((name.to_owned(), label(random)));
        }
        if random.percent(4) {
            fields.push((name.to_owned(), label(random)));
        }
    }
}

fn label(random: &mut Random) -> Vec<u8> {
    const VISIBLE: &[u8] = b"!\"#$%&'()*+,-./0123456789:;<=>?@ABCXYZ[\\]^_`abcxyz{|}~";
    let count = match random.below(20) {
        0 => 0,
        1 => 1,
        2 => 64,
        3 => 65,
        4 => 255,
        5 | 6 => 256,
        7 | 8 => 257,
        _ => random.between(2, 70),
    };
    let mut label = random.text(count, VISIBLE);
    if random.percent(15) {
        let place = random.below(label.len() + 1);
        label.insert(place, *random.one_of(b" \t\x7f\x80\xc3\xff\0"));
    }
    label
}

/// Changes one of the fields.
fn twist(random: &mut Random, subject: &Subject<'_>, fields: &mut Vec<Field>) {
    if fields.is_empty() {
        return;
    }
    let place = random.below(fields.len());
    let (name, value) = &mut fields[place];
    match random.below(14) {
        0 | 1 => drop(fields.remove(place)),
        2 => *name = renamed(random, name),
        3 | 4 => {
            let again = fields[place].clone();
            fields.insert(random.below(fields.len() + 1), again);
        }
        5 => {
            let again = (name.to_ascii_uppercase(), items::changed(random, subject, value.clone()));
            fields.insert(random.below(fields.len() + 1), again);
        }
        6 => {
            let again = (name.clone(), Vec::new());
            fields.insert(random.below(fields.len() + 1), again);
        }
        7 => value.clear(),
        8 => value.push(b' '),
        9 => value.insert(0, b' '),
        10 => value.push(b'\t'),
        11 => value.insert(random.below(value.len() + 1), b"\x80\xc3\xff"[random.below(3)]),
        12 => {
            let value = value.clone();
            let other = random.below(fields.len());
            fields[place].1 = std::mem::replace(&mut fields[other].1, value);
        }
        _ => {
            if !value.is_empty() {
                let place = random.below(value.len());
                value[place] = random.number() as u8;
            }
        }
    }
}

/// Returns a similar name, often with the same length and the same last character.
fn renamed(random: &mut Random, name: &str) -> String {
    if name.is_empty() || !name.is_ascii() {
        return format!("{name}s");
    }
    let mut bytes = name.as_bytes().to_vec();
    match random.below(6) {
        0 => format!("{name}s"),
        1 => name[..name.len() - 1].to_owned(),
        // These characters fold to ASCII letters in Unicode. The comparison of names does not fold them.
        2 => name.replacen(['k', 'K'], "\u{212a}", 1).replacen(['s', 'S'], "\u{17f}", 1),
        3 => name.replace('-', "_"),
        _ => {
            let place = random.below(bytes.len().saturating_sub(1).max(1));
            bytes[place] = if bytes[place].is_ascii_alphanumeric() { *random.one_of(b"abcdefgxyz019") } else { b'@' };
            String::from_utf8(bytes).expect("ASCII")
        }
    }
}

fn other_case(random: &mut Random, name: &mut String) {
    match random.below(4) {
        0 => name.make_ascii_lowercase(),
        1 => name.make_ascii_uppercase(),
        2 => {
            let swapped = name
                .chars()
                .map(|character| if random.percent(50) { character.to_ascii_uppercase() } else { character.to_ascii_lowercase() });
            *name = swapped.collect();
        }
        _ => {}
    }
}

/// Adds the fields on the length of the body. The length may be false.
fn lengths(random: &mut Random, subject: &Subject<'_>, length: usize, fields: &mut Vec<Field>) {
    let chance = if subject.layout.is_in_content_length() { 12 } else { 88 };
    if random.percent(chance) {
        let text = match random.below(100) {
            0..72 => length.to_string(),
            _ => odd_length(random, length),
        };
        fields.push(("Content-Length".to_owned(), text.into_bytes()));
        if random.percent(6) {
            fields.push(("content-length".to_owned(), odd_length(random, length).into_bytes()));
        }
    }
    if random.percent(8) {
        fields.push(("Transfer-Encoding".to_owned(), b"chunked".to_vec()));
    }
    if random.percent(8) {
        fields.push(("Expect".to_owned(), b"100-continue".to_vec()));
    }
}

fn odd_length(random: &mut Random, length: usize) -> String {
    match random.below(16) {
        0 => length.saturating_sub(1).to_string(),
        1 => (length + 1).to_string(),
        2 => (length / 2).to_string(),
        3 => (length * 2 + 10).to_string(),
        4 => "0".to_owned(),
        5 => format!("00{length}"),
        6 => String::new(),
        7 => format!("+{length}"),
        8 => format!("{length} "),
        9 => format!("{length}, {length}"),
        10 => "twelve".to_owned(),
        11 => format!("0x{length:x}"),
        12 => usize::MAX.to_string(),
        13 => "99999999999999999999999999999".to_owned(),
        14 => "4000000001".to_owned(),
        _ => random.between(0, 6000).to_string(),
    }
}

const COMMON: [(&str, &str); 16] = [
    ("Host", "hooks.example.com"),
    ("User-Agent", "Atlassian Webhook HTTP Client"),
    ("Accept", "*/*"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Content-Type", "application/json"),
    ("Content-Encoding", "gzip"),
    ("Connection", "keep-alive"),
    ("Authorization", "JWT eyJhbGciOiJIUzI1NiJ9.e30.x"),
    ("Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"),
    ("Cookie", ""),
    ("X-Forwarded-For", "192.0.2.1"),
    ("X-Forwarded-Proto", "https"),
    ("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("X-Hub-Signature", "sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9"),
    ("X-Hub-Signature-256", ""),
    ("E", "e"),
];

/// Adds up to forty other fields. Some of these fields belong to another scheme.
fn around(random: &mut Random, subject: &Subject<'_>, fields: &mut Vec<Field>) {
    let count = match random.below(100) {
        0..30 => 0,
        30..85 => random.between(1, 12),
        _ => random.between(13, 40),
    };
    let sought = subject.layout.sought();
    for _ in 0..count {
        let field = match random.below(20) {
            0..11 => {
                let (name, value) = *random.one_of(&COMMON);
                // Okta's token is in `Authorization`, and would occur twice.
                if sought.iter().any(|sought| sought.eq_ignore_ascii_case(name)) {
                    continue;
                }
                (name.to_owned(), value.into())
            }
            11..18 => {
                let name = random.one_of(&sought);
                let near = renamed(random, name);
                if sought.iter().any(|sought| sought.eq_ignore_ascii_case(&near)) {
                    continue;
                }
                (near, b"0123456789abcdef".to_vec())
            }
            18 => (format!("X-{}", random.number()), random.bytes(20)),
            _ => {
                let others = random.one_of(&subject.world.layouts).sought();
                let other = random.one_of(&others).clone();
                if random.percent(80) && sought.iter().any(|sought| sought.eq_ignore_ascii_case(&other)) {
                    continue;
                }
                (other, b"sha256=00".to_vec())
            }
        };
        fields.push(field);
    }
}
