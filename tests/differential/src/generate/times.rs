//! Timestamps in forms that no signer writes. Some of these timestamps are still valid.

use std::time::{Duration, SystemTime};

use countersign_before::scheme::{Part, Scheme, TimestampFormat};

use crate::generate::message::Message;
use crate::layout::Layout;
use crate::random::Random;

/// Returns a scheme with the timestamps of this layout. A signer of the scheme writes the timestamp into its first field.
pub fn writer(layout: &Layout) -> Scheme {
    let writer = Scheme::new("time", "X-Signature").prefix(&[Part::Timestamp]).timestamp_header("X-Time", Duration::from_secs(1));
    writer.timestamp_format(layout.scheme.timestamp_format_used())
}

pub fn odd(random: &mut Random, layout: &Layout, message: &Message, at: SystemTime) -> String {
    let text = message.written_time(layout, at);
    if random.percent(10) {
        return of_any_format(random, &text);
    }
    if layout.scheme.timestamp_format_used() != TimestampFormat::Rfc3339 {
        return number(random, &text);
    }
    if random.percent(55) { rfc3339_right(random, layout, message, at, &text) } else { rfc3339_wrong(random, &text) }
}

fn of_any_format(random: &mut Random, text: &str) -> String {
    match random.below(8) {
        0 => String::new(),
        1 => format!(" {text}"),
        2 => format!("{text} "),
        3 => format!("{text}\t"),
        4 => format!("{text}\u{661}"),
        5 => format!("{text}{text}"),
        6 => text[..text.len() / 2].to_owned(),
        _ => "today".to_owned(),
    }
}

fn number(random: &mut Random, text: &str) -> String {
    let digits = |random: &mut Random, count| String::from_utf8(random.text(count, b"0123456789")).expect("ASCII");
    match random.below(18) {
        0 => format!("0{text}"),
        1 => format!("000{text}"),
        2 => format!("+{text}"),
        3 => format!("-{text}"),
        4 => format!("1{}", digits(random, 18)),
        5 => format!("17{}", digits(random, 18)),
        6 => u64::MAX.to_string(),
        7 => "18446744073709551616".to_owned(),
        8 => format!("9{}", digits(random, 19)),
        9 => i64::MAX.to_string(),
        10 => "9223372036854775808".to_owned(),
        11 => (*random.one_of(&["0", "1", "00", "-0"])).to_owned(),
        12 => format!("{text}.0"),
        13 => format!("{text}{}", digits(random, 1)),
        14 => text[..text.len() - 1].to_owned(),
        15 => format!("{text}e0"),
        16 => text.replace('1', "１"),
        // Milliseconds become seconds, and seconds become milliseconds.
        _ if text.len() > 11 => text[..text.len() - 3].to_owned(),
        _ => format!("{text}000"),
    }
}

fn rfc3339_right(random: &mut Random, layout: &Layout, message: &Message, at: SystemTime, text: &str) -> String {
    let bare = &text[..text.len() - 1];
    let count = random.between(1, 9);
    let fraction = String::from_utf8(random.text(count, b"0123456789")).expect("ASCII");
    match random.below(4) {
        0 => format!("{bare}.{fraction}Z"),
        1 => format!("{bare}{}00:00", random.one_of(&['+', '-'])),
        2 => {
            // The same moment, in another time zone.
            let (hours, minutes) = (random.below(24) as u64, random.below(60) as u64);
            let there = message.written_time(layout, at + Duration::from_secs(hours * 3600 + minutes * 60));
            format!("{}.{fraction}+{hours:02}:{minutes:02}", &there[..there.len() - 1])
        }
        // A leap second.
        _ => format!("{}60Z", &bare[..bare.len() - 2]),
    }
}

fn rfc3339_wrong(random: &mut Random, text: &str) -> String {
    let bare = &text[..text.len() - 1];
    let (date, time) = text.split_once('T').unwrap_or_default();
    match random.below(18) {
        0 => text.to_lowercase(),
        1 => format!("{bare}z"),
        2 => bare.to_owned(),
        3 => format!("{date} {time}"),
        4 => format!("{bare}.Z"),
        5 => format!("{bare}.1234567890Z"),
        6 => format!("{bare},5Z"),
        7 => format!("{bare}+0000"),
        8 => format!("{bare}+24:00"),
        9 => format!("{bare}+00:60"),
        10 => format!("{bare}ZZ"),
        11 => format!("{date}T24:00:00Z"),
        12 => format!("{}61Z", &bare[..bare.len() - 2]),
        13 => format!("{}02-30T{time}", &date[..5]),
        14 => format!("{}13-01T{time}", &date[..5]),
        15 => format!("1969{}T{time}", &date[4..]),
        16 => format!("9999{}T{time}", &date[4..]),
        _ => format!("+{}T{time}", &date[1..]),
    }
}
