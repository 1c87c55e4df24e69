use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::explain::SMALL;
use crate::explain::cause::Cause;

/// A body as it may have been when it was signed.
pub(crate) struct Body {
    pub(crate) cause: Cause,
    pub(crate) bytes: Vec<u8>,
}

/// What is tried in place of the body that was received.
pub(crate) fn of(received: &[u8], others: impl IntoIterator<Item = Vec<u8>>) -> Vec<Body> {
    let mut bodies = Bodies { received, found: Vec::new() };
    bodies.line_endings();
    bodies.marks();
    bodies.charsets();
    bodies.compressed();
    bodies.json();
    bodies.form();
    for other in others {
        bodies.add(
            "body_of_another_request",
            "The signature belongs to the body of another request.",
            "Look for where requests are mixed up: a buffer that is used again, or a log that pairs them wrongly.",
            other,
        );
    }
    bodies.found
}

struct Bodies<'a> {
    received: &'a [u8],
    found: Vec<Body>,
}

/// Bytes that a decompressed body may have: what is larger is no delivery.
const MOST_DECOMPRESSED: u64 = 64 * 1024 * 1024;

impl Bodies<'_> {
    fn add(&mut self, id: &'static str, what: &str, fix: &str, bytes: Vec<u8>) {
        if bytes != self.received && self.found.iter().all(|body| body.bytes != bytes) {
            self.found.push(Body { cause: Cause::new(id, what, fix), bytes });
        }
    }

    fn line_endings(&mut self) {
        let received = self.received;
        let add = "A line break was added at the end of the body.";
        let removed = "A line break at the end of the body was taken away.";
        let raw = "Verify the bytes as they came in, before anything edits, logs or trims them.";
        for end in [&b"\r\n"[..], b"\n", b"\r"] {
            if let Some(body) = received.strip_suffix(end) {
                self.add("body_line_break_added", add, raw, body.to_vec());
            }
            self.add("body_line_break_removed", removed, raw, [received, end].concat());
        }
        for space in [&b" "[..], b"\t"] {
            if let Some(body) = received.strip_suffix(space) {
                self.add("body_white_space_added", "White space was added behind the body.", raw, body.to_vec());
            }
        }
        self.add("body_white_space_added", "White space was added around the body.", raw, received.trim_ascii().to_vec());
        self.add(
            "body_line_breaks_converted",
            "Line breaks of the body were converted from LF to CRLF.",
            raw,
            replace(received, b"\r\n", b"\n"),
        );
        let unix = replace(received, b"\r\n", b"\n");
        self.add(
            "body_line_breaks_converted",
            "Line breaks of the body were converted from CRLF to LF.",
            raw,
            replace(&unix, b"\n", b"\r\n"),
        );
        self.add(
            "body_empty",
            "The sender signed an empty body.",
            "Look at what the sender signs: it may sign before the body is written.",
            Vec::new(),
        );
    }

    fn marks(&mut self) {
        let fix = "Verify the bytes as they came in, before they become text.";
        if let Some(body) = self.received.strip_prefix(b"\xef\xbb\xbf") {
            self.add("body_bom_added", "A byte order mark was put in front of the body.", fix, body.to_vec());
        } else {
            let marked = [&b"\xef\xbb\xbf"[..], self.received].concat();
            self.add("body_bom_removed", "The byte order mark in front of the body was taken away.", fix, marked);
        }
    }

    fn charsets(&mut self) {
        let fix = "Verify the bytes as they came in, and decode them afterwards.";
        let latin1_to_utf8: String = self.received.iter().map(|byte| char::from(*byte)).collect();
        self.add("body_charset", "The charset of the body was converted from UTF-8 to Latin-1.", fix, latin1_to_utf8.into_bytes());
        if let Ok(text) = std::str::from_utf8(self.received) {
            let latin1: Result<Vec<u8>, _> = text.chars().map(|character| u8::try_from(u32::from(character))).collect();
            if let Ok(latin1) = latin1 {
                self.add(
                    "body_charset",
                    "The charset of the body was converted from Latin-1 to UTF-8, or its UTF-8 was encoded twice.",
                    fix,
                    latin1,
                );
            }
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            for mark in ["", "\u{feff}"] {
                let units = || mark.encode_utf16().chain(text.encode_utf16());
                for bytes in [units().flat_map(u16::to_le_bytes).collect(), units().flat_map(u16::to_be_bytes).collect::<Vec<u8>>()] {
                    self.add("body_charset", "The charset of the body was converted from UTF-16 to UTF-8.", fix, bytes);
                }
            }
        }
        for from_bytes in [u16::from_le_bytes, u16::from_be_bytes] {
            let (pairs, rest) = self.received.as_chunks::<2>();
            let text = char::decode_utf16(pairs.iter().map(|pair| from_bytes(*pair))).collect::<Result<String, _>>();
            if let (Ok(text), []) = (text, rest) {
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
                self.add("body_charset", "The charset of the body was converted from UTF-8 to UTF-16.", fix, text.into_bytes());
            }
        }
    }

    fn compressed(&mut self) {
        let received = self.received;
        let mut plain = Vec::new();
        let readers: [Box<dyn io::Read + '_>; 3] = [
            Box::new(flate2::read::MultiGzDecoder::new(received)),
            Box::new(flate2::read::ZlibDecoder::new(received)),
            Box::new(flate2::read::DeflateDecoder::new(received)),
        ];
        for reader in readers {
            plain.clear();
            if reader.take(MOST_DECOMPRESSED).read_to_end(&mut plain).is_ok() && !plain.is_empty() {
                let fix = "Verify the decompressed body here, or have it not compressed on the way.";
                self.add("body_compressed", "The body was compressed after it was signed.", fix, plain.clone());
            }
        }
        // No more than the writers of this library and of zlib at their usual levels can be tried.
        let fix = "Verify the bytes as they came in, before a proxy or the framework decompresses them.";
        for level in [Compression::default(), Compression::best(), Compression::fast()] {
            let mut writer = flate2::GzBuilder::new().write(Vec::new(), level);
            if let Ok(packed) = writer.write_all(received).and_then(|()| writer.finish()) {
                for system in [255, 3, 0, 19] {
                    let mut packed = packed.clone();
                    packed.get_mut(9).into_iter().for_each(|byte| *byte = system);
                    self.add("body_decompressed", "The body was decompressed on the way.", fix, packed);
                }
            }
        }
    }

    fn json(&mut self) {
        let text = self.received.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.received);
        let Ok(value) = serde_json::from_slice::<Value>(text) else { return };
        let mut sorted = value.clone();
        sorted.sort_all_objects();
        for (value, how) in [(&value, ""), (&sorted, ", with its keys sorted")] {
            for (ascii, slashes, also) in [
                (false, false, ""),
                (true, false, ", with `\\u` escapes"),
                (false, true, ", with `\\/`"),
                (true, true, ", with `\\u` escapes and `\\/`"),
            ] {
                for (spacing, name) in SPACINGS {
                    // What is seldom combined need not be: each costs a hash of the body.
                    if slashes && (self.received.len() > SMALL || !matches!(spacing, Spacing::Compact | Spacing::Indented(4))) {
                        continue;
                    }
                    let Some(bytes) = written(value, Style { spacing, ascii, slashes, html: false }) else { continue };
                    let what = format!("The JSON was parsed and written anew: it was signed {name}{how}{also}.");
                    let fix = "Verify the bytes as they came in, and parse them afterwards.";
                    // A large body is not tried in every way that is thinkable: it is to be found out soon.
                    let usual = matches!(spacing, Spacing::Compact | Spacing::Indented(2));
                    let with_end = (!slashes && (usual || self.received.len() <= SMALL)).then(|| [&bytes[..], b"\n"].concat());
                    self.add("body_json", &what, fix, bytes);
                    if let Some(bytes) = with_end {
                        let what = what.replace("it was signed", "it was signed with a line break at its end, and");
                        self.add("body_json", &what, fix, bytes);
                    }
                }
            }
            // Last: without `&`, `<` and `>` it is what was tried before.
            if let Some(bytes) = written(value, Style { spacing: Spacing::Compact, ascii: false, slashes: false, html: true }) {
                let what = format!(
                    "The JSON was parsed and written anew: it was signed without white space{how}, with `\\u0026` and the like, as Go writes it."
                );
                self.add("body_json", &what, "Verify the bytes as they came in, and parse them afterwards.", bytes);
            }
        }
    }

    fn form(&mut self) {
        let Some(value) = self.received.strip_prefix(b"payload=") else { return };
        let plain = replace(value, b"+", b" ");
        let mut decoded = Vec::with_capacity(plain.len());
        let mut rest = &plain[..];
        while let Some((byte, behind)) = rest.split_first() {
            let escaped = behind.split_at_checked(2).filter(|_| *byte == b'%');
            let value =
                escaped.and_then(|(digits, behind)| Some((u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?, behind)));
            let (byte, behind) = value.unwrap_or((*byte, behind));
            decoded.push(byte);
            rest = behind;
        }
        self.add("body_form", "The JSON was signed, and then sent as a form.", "Have the sender send JSON, and not a form.", decoded);
    }
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(from) {
            replaced.extend_from_slice(to);
            rest = behind;
        } else {
            replaced.push(*byte);
            rest = behind;
        }
    }
    replaced
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spacing {
    /// As JavaScript does it.
    Compact,
    /// As Python does it.
    Spaced,
    Indented(usize),
    Tabs,
}

