//! Derives the description of a provider without a written description in `rows.rs`.
//!
//! One source is the provider's computed delivery: `tests/computed.py` writes the delivery without any code of the crates. The other
//! source is the `Scheme` constant itself.

use std::time::Duration;

use countersign::scheme::{Algorithm, Encoding, Scheme, SecretForm, TimestampFormat};
use serde::Deserialize;

use crate::description::{Description, Form, Place, Signed, Time, TimePlace};

/// A row of `tests/computed.json`.
#[derive(Deserialize)]
struct Computed {
    scheme: String,
    /// The algorithm and the signed text, such as `computed: sha256 over {s}.{body}`.
    source: String,
    secret: String,
    headers: Vec<(String, String)>,
    #[serde(default)]
    tag: String,
    name: Option<String>,
    separator: Option<String>,
}

/// The values in `tests/computed.py`. A header is recognised by its value.
const ID: &str = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W";
const TIMES: [(&str, &str, TimestampFormat); 3] = [
    ("{s}", "1764000000", TimestampFormat::Seconds),
    ("{ms}", "1764000000007", TimestampFormat::Milliseconds),
    ("{rfc}", "2025-11-24T16:00:00.000000007Z", TimestampFormat::Rfc3339),
];

/// Derives the description of a scheme.
///
/// # Panics
/// If the scheme has no computed delivery.
#[must_use]
pub fn describe(scheme: &Scheme) -> Description {
    let all: Vec<Computed> = serde_json::from_str(include_str!("../../../../tests/computed.json")).expect("computed.json is valid JSON");
    let computed = all.into_iter().find(|computed| computed.scheme == scheme.name());
    let computed = computed.unwrap_or_else(|| panic!("{} has no computed delivery: add one to tests/computed.py", scheme.name()));
    let (hash, text) = computed.source.strip_prefix("computed: ").and_then(|rest| rest.split_once(" over ")).expect("a valid source");
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
        ..Description::hex(leaked(&computed.headers.last().expect("the delivery has a header").0))
    };
    if let Some(header) = named(&computed.secret) {
        return Description { place: Place::Token(header), ..plain };
    }
    let (header, value) = computed.headers.iter().find(|(_, value)| value.contains(&computed.tag)).expect("a header holds the tag");
    let time = time.map(|(_, text, format)| {
        let place = named(text).map_or_else(|| TimePlace::Item(leaked(value.split('=').next().unwrap_or_default())), TimePlace::Header);
        Time { place, format, tolerance: scheme.tolerance().unwrap_or(Duration::ZERO) }
    });
    // The separator of items stands before the name of the signature.
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
        id: text.contains("{id}").then(|| named(ID).expect("a header holds the id")),
        ..plain
    }
}

fn hash_of(name: &str) -> Algorithm {
    let all = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha384, Algorithm::Sha512];
    all.into_iter().find(|hash| hash.name() == name).expect("the algorithm is known")
}

fn encoding_of(tag: &str, bytes: usize) -> Encoding {
    match tag.len() {
        length if length == 2 * bytes => Encoding::Hex,
        length if length == bytes.div_ceil(3) * 4 && (tag.contains(['+', '/', '=']) || !bytes.is_multiple_of(3)) => Encoding::Base64,
        _ => Encoding::Base64Url,
    }
}

/// Parses the signed text, such as `{s}.{body}`.
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

    #[test]
    fn derived_description_equals_written_description() {
        for (scheme, row) in providers::ALL.iter().zip(ROWS.iter()) {
            // `usual` and `hash` can say the same in two ways, so the lists of algorithms are compared. `equals` is not compared, because a
            // bare tag has no `equals`.
            let shown = |description: &Description| {
                let comma = description.comma.filter(|_| !description.names.is_empty());
                let mut usual = description.usual.map_or_else(|| description.hashes(), <[_]>::to_vec);
                usual.retain(|hash| *hash != Algorithm::Sha1);
                let same = Description { comma, usual: None, hash: description.hashes()[0], equals: b'=', ..*description };
                format!("{same:?} {usual:?}")
            };
            let mut derived = describe(scheme);
            // A computed list of one item does not show its separator, so `comma` is not compared.
            derived.comma = row.description.comma;
            assert_eq!(shown(&derived), shown(&row.description), "{}", scheme.name());
        }
    }
}
