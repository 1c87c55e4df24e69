//! The generator's knowledge of each scheme: the places of the parts in a head, and the signed text.

use std::time::{Duration, SystemTime};

use countersign_before::scheme::{Algorithm, Encoding, Scheme, SecretForm, TimestampFormat};
use countersign_before::{Secret, Signer, Verifier};

use crate::before::schemes;
use crate::plan::BASE_URL;
use crate::random::Random;

pub struct Layout {
    pub scheme: Scheme,
    /// The byte between the items of a list.
    pub list: Option<u8>,
    /// The byte between a name and a signature.
    pub separator: Option<u8>,
    pub time: Option<TimePlace>,
    /// The signed text, if known here: `{t}` is the timestamp, `{i}` the id, `{m}` the method, `{u}` the URL, and `{b}` the body.
    pub template: Option<&'static str>,
    pub takes_base: bool,
}

pub enum TimePlace {
    Header(String),
    /// An item with this name.
    Item(String),
}

/// The byte between the items of a list, for schemes without a timestamp item. With a timestamp item, `Layout::new` finds this byte itself.
/// For a provider missing here, fewer lists are tested.
const LISTS: &[(&str, u8)] = &[
    ("pagerduty", b','),
    ("circleci", b','),
    ("gitlab", b' '),
    ("standard-webhooks", b' '),
    ("svix", b' '),
    ("clerk", b' '),
    ("resend", b' '),
    ("openai", b' '),
    ("anthropic", b' '),
    ("own-numbered-list", b','),
    ("own-comma", b','),
    ("own-space", b' '),
    ("own-tags", b','),
    ("own-length-list", b','),
];

/// The signed texts of the schemes tested with timestamps that no signer writes.
const TEMPLATES: &[(&str, &str)] = &[
    ("stripe", "{t}.{b}"),
    ("slack", "v0:{t}:{b}"),
    ("zoom", "v0:{t}:{b}"),
    ("gitlab", "{i}.{t}.{b}"),
    ("standard-webhooks", "{i}.{t}.{b}"),
    ("svix", "{i}.{t}.{b}"),
    ("twitch", "{i}{t}{b}"),
    ("box", "{b}{t}"),
    ("paddle", "{t}:{b}"),
    ("hubspot-v3", "{m}{u}{b}{t}"),
    ("zendesk", "{t}{b}"),
    ("calendly", "{t}.{b}"),
    ("sanity", "{t}.{b}"),
    ("workos", "{t}.{b}"),
    ("own-any-of-three", "{i}.{t}.{b}"),
    ("own-seconds", "{t}.{b}"),
    ("own-milliseconds", "{b}.{t}"),
    ("own-rfc3339", "{i}{t}{b}"),
    ("own-item-seconds", "{t}.{b}"),
    ("own-item-milliseconds", "{t}{b}"),
    ("own-item-rfc3339", "{t}{b}"),
    ("own-method-url", "{m}\n{u}\n{t}\n{b}"),
    ("own-everything", "{m}{u}\n{i}.{b}\n{t}"),
    ("own-length-time", "{t}.{b}"),
    ("own-labels-time", "{t}.{b}"),
    ("own-neighbours", "{t}.{b}"),
];

/// Returns the layouts of all schemes, in the order of both sides.
pub fn layouts() -> Vec<Layout> {
    schemes::all().into_iter().map(Layout::new).collect()
}

impl Layout {
    fn new(scheme: Scheme) -> Self {
        let place = |table: &[(&str, u8)]| table.iter().find(|(name, _)| *name == scheme.name()).map(|(_, separator)| *separator);
        let mut layout = Self {
            list: place(LISTS),
            separator: None,
            time: None,
            template: TEMPLATES.iter().find(|(name, _)| *name == scheme.name()).map(|(_, template)| *template),
            takes_base: takes_base(&scheme),
            scheme,
        };
        let probe = layout.probe();
        let (_, mut value) = probe.last().cloned().expect("a signer returns a header");
        let text = layout.time_of_probe();
        if scheme.tolerance().is_some() {
            match value.find(text) {
                Some(place) => {
                    layout.list = Some(value.as_bytes()[place + text.len()]);
                    layout.time = Some(TimePlace::Item(value[..place - 1].to_owned()));
                    value = value[place + text.len() + 1..].to_owned();
                }
                None => {
                    let header = probe.iter().find(|(_, value)| value == text).expect("a header holds the timestamp");
                    layout.time = Some(TimePlace::Header(header.0.clone()));
                }
            }
        }
        layout.separator = scheme.algorithm_names().first().map(|(name, _)| value.as_bytes()[name.len()]);
        layout
    }

