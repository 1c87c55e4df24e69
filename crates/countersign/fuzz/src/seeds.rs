//! Inputs to begin with, made of each provider's row.

use std::time::{Duration, SystemTime};

use countersign::{Secret, Signer};

use crate::description::{Place, Time, TimePlace};
use crate::rows::Row;

/// When all of them were signed, in seconds since 1970.
pub const SECONDS: u64 = 1_795_541_400;

fn signed(row: &Row) -> Vec<(String, String)> {
    let mut builder = Signer::builder(row.scheme, Secret::new(row.scheme.secret_of(&[7; 32])));
    if row.scheme.signs_url() {
        builder = builder.url("https://example.com/hook");
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(SECONDS);
    builder.build().unwrap().sign_as("msg_1", b"body", now)
}

fn which(row: &Row, name: &str) -> char {
    let place = row.description.headers().iter().position(|other| other == name).unwrap();
    char::from(b'0' + u8::try_from(place).unwrap())
}

/// A head as the provider sends it, as an input of `header_…`.
///
/// # Panics
/// If the provider cannot sign.
#[must_use]
pub fn head(row: &Row) -> String {
    let mut text = format!("{}\n{SECONDS}\nPOST /hook\n", row.scheme.name());
    for (name, value) in signed(row) {
        let value = if row.scheme.covers_body() { &value } else { "tokens" };
        text += &format!("{}{value}\n", which(row, &name));
    }
    text
}

/// A delivery as the provider sends it, as an input of `model`, which signs it when it is read.
///
/// # Panics
/// If the provider cannot sign.
#[must_use]
pub fn delivery(row: &Row) -> String {
    let sha1 = if row.description.hashes() == [countersign::scheme::Algorithm::Sha1] { "1" } else { "" };
    let mut text = format!("{}\n{sha1}\n{SECONDS}000\nk {}\nPOST /hook\n", row.scheme.name(), row.scheme.secret_of(&[7; 32]));
    let signatures = row.description.headers();
    let hash = match row.description.names {
        [("sha1", _), ("sha256", _), ..] => '1',
        _ => '0',
    };
    for (name, value) in signed(row) {
        let is_time = matches!(row.description.time, Some(Time { place: TimePlace::Header(header), .. }) if header == name);
        let is_signature = match row.description.place {
            Place::Numbered(prefix) => name.starts_with(prefix),
            _ => name == signatures[0],
        };
        let value = if is_time {
            "$t.".to_owned()
        } else if is_signature {
            let start = match (row.description.names, row.description.time.map(|time| time.place)) {
                ([], _) => String::new(),
                (_, Some(TimePlace::Item(item))) => {
                    let comma = char::from(row.description.comma.unwrap());
                    format!("{item}=$t.{comma}{}=", row.description.names[0].0)
                }
                (names, _) => format!("{}{}", names[usize::from(hash == '1')].0, char::from(row.description.equals)),
            };
            format!("{start}$0{hash}.")
        } else {
            value
        };
        text += &format!("{}{value}\n", which(row, &name));
    }
    text + "\nbody"
}
