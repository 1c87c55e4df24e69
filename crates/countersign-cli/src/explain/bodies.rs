use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::{self, BufWriter, Read as _, Write};

use flate2::Compression;
use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::explain::cause::Cause;
use crate::explain::time_limit::{SMALL, TimeLimit, TimedWriter};

/// A possible form of the body at the time of signing. Each attempt generates the bytes as a
/// stream. A stored copy of each form would let a sender fill the memory.
pub(crate) struct Body<'a> {
    pub(crate) cause: Cause,
    write: WriteBody<'a>,
}

/// Writes the bytes of a body. Fails if the body has no such form, or at the time limit.
type WriteBody<'a> = Box<dyn Fn(&mut dyn Write) -> io::Result<()> + Send + Sync + 'a>;

/// Size of the write buffer, in bytes.
const PIECE: usize = 16 * 1024;

impl Body<'_> {
    /// Writes the bytes to `sink`, in pieces. Returns `false` if the body has no such form, or at
    /// the time limit.
    pub(crate) fn stream(&self, sink: impl Write, limit: &TimeLimit) -> bool {
        write_to(&self.write, sink, limit).is_ok()
    }
}

fn write_to(write: &impl Fn(&mut dyn Write) -> io::Result<()>, sink: impl Write, limit: &TimeLimit) -> io::Result<()> {
    let mut sink = BufWriter::with_capacity(PIECE, TimedWriter::new(sink, limit));
    write(&mut sink)?;
    sink.flush()
}

/// Returns the error for a body without such a form.
fn absent() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// Parsed JSON, as received and with sorted keys.
pub(crate) struct ParsedJson {
    value: Value,
    sorted: Value,
}

/// Limit of values, keys and brackets in JSON to parse. Each takes about a hundred bytes of memory.
const MAX_VALUES: usize = 200_000;

/// Returns whether the JSON has at most `MAX_VALUES` values, keys and brackets.
pub(crate) fn is_small_enough_to_parse(text: &[u8]) -> bool {
    text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b':')).count() <= MAX_VALUES
}

/// Parses the body. Returns `None` if the body is not JSON, or too large to parse.
pub(crate) fn parse(received: &[u8]) -> Option<ParsedJson> {
    let text = received.strip_prefix(b"\xef\xbb\xbf").unwrap_or(received);
    let value: Value = is_small_enough_to_parse(text).then(|| serde_json::from_slice(text).ok()).flatten()?;
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    Some(ParsedJson { value, sorted })
}

/// Returns the bodies to try instead of the received body.
pub(crate) fn of<'a>(
    received: &'a [u8],
    parsed: Option<&'a ParsedJson>,
    others: impl IntoIterator<Item = &'a Vec<u8>>,
    limit: &TimeLimit,
) -> Vec<Body<'a>> {
    let mut bodies = Bodies { received, seen: HashSet::new(), found: Vec::new(), limit };
    bodies.seen.extend(hash_of(&|sink: &mut dyn Write| sink.write_all(received), limit));
    bodies.line_endings();
    bodies.edits();
    bodies.marks();
    bodies.charsets();
    bodies.compressed();
    if let Some(parsed) = parsed {
        bodies.json(parsed);
    }
    bodies.form();
    for other in others {
        let Cause { id, what, fix } = cause_of_other(received, parsed, other);
        bodies.add(id, &what, &fix, move |sink| sink.write_all(other));
    }
    bodies.found
}

/// Returns the cause if the signature belongs to `other`: a change on the way, or mixed-up requests.
fn cause_of_other(received: &[u8], parsed: Option<&ParsedJson>, other: &[u8]) -> Cause {
    if let Some(missing) = other.strip_prefix(received).map(<[u8]>::len)
        && !received.is_empty()
    {
        let what = format!("The body was cut short on the way: the last {missing} of {} bytes are missing.", other.len());
        return Cause::new("body_cut_short", what, "Look for code that reads only a part of the body.");
    }
    if parsed.is_some_and(|parsed| parse(other).is_some_and(|other| other.value == parsed.value)) {
        let what = "The JSON was parsed and re-serialized, with other white space, another order of keys or other escapes.";
        return Cause::new("body_json", what, "Verify the raw request body, and parse it afterwards.");
    }
    let what = "The signature belongs to another body: the body was changed on the way, or two requests were mixed up.";
    let fix =
        "Compare both bodies. Look for code that changes the body, for a reused buffer, or for a log with the headers of another request.";
    Cause::new("other_body", what, fix)
}