    /// Returns a signed head that shows the rest of the layout.
    fn probe(&self) -> Vec<(String, String)> {
        let secret = Secret::new(secret(&self.scheme, &mut Random::new(1)));
        let mut signer = Signer::builder(self.scheme, secret);
        if self.scheme.signs_url() {
            signer = signer.url("https://example.com/");
        }
        if let Some(algorithm) = self.scheme.algorithms().next() {
            signer = signer.algorithm(algorithm);
        }
        signer.build().expect("the signer is valid").sign_at(b"", SystemTime::UNIX_EPOCH + Duration::from_secs(1_234_567_890))
    }

    fn time_of_probe(&self) -> &'static str {
        match self.scheme.timestamp_format_used() {
            TimestampFormat::Milliseconds => "1234567890000",
            TimestampFormat::Rfc3339 => "2009-02-13T23:31:30Z",
            _ => "1234567890",
        }
    }

    /// Returns the characters of encoded signatures.
    pub fn alphabet(&self) -> &'static [u8] {
        match self.scheme.signature_encoding() {
            Encoding::Hex => b"0123456789abcdef",
            Encoding::Base64 => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
            _ => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        }
    }

    /// Returns the name in front of signatures by this algorithm.
    pub fn name_of(&self, algorithm: Algorithm) -> &'static str {
        self.scheme.algorithm_names().iter().find(|(_, known)| *known == algorithm).map_or("", |(name, _)| name)
    }

    /// Returns a signer for any text, with the same key and the same encoding.
    pub fn text_signer(&self, secret: &str, algorithm: Algorithm) -> Signer {
        let scheme = Scheme::new("text", "X-Text").bare(algorithm).encoding(self.scheme.signature_encoding());
        let scheme = match self.scheme.secret_form() {
            SecretForm::Base64 { prefix } => scheme.base64_secret(prefix),
            SecretForm::Hex => scheme.hex_secret(),
            _ => scheme,
        };
        Signer::builder(scheme, Secret::new(secret)).algorithm(algorithm).build().expect("the secret was valid before")
    }

    /// Returns the names of all headers read by the scheme. Of numbered headers, only the first name is included.
    pub fn sought(&self) -> Vec<String> {
        let mut names: Vec<String> = self.scheme.signature_headers().iter().map(|name| (*name).to_owned()).collect();
        if self.scheme.has_numbered_headers() {
            names[0].push('1');
        }
        let others = [self.scheme.signed_id_header(), self.scheme.unsigned_delivery_id_header(), self.scheme.unsigned_event_header()];
        names.extend(others.into_iter().flatten().map(str::to_owned));
        if let Some(TimePlace::Header(name)) = &self.time {
            names.push(name.clone());
        }
        names
    }

    pub fn is_in_content_length(&self) -> bool {
        self.sought().iter().any(|name| name.eq_ignore_ascii_case("content-length"))
    }
}

/// Returns a new secret in the form of the provider.
pub fn secret(scheme: &Scheme, random: &mut Random) -> String {
    if scheme.name() == "own-token-length" {
        return random.between(1, 300).to_string();
    }
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&random.bytes(32));
    let secret = scheme.secret_of(&bytes);
    // White space, for the hints.
    if scheme.secret_form() == SecretForm::Verbatim && random.percent(10) { format!("{secret} ") } else { secret }
}

fn takes_base(scheme: &Scheme) -> bool {
    let verifier = Verifier::builder(*scheme).base_url(BASE_URL).key("key", Secret::new(secret(scheme, &mut Random::new(1))));
    scheme.signs_url() && verifier.build().is_ok()
}