const SPACINGS: [(Spacing, &str); 5] = [
    (Spacing::Compact, "without white space"),
    (Spacing::Spaced, "with a space behind each comma and colon, as Python writes it"),
    (Spacing::Indented(2), "indented by two spaces"),
    (Spacing::Indented(4), "indented by four spaces"),
    (Spacing::Tabs, "indented by tabs"),
];

#[derive(Clone, Copy)]
struct Style {
    spacing: Spacing,
    ascii: bool,
    slashes: bool,
    /// Characters that HTML would heed are escaped, too.
    html: bool,
}

fn written(value: &Value, style: Style) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let indent = match style.spacing {
        Spacing::Indented(spaces) => b"    ".get(..spaces).unwrap_or(b"    "),
        Spacing::Tabs => b"\t",
        Spacing::Compact | Spacing::Spaced => b"",
    };
    let formatter = Writer { style, pretty: PrettyFormatter::with_indent(indent) };
    value.serialize(&mut Serializer::with_formatter(&mut bytes, formatter)).ok()?;
    Some(bytes)
}

/// Writes JSON as one of the usual libraries does.
struct Writer {
    style: Style,
    pretty: PrettyFormatter<'static>,
}

impl Writer {
    const fn is_pretty(&self) -> bool {
        matches!(self.style.spacing, Spacing::Indented(_) | Spacing::Tabs)
    }