struct Bodies<'a, 'w> {
    received: &'a [u8],
    /// Hashes of the bodies so far. No body is tried twice.
    seen: HashSet<u64>,
    found: Vec<Body<'a>>,
    limit: &'w TimeLimit,
}

/// Returns a hash of the written bytes, or `None` if the body has no such form, or at the time
/// limit.
fn hash_of(write: &impl Fn(&mut dyn Write) -> io::Result<()>, limit: &TimeLimit) -> Option<u64> {
    struct HashWriter(DefaultHasher);
    impl Write for HashWriter {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hashed = HashWriter(DefaultHasher::new());
    write_to(write, &mut hashed, limit).ok().map(|()| hashed.0.finish())
}

/// Limit of a decompressed body, in bytes. A larger body is cut here, and cannot match.
const MAX_DECOMPRESSED: u64 = 16 * 1024 * 1024;

impl<'a> Bodies<'a, '_> {
    fn add(&mut self, id: &'static str, what: &str, fix: &str, write: impl Fn(&mut dyn Write) -> io::Result<()> + Send + Sync + 'a) {
        // This pass computes the hash. Each attempt generates the bytes again.
        if self.limit.is_left()
            && let Some(hash) = hash_of(&write, self.limit)
            && self.seen.insert(hash)
        {
            self.found.push(Body { cause: Cause::new(id, what, fix), write: Box::new(write) });
        }
    }

    fn line_endings(&mut self) {
        let received = self.received;
        let add = "A line break was added at the end of the body.";
        let removed = "A line break at the end of the body was removed.";
        let raw = "Verify the raw request body, before any code edits, logs or trims it.";
        for end in [&b"\r\n"[..], b"\n", b"\r"] {
            self.add("body_line_break_added", add, raw, move |sink| sink.write_all(received.strip_suffix(end).ok_or_else(absent)?));
            self.add("body_line_break_removed", removed, raw, move |sink| {
                sink.write_all(received)?;
                sink.write_all(end)
            });
        }
        for space in [&b" "[..], b"\t"] {
            let what = "White space was added after the body.";
            self.add("body_white_space_added", what, raw, move |sink| sink.write_all(received.strip_suffix(space).ok_or_else(absent)?));
        }
        let around = "White space was added around the body.";
        self.add("body_white_space_added", around, raw, move |sink| sink.write_all(received.trim_ascii()));
        self.add("body_line_breaks_converted", "The line breaks of the body were converted from LF to CRLF.", raw, move |sink| {
            write_replaced(sink, received, &[(b"\r\n", b"\n")])
        });
        self.add("body_line_breaks_converted", "The line breaks of the body were converted from CRLF to LF.", raw, move |sink| {
            write_replaced(sink, received, &[(b"\r\n", b"\r\n"), (b"\n", b"\r\n")])
        });
    }

    /// Adds changes of the whole body by a template, a log or the sender.
    fn edits(&mut self) {
        let received = self.received;
        self.add(
            "body_html_escaped",
            "The body was escaped for HTML, as in `&quot;`.",
            "Verify the raw request body, before any code edits, logs or trims it.",
            move |sink| if is_escaped(received) { write_replaced(sink, received, &HTML_ESCAPES) } else { Err(absent()) },
        );
        let fix = "Check the sender: it may sign before writing the body.";
        self.add("body_empty", "The sender signed an empty body.", fix, |_| Ok(()));
    }

    fn marks(&mut self) {
        let fix = "Verify the raw request body, before converting it to text.";
        let received = self.received;
        let added = "A byte order mark was added at the start of the body.";
        self.add("body_bom_added", added, fix, move |sink| sink.write_all(received.strip_prefix(MARK).ok_or_else(absent)?));
        let removed = "The byte order mark at the start of the body was removed.";
        self.add("body_bom_removed", removed, fix, move |sink| {
            if received.starts_with(MARK) {
                return Err(absent());
            }
            sink.write_all(MARK)?;
            sink.write_all(received)
        });
    }

    fn charsets(&mut self) {
        let (received, fix) = (self.received, "Verify the raw request body, and decode it afterwards.");
        self.add("body_charset", "The charset of the body was converted from UTF-8 to Latin-1.", fix, move |sink| {
            received.iter().try_for_each(|byte| write_char(sink, char::from(*byte)))
        });
        let twice = "The charset of the body was converted from Latin-1 to UTF-8, or UTF-8 was encoded twice.";
        self.add("body_charset", twice, fix, move |sink| {
            let text = std::str::from_utf8(received).map_err(|_| absent())?;
            text.chars().try_for_each(|character| sink.write_all(&[u8::try_from(u32::from(character)).map_err(|_| absent())?]))
        });
        for mark in ["", "\u{feff}"] {
            for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                self.add("body_charset", "The charset of the body was converted from UTF-16 to UTF-8.", fix, move |sink| {
                    let text = std::str::from_utf8(received).map_err(|_| absent())?;
                    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                    mark.encode_utf16().chain(text.encode_utf16()).try_for_each(|unit| sink.write_all(&to_bytes(unit)))
                });
            }
        }
        for from_bytes in [u16::from_le_bytes, u16::from_be_bytes] {
            self.add("body_charset", "The charset of the body was converted from UTF-8 to UTF-16.", fix, move |sink| {
                let (pairs, []) = received.as_chunks::<2>() else { return Err(absent()) };
                let characters = char::decode_utf16(pairs.iter().map(|pair| from_bytes(*pair)));
                // A byte order mark at the start is not part of the text.
                for (place, character) in characters.enumerate() {
                    let character = character.map_err(|_| absent())?;
                    if place > 0 || character != '\u{feff}' {
                        write_char(sink, character)?;
                    }
                }
                Ok(())
            });
        }
    }

    fn compressed(&mut self) {
        let received = self.received;
        let fix = "Verify the decompressed body, or turn off compression on the way.";
        for format in [Compressed::Gzip, Compressed::Zlib, Compressed::Deflate] {
            self.add("body_compressed", "The body was compressed after signing.", fix, move |sink| {
                format.write_decompressed(received, sink)
            });
        }
        // The signed bytes must be reproduced exactly. Only the output of flate2 and zlib at the
        // usual levels can be.
        let fix = "Verify the raw request body, before a proxy or the framework decompresses it.";
        for level in [Compression::default(), Compression::best(), Compression::fast()] {
            for system in [255, 3, 0, 19] {
                self.add("body_decompressed", "The body was decompressed on the way.", fix, move |sink| {
                    let mut writer = flate2::GzBuilder::new().operating_system(system).write(sink, level);
                    writer.write_all(received)?;
                    writer.finish().map(drop)
                });
            }
        }
    }

    fn json(&mut self, ParsedJson { value, sorted }: &'a ParsedJson) {
        let received = ReceivedStyle::of(self.received, value, self.limit);
        let fix = "Verify the raw request body, and parse it afterwards.";
        for (value, how) in [(value, ""), (sorted, ", with sorted keys")] {
            for (ascii, slashes) in [(false, false), (true, false), (false, true), (true, true)] {
                for spacing in SPACINGS {
                    // Rare combinations are not tried: each attempt costs a hash of the body.
                    if slashes && (self.received.len() > SMALL || !matches!(spacing, Spacing::Compact | Spacing::Indented(4))) {
                        continue;
                    }
                    let style = Style { spacing, ascii, slashes, html: false };
                    let what = style.describe(received, how);
                    // A large body is tried in the usual forms only, to limit the time.
                    let usual = matches!(spacing, Spacing::Compact | Spacing::Indented(2));
                    self.add("body_json", &what, fix, move |sink| write_json(sink, value, style));
                    if !slashes && (usual || self.received.len() <= SMALL) {
                        let what = what.replace("signed JSON", "signed JSON with a line break at the end, and");
                        self.add("body_json", &what, fix, move |sink| {
                            write_json(sink, value, style)?;
                            sink.write_all(b"\n")
                        });
                    }
                }
            }
            // Last: without `&`, `<` and `>`, this form equals the compact form above.
            let style = Style { spacing: Spacing::Compact, ascii: false, slashes: false, html: true };
            self.add("body_json", &style.describe(received, how), fix, move |sink| write_json(sink, value, style));
        }
    }

    fn form(&mut self) {
        let received = self.received;
        let what = "The JSON was signed, and then sent as a form.";
        self.add("body_form", what, "Make the sender send JSON instead of a form.", move |sink| {
            let mut rest = received.strip_prefix(b"payload=").ok_or_else(absent)?;
            while let Some((byte, behind)) = rest.split_first() {
                let escaped = behind.split_at_checked(2).filter(|_| *byte == b'%');
                let value =
                    escaped.and_then(|(digits, behind)| Some((u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?, behind)));
                let plain = if *byte == b'+' { b' ' } else { *byte };
                let (byte, behind) = value.unwrap_or((plain, behind));
                sink.write_all(&[byte])?;
                rest = behind;
            }
            Ok(())
        });
    }
}

