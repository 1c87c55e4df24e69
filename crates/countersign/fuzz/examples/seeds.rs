//! Generates the seeds: `cargo run --example seeds`.

use std::fs;
use std::path::Path;

use countersign_fuzz::rows::ROWS;
use countersign_fuzz::seeds::{SECONDS, delivery, head};

fn main() {
    let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
    let write = |target: &str, name: &str, text: &[u8]| {
        let directory = seeds.join(target);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join(name), text).unwrap();
    };
    for row in ROWS.iter() {
        let target = format!("header_{:?}", row.description.shape()).to_lowercase();
        write(&target, row.scheme.name(), head(row).as_bytes());
    }
    for row in ROWS.iter() {
        write("model", row.scheme.name(), delivery(row).as_bytes());
    }
    write("header_list", "twice", format!("pagerduty\n0\nPOST /\n0v1={0}, v2=x,v1={0}\n", "0".repeat(64)).as_bytes());
    write(
        "header_list",
        "many",
        format!("circleci\n0\nPOST /\n0{}v1={1}\n", format!("v1={},", "a".repeat(64)).repeat(15), "0".repeat(64)).as_bytes(),
    );
    write("header_method", "all", format!("websub+\n0\nPOST /\n0sha512={}\n", "Aa".repeat(64)).as_bytes());
    for (name, time) in
        [("fraction", "2026-11-24T10:30:00.25-07:00"), ("leap", "2024-02-29T23:59:60Z"), ("east", "2026-11-24T23:30:00.123456789+05:45")]
    {
        write("header_time", name, format!("zendesk+\n~0\nPOST /\n1{time}\n0{}=\n", "A".repeat(43)).as_bytes());
    }
    let before_1970 = format!("hubspot-v3\n-200\nPOST /\n1120000\n0{}=\n", "A".repeat(43));
    write("header_time", "before_1970", before_1970.as_bytes());
    for (name, line) in [("bit", "$00f"), ("cut", "$00-"), ("upper", "$00^"), ("second", "$10."), ("spare", "$00~"), ("nul", "$00n")] {
        let secrets = "k one secret\nk another secret\n";
        write("model", name, format!("jira\n1\n{SECONDS}000\n{secrets}POST /\n0sha256={line}\n\nbody").as_bytes());
    }
    let time = "2026-11-24T10:30:00.25-07:00";
    write("model", "time", format!("box\ny\n~0\nk secret\nPOST /\n2{time}\n0$00.\n\nbody").as_bytes());
    write("model", "sha512", b"websub\nh1\n0\nk<gone\nk secret\nPOST /\n0sha512=$13.\n\nbody");
    write("model", "edge", format!("stripe\n\n{SECONDS}000\nk>secret\nPOST /\n0t=$t-,v1=$00f,v1=$00.\n\nbody").as_bytes());

    // The bytes of an input: scheme, whether there is a budget, size of the budget, limit, whether there is another key, length of the
    // signed body, kind of announcement, announced length, length of the other body, deadline. Then for each chunk: kind, length, pause.
    let chunked = |start: &[u8], chunks: &[&[u8]]| [start, &chunks.concat()].concat();
    for scheme in 0..4 {
        let chunks: [&[u8]; 5] = [&[0, 5, 0], &[1, 0, 0], &[2, 9, 0xf1], &[3, 200, 0], &[0, 1, 0]];
        write("chunking", &format!("scheme_{scheme}"), &chunked(&[scheme, 0, 230, 0, 0, 1, 0, 0, 0], &chunks));
    }
    write("chunking", "limit", &chunked(&[0, 0, 10, 0, 0, 0, 0, 0, 0], &[&[0, 5, 0], &[1, 5, 0], &[1, 1, 0]]));
    write("chunking", "budget", &chunked(&[0, 1, 20, 100, 0, 0, 0, 0, 9, 0], &[&[0, 5, 0], &[1, 6, 0], &[1, 1, 0]]));
    write("chunking", "slow", &chunked(&[0, 0, 100, 0, 0, 0, 0, 0, 3, 5], &[&[0, 5, 0xf0], &[1, 6, 0xf9], &[1, 1, 0]]));
    write("chunking", "in_time", &chunked(&[1, 0, 100, 0, 0, 2, 12, 0, 3, 25], &[&[0, 5, 0xd0], &[1, 6, 0xf2], &[2, 1, 0xe9]]));
    // A large length takes two bytes.
    write("chunking", "large", &chunked(&[0, 0, 0xff, 0, 0, 0, 0, 0, 0, 0], &[&[0, 0xff, 0, 0], &[0, 0, 1], &[1, 1, 0]]));

    for (name, text) in [
        ("plain", &[0u8; 40][..]),
        ("list", b"\x00\x00\x00\x00\x00\x01\x00\x01\x01\x01\x00\x02\x03\x00\x01\x00"),
        ("text", b"scheme of one's own: id, time, body"),
        ("many", b"\0\0\x03\0\x07\0\x01\0\0\0\0\0\0\0\x03\0\x03\x04\x03\x05\0\0\x01A\0\0\0\0\x03\0\0\0\0\0\0\0\0\0\0\x04body\x01x\x02\x01\x01\0\x0a\x03\x01"),
    ] {
        write("custom_scheme", name, text);
    }

    let requests: [(&str, &[u8]); 14] = [
        ("good", b"!5\nthe body\nPOST /hook HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: $j\r\nContent-Length: 8\r\n\r\nthe body"),
        ("github", b"\nthe body\nPOST /hook HTTP/1.1\r\nHost: h\r\nX-Hub-Signature-256: $g\r\nContent-Length: 8\r\n\r\nthe body"),
        ("forged", b"1\nthe body\nPOST /hook HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: $x\r\nContent-Length: 8\r\n\r\nthe body"),
        ("chunked", b"1234\nthe body\nPOST / HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: $j\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nthe\r\n5;a=b\r\n body\r\n0\r\nx: y\r\n\r\n"),
        ("continue", b"1\nthe body\nPOST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nX-Hub-Signature: $j\r\nContent-Length: 8\r\n\r\nthe body"),
        ("large", b".\nthe body\nPOST / HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: $j\r\nContent-Length: 1000\r\n\r\nthe body"),
        ("slow", b"p!.\nthe body\nPOST / HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: $j\r\nContent-Length: 8\r\n\r\nthe body"),
        ("cut_off", b"\nthe body\nPOST / HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: $j\r\nContent-Length: 9\r\n\r\nthe body"),
        (
            "stalled",
            b".\nthe body\nPOST / HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: $j\r\nContent-Length: 9\r\n\r\nthe body",
        ),
        ("two", b"..\n\nPOST / HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: $j\r\nContent-Length: 0\r\n\r\nHEAD / HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("host_alone", b"..\n\nPOST example.com:80 HTTP/1.1\r\nHost: h\r\nX-Hub-Signature: $j\r\nContent-Length: 0\r\n\r\n"),
        ("requests", b"=\x04aQ!1\x05\x30\x00\x01\x09\x31\x03\x00\x05\x05\x05\x05\x08\x41\x05\x01\x64\x00\x02\x01\x66\x00\x00\x01"),
        ("requests_broken_off", b"=\x00\x02\x0b\x01\x00\x01"),
        ("requests_chunked", b"=\x00\x0b\x01\x00\x00\x03\x02\x14\x02\x03\x00\x07\x10\x03\x07\x00\x20"),
    ];
    for target in ["receiver_tower", "receiver_actix", "receiver_warp", "extractor_axum", "extractor_actix"] {
        for (name, bytes) in requests {
            write(target, name, bytes);
        }
    }

    // The bytes of an input: size of the pipe. Then for each request: length, first byte, signature, whether the length is announced,
    // whether the stream breaks off. Then for each chunk of the request: length, pause.
    write(
        "receiver_http2",
        "requests",
        b"=\x02\x14\x61\x00\x01\x00\x05\x01\x20\x00\x09\x62\x03\x00\x00\x20\x00\x65\x63\x00\x00\x00\x27\x01\x27\x00\x27\x01",
    );
    write("receiver_http2", "broken_off", b"=\x00\x0b\x61\x00\x00\x03\x02\x01\x20\x00\x0b\x61\x00\x00\x00\x20");
    // In a frame, `$j` becomes 71 bytes.
    let head = |fields: &[(&str, &str)]| {
        let field = |(name, value): &(&str, &str)| {
            let len = if *value == "$j" { 71 } else { value.len() };
            [&[0, u8::try_from(name.len()).unwrap()], name.as_bytes(), &[u8::try_from(len).unwrap()], value.as_bytes()].concat()
        };
        fields.iter().flat_map(field).collect::<Vec<u8>>()
    };
    let frame = |kind: u8, flags: u8, stream: u8, len: usize, payload: &[u8]| {
        let len = u32::try_from(len).unwrap().to_be_bytes();
        [&len[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
    };
    let fields = head(&[(":method", "POST"), (":scheme", "http"), (":authority", "h"), (":path", "/hook"), ("x-hub-signature", "$j")]);
    let headers = |flags, stream| frame(1, flags, stream, fields.len() + 69, &fields);
    let data = frame(0, 1, 1, 8, b"the body");
    let raw = |frames: &[&[u8]]| [b".\nthe body\n", frames.concat().as_slice()].concat();
    write("receiver_http2", "raw", &raw(&[&headers(4, 1), &data]));
    write("receiver_http2", "raw_empty", &raw(&[&headers(5, 1), &headers(4, 3), &frame(3, 0, 3, 4, &[0, 0, 0, 8])]));
    write(
        "receiver_http2",
        "raw_padded",
        &raw(&[&headers(4, 1), &frame(0, 9, 1, 12, b"\x03the body\0\0\0"), &frame(6, 0, 0, 8, b"pingping")]),
    );

    // The bytes of an input: whether keys are cached. Then for each step: length of the name, the name, the action, and the action's keys.
    write("tenants", "steps", b"\x01\x04acme\x00\x01\x00\x01\x04acme\x04\x00\x02\x04acme\x05\x01\x00\x04acme\x02\x04acme\x04\x02\x02\x04acme\x01\x04acme\x04\x00\x00\x01x\x03\x01y\x04\x00\x01");
    write("tenants", "odd_names", b"\x00\x02a/\x00\x01\x01\x01\x02a/\x04\x00\x02\x02a/\x04\x00\x00\x00\x04\x00\x02\x01\xff\x04\x01\x02\x03../\x04\x00\x02\x04%2G?\x04\x00\x00\x06a%62?c\x04\x00\x00");

    // The bytes of an input: scheme, guard, id, event, kind of identity, number of cuts, the cuts, length of the body, and the body.
    for (name, start, body) in [
        ("member", &[0, 1, 1, 0, 5, 0][..], &br#"{"id":"evt_1","a":[{"id":2}]}"#[..]),
        ("number", &[1, 2, 2, 1, 5, 1, 3], br#"{"a":{"id":"x"},"id":-7}"#),
        ("twice", &[0, 1, 1, 0, 5, 0], br#"{"id":"a","\u0069d":"b"}"#),
        ("not_utf8", &[0, 1, 1, 0, 5, 0], b"{\"id\":\"a\",\"b\":\"\xcb\"}"),
        ("body", &[1, 1, 2, 1, 3, 2, 1, 5], b"the body"),
        ("signed", &[2, 1, 2, 1, 1, 0], b"the body"),
        ("token", &[3, 1, 2, 1, 2, 0], b"the body"),
    ] {
        write("identity", name, &[start, &[u8::try_from(body.len()).unwrap()], body].concat());
    }
}