    fn separate<W: io::Write + ?Sized>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        match (first, self.style.spacing) {
            (true, _) => Ok(()),
            (false, Spacing::Spaced) => writer.write_all(b", "),
            (false, _) => writer.write_all(b","),
        }
    }
}

impl Formatter for Writer {
    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.begin_array(writer) } else { CompactFormatter.begin_array(writer) }
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.end_array(writer) } else { CompactFormatter.end_array(writer) }
    }

    fn begin_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if self.is_pretty() { self.pretty.begin_array_value(writer, first) } else { self.separate(writer, first) }
    }

    fn end_array_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.end_array_value(writer) } else { Ok(()) }
    }

    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.begin_object(writer) } else { CompactFormatter.begin_object(writer) }
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.end_object(writer) } else { CompactFormatter.end_object(writer) }
    }

    fn begin_object_key<W: io::Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if self.is_pretty() { self.pretty.begin_object_key(writer, first) } else { self.separate(writer, first) }
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.style.spacing == Spacing::Compact { writer.write_all(b":") } else { writer.write_all(b": ") }
    }

    fn end_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.end_object_value(writer) } else { Ok(()) }
    }

    fn write_string_fragment<W: io::Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let Style { ascii, slashes, html, .. } = self.style;
        let is_escaped = |character: char| match character {
            '/' => slashes,
            '&' | '<' | '>' => html,
            _ => ascii && !character.is_ascii(),
        };
        let mut rest = fragment;
        while let Some((plain, behind)) = rest.find(is_escaped).and_then(|place| rest.split_at_checked(place)) {
            writer.write_all(plain.as_bytes())?;
            let mut characters = behind.chars();
            match characters.next() {
                Some('/') => writer.write_all(b"\\/")?,
                Some(character) => {
                    for unit in character.encode_utf16(&mut [0; 2]) {
                        write!(writer, "\\u{unit:04x}")?;
                    }
                }
                None => {}
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}
