//! Seeds: one input for each provider, generated from the row of the provider.

use std::time::{Duration, SystemTime};

use countersign::{Secret, Signer};

use crate::description::{Place, Time, TimePlace};
use crate::rows::Row;

/// The time of signing for every seed, in seconds since 1970.
pub const SECONDS: u64 = 1_795_541_400;

fn signed(row: &Row) -> Vec<(String, String)> {
    let mut builder = Signer::builder(row.scheme, Secret::new(row.scheme.secret_of(&[7; 32])));
    if row.scheme.signs_url() {
        builder = builder.url("https://example.com/hook");
    }
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(SECONDS);
    builder.build().unwrap().sign_as("msg_1", b"body", now)
}

/// Returns the character for a header in an input.
fn which(row: &Row, name: &str) -> char {
    let place = row.description.headers().iter().position(|other| other == name).unwrap();
    char::from(b'0' + u8::try_from(place).unwrap())
}

/// Writes a head of the provider as an input of a `header_…` target.
///
/// # Panics
/// If the crate cannot sign deliveries of the provider.
#[must_use]
pub fn head(row: &Row) -> String {
    let mut text = format!("{}\n{SECONDS}\nPOST /hook\n", row.scheme.name());
    for (name, value) in signed(row) {
        let value = if row.scheme.covers_body() { &value } else { "tokens" };
        text += &format!("{}{value}\n", which(row, &name));
    }
    text
}

/// Writes a delivery of the provider as an input of the target `model`. The target signs the delivery while reading the input.
///
/// # Panics
/// If the crate cannot sign deliveries of the provider.
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
