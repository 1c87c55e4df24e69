//! The schemes of one side: all providers, and custom schemes for features that no provider uses.

use std::time::Duration;

use super::library::providers;
use super::library::scheme::{Algorithm, Encoding, Part, Scheme, TimestampFormat};

pub fn all() -> Vec<Scheme> {
    providers::ALL.iter().chain(OWN).copied().collect()
}

const MINUTES: Duration = Duration::from_secs(300);

const V1: &[(&str, Algorithm)] = &[("v1", Algorithm::Sha256)];

const NAMES: &[(&str, Algorithm)] =
    &[("v1", Algorithm::Sha256), ("v2", Algorithm::Sha512), ("v3", Algorithm::Sha384), ("v0", Algorithm::Sha1)];

const DOT: Part = Part::Literal(".");
const LINE: Part = Part::Literal("\n");

const THREE: &[&str] = &["X-Own-Any-A", "X-Own-Any-B", "X-Own-Any-C"];

/// A header with the longest allowed name.
const LONG: &str =
    "X-Own-Long-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-Z";

const fn bare(name: &'static str, algorithm: Algorithm, encoding: Encoding) -> Scheme {
    Scheme::new(name, "X-Own-Bare").bare(algorithm).encoding(encoding)
}

const fn own(name: &'static str) -> Scheme {
    Scheme::new(name, "X-Own-Signature")
}