const MARK: &[u8] = b"\xef\xbb\xbf";

#[derive(Clone, Copy)]
enum Compressed {
    Gzip,
    Zlib,
    Deflate,
}

impl Compressed {
    fn write_decompressed(self, received: &[u8], sink: &mut dyn Write) -> io::Result<()> {
        let reader: Box<dyn io::Read + '_> = match self {
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(received)),
            Self::Zlib => Box::new(flate2::read::ZlibDecoder::new(received)),
            Self::Deflate => Box::new(flate2::read::DeflateDecoder::new(received)),
        };
        match io::copy(&mut reader.take(MAX_DECOMPRESSED), sink)? {
            0 => Err(absent()),
            _ => Ok(()),
        }
    }
}

type Replacement = (&'static [u8], &'static [u8]);

/// HTML escapes written by common libraries.
const HTML_ESCAPES: [Replacement; 12] = [
    (b"&quot;", b"\""),
    (b"&#34;", b"\""),
    (b"&#39;", b"'"),
    (b"&#x27;", b"'"),
    (b"&apos;", b"'"),
    (b"&lt;", b"<"),
    (b"&gt;", b">"),
    (b"&amp;", b"&"),
    (b"&#x2F;", b"/"),
    (b"&#47;", b"/"),
    (b"&#x3D;", b"="),
    (b"&#x60;", b"`"),
];

