//! The signed message, and its signatures.

use std::time::SystemTime;

use countersign_before::scheme::Algorithm;
use countersign_before::{Secret, Signer};

use crate::generate::{Subject, bodies, moment, times};
use crate::layout::{Layout, TimePlace};
use crate::plan::{BASE_URL, Url, WHOLE_URL};
use crate::random::Random;
use crate::request::Field;

/// A delivery, as intended by its sender.
pub struct Message {
    pub now: SystemTime,
    at: SystemTime,
    pub method: String,
    pub target: String,
    pub original_target: String,
    /// The signed target.
    signed_target: String,
    id: String,
    pub body: Vec<u8>,
    /// A timestamp in a form that no signer writes.
    time: Option<String>,
}

const ID_BYTES: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";

const METHODS: [&str; 8] = ["POST", "PUT", "PATCH", "post", "Post", "", "M-SEARCH", "PÖST"];

const TARGETS: [&str; 13] = [
    "/",
    "/hook",
    "/hook?a=b&c=%20",
    "/a/very/long/path/of/no/use/to/anybody/at/all?with=a&query=behind&it=[]",
    "",
    "*",
    "hook",
    "/ü",
    "/a b",
    "/a#b",
    "/{x}",
    "/a\nb",
    "https://hooks.example.com/hook",
];

impl Message {
    pub fn draw(random: &mut Random, subject: &Subject<'_>) -> Self {
        let moment::Moment { now, at } = moment::draw(random, subject.part, subject.layout);
        let method = if random.percent(85) { METHODS[0] } else { *random.one_of(&METHODS) }.to_owned();
        let is_based = subject.part.url == Some(Url::Base);
        let target = match random.below(100) {
            0..80 if !is_based => TARGETS[0],
            0..70 => TARGETS[1 + random.below(3)],
            _ => *random.one_of(&TARGETS),
        };
        let original_target = if random.percent(85) { target.to_owned() } else { format!("/prefix{target}") };
        let signed_target = if random.percent(95) { original_target.clone() } else { target.to_owned() };
        let mut message = Self {
            now,
            at,
            method,
            target: target.to_owned(),
            original_target,
            signed_target,
            id: id(random),
            body: bodies::draw(random, subject),
            time: None,
        };
        if subject.layout.time.is_some() && random.percent(14) {
            message.time = Some(times::odd(random, subject.layout, &message, at));
        }
        message
    }

    /// Returns the id and timestamp fields beside the signatures.
    pub fn beside(&self, subject: &Subject<'_>) -> Vec<Field> {
        let mut fields = Vec::new();
        if let Some(name) = subject.layout.scheme.signed_id_header() {
            fields.push((name.to_owned(), self.id.clone().into_bytes()));
        }
        if let Some(TimePlace::Header(name)) = &subject.layout.time {
            fields.push((name.clone(), self.time(subject.layout).into_bytes()));
        }
        fields
    }

    /// Returns the timestamp item, for a scheme with such an item.
    pub fn time_item(&self, subject: &Subject<'_>) -> Option<Vec<u8>> {
        match (&subject.layout.time, subject.layout.separator) {
            (Some(TimePlace::Item(name)), Some(separator)) => {
                Some(format!("{name}{}{}", char::from(separator), self.time(subject.layout)).into_bytes())
            }
            _ => None,
        }
    }

    fn time(&self, layout: &Layout) -> String {
        self.time.clone().unwrap_or_else(|| self.written_time(layout, self.at))
    }

    /// Returns the timestamp, as written by a signer of the scheme.
    pub fn written_time(&self, layout: &Layout, at: SystemTime) -> String {
        let signer = Signer::builder(times::writer(layout), Secret::new("a secret without importance here"));
        let head = signer.build().expect("the signer is valid").sign_as("", b"", at);
        head.into_iter().next().map_or_else(String::new, |(_, text)| text)
    }

    /// Returns the signature item by this secret, or the token for a token scheme.
    pub fn item(&self, subject: &Subject<'_>, secret: &str, algorithm: Algorithm) -> Vec<u8> {
        match (&self.time, subject.layout.template) {
            (Some(time), Some(template)) => self.of_template(subject, secret, algorithm, template, time),
            _ => self.of_signer(subject, secret, algorithm),
        }
    }

    pub fn of_signer(&self, subject: &Subject<'_>, secret: &str, algorithm: Algorithm) -> Vec<u8> {
        let mut signer = Signer::builder(subject.layout.scheme, Secret::new(secret)).algorithm(algorithm).method(self.method.as_str());
        match subject.part.url {
            None => {}
            Some(Url::Whole) => signer = signer.url(WHOLE_URL),
            Some(Url::Base) => signer = signer.base_url(BASE_URL, self.signed_target.as_str()),
        }
        let head = signer.build().expect("the key and the algorithm fit the scheme").sign_as(&self.id, &self.body, self.at);
        let (_, value) = head.last().expect("a signer returns a signature");
        match (&subject.layout.time, subject.layout.list) {
            (Some(TimePlace::Item(_)), Some(list)) => value.split_once(char::from(list)).map_or("", |(_, item)| item),
            _ => value,
        }
        .into()
    }

    /// Signs with the template of the scheme.
    pub fn of_template(&self, subject: &Subject<'_>, secret: &str, algorithm: Algorithm, template: &str, time: &str) -> Vec<u8> {
        let url = match subject.part.url {
            None => String::new(),
            Some(Url::Whole) => WHOLE_URL.to_owned(),
            Some(Url::Base) => format!("{BASE_URL}{}", self.signed_target),
        };
        let mut text = Vec::with_capacity(self.body.len() + 100);
        let mut rest = template;
        while let Some((before, from)) = rest.split_once('{') {
            text.extend_from_slice(before.as_bytes());
            let (place, after) = from.split_once('}').expect("a placeholder has an end");
            match place {
                "t" => text.extend_from_slice(time.as_bytes()),
                "i" => text.extend_from_slice(self.id.as_bytes()),
                "m" => text.extend_from_slice(self.method.as_bytes()),
                "u" => text.extend_from_slice(url.as_bytes()),
                _ => text.extend_from_slice(&self.body),
            }
            rest = after;
        }
        text.extend_from_slice(rest.as_bytes());
        let tag = subject.layout.text_signer(secret, algorithm).sign(&text).remove(0).1;
        match subject.layout.separator {
            None => tag,
            Some(separator) => format!("{}{}{tag}", subject.layout.name_of(algorithm), char::from(separator)),
        }
        .into_bytes()
    }
}

fn id(random: &mut Random) -> String {
    let count = match random.below(100) {
        0..84 => random.between(2, 40),
        84..87 => 1,
        87..90 => 256,
        90..93 => 257,
        93..96 => 0,
        _ => random.between(1, 20),
    };
    let mut id = String::from_utf8(random.text(count, ID_BYTES)).expect("ASCII");
    if random.percent(6) {
        let bad = *random.one_of(&[".", " ", "é", "\u{7f}", "/", "\t", ","]);
        let place = random.below(id.len() + 1);
        id.insert_str(place, bad);
    }
    id
}
