//! The description of a provider that this model has no words of its own for: made of the provider's computed delivery, which
//! `tests/computed.py` writes without a line of the crates' code, and of what the constant tells of itself.

use std::time::Duration;

use countersign::scheme::{Algorithm, Encoding, Scheme, SecretForm, TimestampFormat};
use serde::Deserialize;

use crate::description::{Description, Form, Place, Signed, Time, TimePlace};

/// A row of `tests/computed.json`.
#[derive(Deserialize)]
struct Computed {
    scheme: String,
    /// `computed: sha256 over {s}.{body}`.
    source: String,
    secret: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    tag: String,
    name: Option<String>,
    separator: Option<String>,
}

/// The values of `tests/computed.py`, by which its headers are told apart.
const ID: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";
const TIMES: [(&str, &str, TimestampFormat); 3] = [
    ("{s}", "1764000000", TimestampFormat::Seconds),
    ("{ms}", "1764000000007", TimestampFormat::Milliseconds),
    ("{rfc}", "2025-11-24T16:00:00.000000007Z", TimestampFormat::Rfc3339),
];

/// # Panics
/// If there is no computed delivery of this scheme.
#[must_use]
pub fn describe(scheme: &Scheme) -> Description {
    let all: Vec<Computed> = serde_json::from_str(include_str!("../../../../tests/computed.json")).expect("it is JSON");
    let computed = all.into_iter().find(|computed| computed.scheme == scheme.name());
    let computed = computed.unwrap_or_else(|| panic!("{} has no computed delivery: add one to tests/computed.py", scheme.name()));
    let (hash, text) = computed.source.strip_prefix("computed: ").and_then(|rest| rest.split_once(" over ")).expect("as it is written");
    let hash = hash_of(hash);
    let time = TIMES.into_iter().find(|(token, ..)| text.contains(token));
    let leaked = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let named = |value: &str| computed.headers.iter().find(|(_, other)| other == value).map(|(name, _)| leaked(name));
    let plain = Description {
        secret: match scheme.secret_form() {
            SecretForm::Hex => Form::Hex,
            SecretForm::Base64 { prefix } => Form::Base64(prefix),
            _ => Form::Text,
        },
        key_lengths: (*scheme.key_bytes().start(), *scheme.key_bytes().end()),
        unsigned_id: scheme.unsigned_delivery_id_header(),
        unsigned_event: scheme.unsigned_event_header(),
        ..Description::hex(leaked(&computed.headers.last().expect("a header").0))
    };
    if let Some(header) = named(&computed.secret) {
        return Description { place: Place::Token(header), ..plain };
    }
    let (header, value) = computed.headers.iter().find(|(_, value)| value.contains(&computed.tag)).expect("a tag");
    let time = time.map(|(_, text, format)| {
        let place = named(text).map_or_else(|| TimePlace::Item(leaked(value.split('=').next().unwrap_or_default())), TimePlace::Header);
        Time { place, format, tolerance: scheme.tolerance().unwrap_or(Duration::ZERO) }
    });
    // In front of the signature's name, or behind the time.
    let before = value.split(computed.name.as_deref().unwrap_or_default()).next().unwrap_or_default();
    let comma = before.trim_end().bytes().last().filter(|_| computed.name.is_some());
    let all_but_sha1: Vec<_> = scheme.algorithms().filter(|algorithm| *algorithm != Algorithm::Sha1).collect();
    let usual = (scheme.accepted_by_default() != all_but_sha1).then(|| &*Box::leak(scheme.accepted_by_default().into_boxed_slice()));
    Description {
        place: match scheme.signature_headers() {
            [header] if scheme.has_numbered_headers() => Place::Numbered(header),
            [_] => Place::Header(leaked(header)),
            headers => Place::Headers(Vec::leak(headers.to_vec())),
        },
        names: scheme.algorithm_names(),
        hash,
        usual,
        equals: computed.separator.as_deref().and_then(|separator| separator.bytes().next()).unwrap_or(b'='),
        comma,
        encoding: encoding_of(&computed.tag, hash.tag_len()),
        signed: signed_of(text),
        time,
        id: text.contains("{id}").then(|| named(ID).expect("a header for the id")),
        ..plain
    }
}

fn hash_of(name: &str) -> Algorithm {
    let all = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];
    all.into_iter().find(|hash| hash.name() == name).expect("a hash")
}

fn encoding_of(tag: &str, bytes: usize) -> Encoding {
    match tag.len() {
        length if length == 2 * bytes => Encoding::Hex,
        length if length == bytes.div_ceil(3) * 4 && (tag.contains(['+', '/', '=']) || !bytes.is_multiple_of(3)) => Encoding::Base64,
        _ => Encoding::Base64Url,
    }
}

/// The signed text, from `{s}.{body}`.
fn signed_of(text: &str) -> &'static [Signed] {
    let tokens = [
        ("{s}", Signed::Time),
        ("{ms}", Signed::Time),
        ("{rfc}", Signed::Time),
        ("{id}", Signed::Id),
        ("{method}", Signed::Method),
        ("{url}", Signed::Url),
        ("{body}", Signed::Body),
    ];
    let (mut signed, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        if let Some((token, part)) = tokens.into_iter().find(|(token, _)| rest.starts_with(token)) {
            signed.push(part);
            rest = &rest[token.len()..];
        } else {
            let end = rest.find('{').unwrap_or(rest.len()).max(1);
            signed.push(Signed::Text(Box::leak(rest[..end].to_owned().into_boxed_str())));
            rest = &rest[end..];
        }
    }
    Vec::leak(signed)
}

#[cfg(test)]
mod tests {
    use countersign::providers;

    use super::*;
    use crate::rows::ROWS;

    /// Where the model has words of its own, what is derived says the same.
    #[test]
    fn what_is_derived_is_what_the_model_says() {
        for (scheme, row) in providers::ALL.iter().zip(ROWS.iter()) {
            // Of a bare tag, the comma, the sign behind a name and the usual hashes mean nothing, or the same in other words.
            let shown = |description: &Description| {
                let comma = description.comma.filter(|_| !description.names.is_empty());
                let mut usual = description.usual.map_or_else(|| description.hashes(), <[_]>::to_vec);
                usual.retain(|hash| *hash != Algorithm::Sha1);
                let same = Description { comma, usual: None, hash: description.hashes()[0], equals: b'=', ..*description };
                format!("{same:?} {usual:?}")
            };
            let mut derived = describe(scheme);
            // Lists of one item in the computed delivery do not show what divides them.
            derived.comma = row.description.comma;
            assert_eq!(shown(&derived), shown(&row.description), "{}", scheme.name());
        }
    }
}