/// Returns whether the body holds HTML escapes.
pub(crate) fn is_escaped(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    while let Some(place) = rest.iter().position(|byte| *byte == b'&') {
        rest = rest.get(place..).unwrap_or_default();
        if HTML_ESCAPES.iter().any(|(escape, _)| rest.starts_with(escape)) {
            return true;
        }
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// Writes `bytes` with replacements. At each place, the first matching replacement applies.
fn write_replaced(sink: &mut dyn Write, bytes: &[u8], replacements: &[Replacement]) -> io::Result<()> {
    let mut rest = bytes;
    while let Some((byte, behind)) = rest.split_first() {
        let replaced = replacements.iter().find_map(|(from, to)| Some((rest.strip_prefix(*from)?, *to)));
        let (behind, written) = replaced.unwrap_or((behind, std::slice::from_ref(byte)));
        sink.write_all(written)?;
        rest = behind;
    }
    Ok(())
}

fn write_char(sink: &mut dyn Write, character: char) -> io::Result<()> {
    sink.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Spacing {
    /// The default of JavaScript.
    Compact,
    /// The default of Python.
    Spaced,
    Indented(usize),
    Tabs,
}

const SPACINGS: [Spacing; 5] = [Spacing::Compact, Spacing::Spaced, Spacing::Indented(2), Spacing::Indented(4), Spacing::Tabs];

impl Spacing {
    const fn name(self) -> &'static str {
        match self {
            Self::Compact => "without white space",
            Self::Spaced => "with a space after each comma and colon, as Python writes it",
            Self::Indented(2) => "indented by two spaces",
            Self::Indented(_) => "indented by four spaces",
            Self::Tabs => "indented by tabs",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Style {
    spacing: Spacing,
    ascii: bool,
    slashes: bool,
    /// Also escapes the characters special in HTML.
    html: bool,
}

impl Style {
    /// Describes the signed JSON by the differences from the received body.
    fn describe(self, received: ReceivedStyle, how: &str) -> String {
        let Self { spacing, ascii, slashes, html } = self;
        let mut differences = Vec::new();
        // White space equal on both sides is not the cause.
        if received.spacing != Some(spacing) {
            differences.push(spacing.name());
        }
        if ascii {
            differences.push("with `\\u` escapes");
        }
        if slashes {
            differences.push("with `\\/`");
        }
        if html {
            differences.push("with `\\u0026` and the like, as Go writes it");
        }
        if !ascii && !slashes && !html && received.has_escapes {
            differences.push("with plain characters instead of escapes");
        }
        let differences = if differences.is_empty() { spacing.name().to_owned() } else { differences.join(" and ") };
        format!("The JSON was parsed and re-serialized. The sender signed JSON {differences}{how}.")
    }
}

/// The style of a received JSON body.
#[derive(Clone, Copy)]
struct ReceivedStyle {
    /// `None` for any other spacing.
    spacing: Option<Spacing>,
    /// Whether the body has `\u` or `\/` escapes. Libraries differ in the use of both.
    has_escapes: bool,
}

impl ReceivedStyle {
    fn of(received: &[u8], value: &Value, limit: &TimeLimit) -> Self {
        let received = received.trim_ascii_end();
        let has_escapes = received.windows(2).any(|pair| pair == b"\\u" || pair == b"\\/");
        let has_spacing = |spacing: &Spacing| {
            let style = Style { spacing: *spacing, ascii: false, slashes: false, html: false };
            let mut comparison =
                Comparison { strings: StringTracker::default(), expected: received, expected_strings: StringTracker::default() };
            write_to(&|sink: &mut dyn Write| write_json(sink, value, style), &mut comparison, limit).is_ok() && comparison.is_at_end()
        };
        Self { spacing: SPACINGS.into_iter().find(has_spacing), has_escapes }
    }
}

/// A writer that compares JSON with an expected text. The contents of strings are ignored.
struct Comparison<'a> {
    strings: StringTracker,
    expected: &'a [u8],
    expected_strings: StringTracker,
}

/// Tracks strings in a JSON text, byte by byte.
#[derive(Default)]
struct StringTracker {
    in_string: bool,
    is_escaped: bool,
}

impl StringTracker {
    /// Takes the next byte. Returns whether the byte is outside strings, or is a quote at an end of
    /// a string.
    fn is_outside(&mut self, byte: u8) -> bool {
        if !self.in_string {
            self.in_string = byte == b'"';
            return true;
        }
        if self.is_escaped {
            self.is_escaped = false;
            return false;
        }
        self.is_escaped = byte == b'\\';
        self.in_string = byte != b'"';
        !self.in_string
    }
}

impl Comparison<'_> {
    fn next_expected(&mut self) -> Option<u8> {
        while let Some((byte, rest)) = self.expected.split_first() {
            self.expected = rest;
            if self.expected_strings.is_outside(*byte) {
                return Some(*byte);
            }
        }
        None
    }

    fn is_at_end(&mut self) -> bool {
        self.next_expected().is_none()
    }
}

impl Write for &mut Comparison<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if self.strings.is_outside(*byte) && self.next_expected() != Some(*byte) {
                return Err(absent());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_json(sink: &mut dyn Write, value: &Value, style: Style) -> io::Result<()> {
    let indent = match style.spacing {
        Spacing::Indented(spaces) => b"    ".get(..spaces).unwrap_or(b"    "),
        Spacing::Tabs => b"\t",
        Spacing::Compact | Spacing::Spaced => b"",
    };
    let formatter = Writer { style, pretty: PrettyFormatter::with_indent(indent) };
    value.serialize(&mut Serializer::with_formatter(sink, formatter)).map_err(io::Error::from)
}

/// A formatter in the style of a common library.
struct Writer {
    style: Style,
    pretty: PrettyFormatter<'static>,
}

impl Writer {
    const fn is_pretty(&self) -> bool {
        matches!(self.style.spacing, Spacing::Indented(_) | Spacing::Tabs)
    }

    fn separate<W: Write + ?Sized>(&self, writer: &mut W, first: bool) -> io::Result<()> {
        match (first, self.style.spacing) {
            (true, _) => Ok(()),
            (false, Spacing::Spaced) => writer.write_all(b", "),
            (false, _) => writer.write_all(b","),
        }
    }
}

impl Formatter for Writer {
    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.begin_array(writer) } else { CompactFormatter.begin_array(writer) }
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.end_array(writer) } else { CompactFormatter.end_array(writer) }
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if self.is_pretty() { self.pretty.begin_array_value(writer, first) } else { self.separate(writer, first) }
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.end_array_value(writer) } else { Ok(()) }
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.begin_object(writer) } else { CompactFormatter.begin_object(writer) }
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.end_object(writer) } else { CompactFormatter.end_object(writer) }
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if self.is_pretty() { self.pretty.begin_object_key(writer, first) } else { self.separate(writer, first) }
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.style.spacing == Spacing::Compact { writer.write_all(b":") } else { writer.write_all(b": ") }
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_pretty() { self.pretty.end_object_value(writer) } else { Ok(()) }
    }

    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
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
