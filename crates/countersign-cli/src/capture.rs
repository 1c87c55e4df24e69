//! Parses requests captured by other tools: raw HTTP, `curl --trace` and HAR.

mod curl_trace;
mod har;
mod raw;

use crate::delivery::Delivery;
use crate::failure::Failure;

/// Parses the requests of a capture, in any of the three formats.
pub(crate) fn parse(bytes: &[u8]) -> Result<Vec<Delivery>, Failure> {
    let start = bytes.trim_ascii_start();
    if start.starts_with(b"{") || start.starts_with(b"\xef\xbb\xbf{") {
        har::parse(bytes)
    } else {
        match raw::parse(start) {
            Err(_) if curl_trace::is_one(bytes) => curl_trace::parse(bytes)?.iter().map(|request| raw::parse(request)).collect(),
            raw => raw.map(|delivery| vec![delivery]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(bytes: &[u8]) -> Delivery {
        let [delivery] = <[Delivery; 1]>::try_from(parse(bytes).unwrap()).unwrap();
        delivery
    }

    #[test]
    fn raw_request_parses_in_each_version_and_with_each_line_ending() {
        for version in ["HTTP/1.1", "HTTP/1.0", "HTTP/2", "HTTP/3"] {
            for end in ["\r\n", "\n"] {
                let head = ["POST /hook?a=b ", version, end, "X-Hub-Signature: sha256=00", end, "x-b:  c ", end, end].concat();
                let delivery = one(&[head.as_bytes(), b"{\"a\":\r\n1}\n"].concat());
                assert_eq!((delivery.method.as_str(), delivery.target.as_str()), ("POST", "/hook?a=b"));
                assert_eq!(delivery.text_of("x-hub-signature"), Some("sha256=00"));
                assert_eq!(delivery.text_of("X-B"), Some("c"));
                assert_eq!(delivery.body, b"{\"a\":\r\n1}\n");
            }
        }
    }

    #[test]
    fn content_length_and_chunks_end_the_body() {
        let long = one(b"POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nbody\n");
        assert_eq!(long.body, b"body");
        let chunked = one(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nbo\r\n2;x=y\r\ndy\r\n0\r\n\r\n");
        assert_eq!(chunked.body, b"body");
        assert!(parse(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nbody").is_err(), "a part is missing");
        assert!(parse(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbody").is_err());
        assert!(parse(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nbody").is_err());
    }

    #[test]
    fn curl_trace_yields_each_sent_request() {
        let trace = "== Info: Trying 127.0.0.1\n=> Send header, 37 bytes (0x25)\n\
            0000: 50 4f 53 54 20 2f 68 6f 6f 6b 20 48 54 54 50 2f POST /hook HTTP/\n\
            0010: 31 2e 31 0d 0a                                  1.1..\n\
            0015: 43 6f 6e 74 65 6e 74 2d 4c 65 6e 67 74 68 3a 20 Content-Length: \n\
            0025: 34 0d 0a                                        4..\n\
            0028: 0d 0a                                           ..\n\
            => Send data, 4 bytes (0x4)\n\
            0000: 62 6f 64 79                                     body\n\
            <= Recv header, 17 bytes (0x11)\n\
            0000: 48 54 54 50 2f 31 2e 31 20 32 30 30 20 4f 4b 0d HTTP/1.1 200 OK.\n";
        let delivery = one(trace.as_bytes());
        assert_eq!((delivery.target.as_str(), &delivery.body[..]), ("/hook", &b"body"[..]));
        let two = parse([trace, trace].concat().as_bytes()).unwrap();
        assert_eq!(two.iter().map(|delivery| &delivery.body[..]).collect::<Vec<_>>(), [b"body", b"body"]);
        let quoted = one(b"POST / HTTP/1.1\r\n\r\n=> Send header, 1 bytes (0x1)\n");
        assert!(quoted.body.starts_with(b"=> Send"));
        let timed = trace.replace("=> Send", "12:00:00.000001 => Send").replace("<= Recv", "12:00:00.000002 <= Recv");
        assert_eq!(one(timed.as_bytes()).body, b"body");
    }

    #[test]
    fn har_file_yields_each_request() {
        let har = r#"{"log":{"entries":[
            {"request":{"method":"GET","url":"https://h/a","headers":[]}},
            {"request":{"method":"POST","url":"https://h:1/b?c","headers":[{"name":"X-A","value":"1"}],"postData":{"text":"b\u00f6dy"}}},
            {"request":{"method":"POST","url":"https://h","headers":[],"postData":{"text":"Ym9keQ==","encoding":"base64"}}}
        ]}}"#;
        let deliveries = parse(har.as_bytes()).unwrap();
        assert_eq!(deliveries.iter().map(|delivery| delivery.target.as_str()).collect::<Vec<_>>(), ["/a", "/b?c", "/"]);
        assert_eq!(deliveries[1].body, "b\u{f6}dy".as_bytes());
        assert_eq!(deliveries[1].text_of("x-a"), Some("1"));
        assert_eq!(deliveries[2].body, b"body");
        assert_eq!(parse(&[b"\xef\xbb\xbf", har.as_bytes()].concat()).unwrap().len(), 3);
    }

    #[test]
    fn malformed_capture_is_an_error() {
        for text in [
            "",
            "body",
            "{",
            "{}",
            "{\"log\":{\"entries\":[]}}",
            "HTTP/1.1 200 OK\r\n\r\n",
            "POST / HTTP/1.1\r\nX-A: 1",
            "=> Send header, 1 bytes (0x1)\n0000: zz",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