const OWN: &[Scheme] = &[
    // Places of signatures.
    own("own-numbered").numbered_headers("X-Own-Number-"),
    own("own-numbered-list").numbered_headers("X-Own-Numbered-").tagged(b'=', NAMES).list(b','),
    own("own-any-of")
        .any_of_headers(&["X-Own-A", "X-Own-B", "X-Own-C"])
        .tagged(b':', V1)
        .encoding(Encoding::Base64)
        .unauthenticated_delivery_id_header("X-Own-Delivery"),
    own("own-any-of-three")
        .any_of_headers(THREE)
        .tagged(b'=', V1)
        .prefix(&[Part::Id, DOT, Part::Timestamp, DOT])
        .id_header("X-Own-Any-Id")
        .timestamp_header("X-Own-Any-Time", MINUTES)
        .unauthenticated_delivery_id_header("X-Own-Any-Delivery")
        .unauthenticated_event_header("X-Own-Any-Event"),
    own("own-comma").list(b','),
    own("own-space").list(b' ').encoding(Encoding::Base64),
    Scheme::new("own-short", "S").unauthenticated_event_header("E"),
    Scheme::new("own-long", LONG).unauthenticated_event_header("X-Own-Event"),
    own("own-neighbours")
        .any_of_headers(&["X-Own-Sign-A", "X-Own-Sigh-A"])
        .prefix(&[Part::Timestamp, DOT])
        .timestamp_header("X-Own-Song-A", MINUTES)
        .unauthenticated_delivery_id_header("X-Own-Sing-A")
        .unauthenticated_event_header("X-Own-Shin-A"),
    // Forms of signatures.
    own("own-tags").tagged(b'=', NAMES).list(b',').default_algorithms(&[Algorithm::Sha256, Algorithm::Sha512, Algorithm::Sha384]),
    own("own-tags-alone").tagged(b':', NAMES).encoding(Encoding::Base64Url),
    bare("own-sha1-hex", Algorithm::Sha1, Encoding::Hex),
    bare("own-sha1-base64", Algorithm::Sha1, Encoding::Base64),
    bare("own-sha1-base64url", Algorithm::Sha1, Encoding::Base64Url),
    bare("own-sha256-base64url", Algorithm::Sha256, Encoding::Base64Url),
    bare("own-sha384-hex", Algorithm::Sha384, Encoding::Hex),
    bare("own-sha384-base64", Algorithm::Sha384, Encoding::Base64),
    bare("own-sha384-base64url", Algorithm::Sha384, Encoding::Base64Url),
    bare("own-sha512-hex", Algorithm::Sha512, Encoding::Hex),
    bare("own-sha512-base64", Algorithm::Sha512, Encoding::Base64),
    bare("own-sha512-base64url", Algorithm::Sha512, Encoding::Base64Url),
    // Signed parts beside the body.
    own("own-seconds").prefix(&[Part::Timestamp, DOT]).timestamp_header("X-Own-Time", MINUTES),
    own("own-milliseconds")
        .suffix(&[DOT, Part::Timestamp])
        .timestamp_header("X-Own-Time", MINUTES)
        .timestamp_format(TimestampFormat::Milliseconds),
    own("own-rfc3339")
        .prefix(&[Part::Id, Part::Timestamp])
        .id_header("X-Own-Id")
        .timestamp_header("X-Own-Time", MINUTES)
        .timestamp_format(TimestampFormat::Rfc3339),
    own("own-item-seconds").tagged(b'=', NAMES).list(b' ').prefix(&[Part::Timestamp, DOT]).timestamp_item("t", MINUTES),
    own("own-item-milliseconds")
        .tagged(b':', V1)
        .list(b';')
        .encoding(Encoding::Base64)
        .prefix(&[Part::Timestamp])
        .timestamp_item("time", MINUTES)
        .timestamp_format(TimestampFormat::Milliseconds),
    own("own-item-rfc3339")
        .tagged(b'=', V1)
        .list(b',')
        .prefix(&[Part::Timestamp])
        .timestamp_item("t", MINUTES)
        .timestamp_format(TimestampFormat::Rfc3339),
    own("own-id").prefix(&[Part::Id, DOT]).suffix(&[Part::Literal("#"), Part::Id]).id_header("X-Own-Id"),
    own("own-method").prefix(&[Part::Method, LINE]),
    own("own-method-url")
        .prefix(&[Part::Method, LINE, Part::Url, LINE, Part::Timestamp, LINE])
        .timestamp_header("X-Own-Time", MINUTES)
        .encoding(Encoding::Base64),
    own("own-url-suffix").suffix(&[LINE, Part::Url]),
    own("own-url-twice").prefix(&[Part::Url, LINE]).suffix(&[LINE, Part::Url]).tagged(b'=', NAMES),
    own("own-everything")
        .tagged(b'=', NAMES)
        .prefix(&[Part::Method, Part::Url, LINE, Part::Id, DOT])
        .suffix(&[LINE, Part::Timestamp])
        .id_header("X-Own-Id")
        .timestamp_header("X-Own-Time", MINUTES)
        .unauthenticated_delivery_id_header("X-Own-Delivery")
        .unauthenticated_event_header("X-Own-Event"),
    // Static tokens.
    Scheme::insecure_static_token("own-token", "X-Own-Token")
        .unauthenticated_delivery_id_header("X-Own-Delivery")
        .unauthenticated_event_header("X-Own-Event"),
    // Values in the header of the body length.
    Scheme::insecure_static_token("own-token-length", "Content-Length"),
    Scheme::new("own-length", "content-length"),
    Scheme::new("own-length-list", "Content-Length").tagged(b'=', NAMES).list(b','),
    own("own-length-time").prefix(&[Part::Timestamp, DOT]).timestamp_header("Content-Length", MINUTES).body_limit(4_000_000_000),
    own("own-length-label").unauthenticated_delivery_id_header("CONTENT-LENGTH").unauthenticated_event_header("content-length"),
    // Unsigned ids and events in the header of another value.
    own("own-labels-shared").unauthenticated_delivery_id_header("X-Own-Label").unauthenticated_event_header("x-own-label"),
    own("own-labels-same").unauthenticated_delivery_id_header("X-Own-Label").unauthenticated_event_header("X-Own-Label"),
    own("own-labels-time")
        .prefix(&[Part::Timestamp, DOT])
        .timestamp_header("X-Own-Time", MINUTES)
        .unauthenticated_delivery_id_header("X-OWN-TIME")
        .unauthenticated_event_header("X-Own-Time"),
    own("own-labels-id")
        .prefix(&[Part::Id, DOT])
        .id_header("X-Own-Id")
        .unauthenticated_delivery_id_header("X-Own-Id")
        .unauthenticated_event_header("X-OWN-ID"),
];
