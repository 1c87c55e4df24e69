use std::collections::HashSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::io::{self, Read as _, Write as _};

use flate2::Compression;
use serde::Serialize as _;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

use crate::explain::SMALL;
use crate::explain::cause::Cause;
use crate::explain::work::Work;

/// A body as it may have been when it was signed. Its bytes are made when it is tried, and not kept: all of them together would take a hundred
/// times the memory of the body.
pub(crate) struct Body<'a> {
    pub(crate) cause: Cause,
    make: Make<'a>,
}

type Make<'a> = Box<dyn Fn() -> Option<Vec<u8>> + Send + Sync + 'a>;

impl Body<'_> {
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        (self.make)()
    }
}

/// JSON, as it was received and with its keys sorted.
pub(crate) struct Parsed {
    value: Value,
    sorted: Value,
}

/// Values, keys and brackets in JSON that is parsed: in memory each takes some hundred bytes.
const MOST_VALUES: usize = 200_000;

/// Whether this JSON has no more values than may be in memory.
pub(crate) fn is_parsed(text: &[u8]) -> bool {
    text.iter().filter(|byte| matches!(byte, b',' | b'[' | b'{' | b':')).count() <= MOST_VALUES
}

/// Parses the body, if it is JSON that may be in memory.
pub(crate) fn parse(received: &[u8]) -> Option<Parsed> {
    let text = received.strip_prefix(b"\xef\xbb\xbf").unwrap_or(received);
    let value: Value = is_parsed(text).then(|| serde_json::from_slice(text).ok()).flatten()?;
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    Some(Parsed { value, sorted })
}

/// What is tried in place of the body that was received.
pub(crate) fn of<'a>(
    received: &'a [u8],
    parsed: Option<&'a Parsed>,
    others: impl IntoIterator<Item = &'a Vec<u8>>,
    work: &Work,
) -> Vec<Body<'a>> {
    let mut bodies = Bodies { received, seen: HashSet::from([hash_of(received)]), found: Vec::new(), work };
    bodies.line_endings();
    bodies.marks();
    bodies.charsets();
    bodies.compressed();
    if let Some(parsed) = parsed {
        bodies.json(parsed);
    }
    bodies.form();
    for other in others {
        bodies.add(
            "body_of_another_request",
            "The signature belongs to the body of another request.",
            "Look for where requests are mixed up: a buffer that is used again, or a log that pairs them wrongly.",
            move || Some(other.clone()),
        );
    }
    bodies.found
}

struct Bodies<'a, 'w> {
    received: &'a [u8],
    /// Hashes of what is there already, so that nothing is tried twice.
    seen: HashSet<u64>,
    found: Vec<Body<'a>>,
    work: &'w Work,
}

fn hash_of(bytes: &[u8]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(bytes)
}

/// Bytes that a decompressed body may have: what is larger is no delivery.
const MOST_DECOMPRESSED: u64 = 16 * 1024 * 1024;

impl<'a> Bodies<'a, '_> {
    fn add(&mut self, id: &'static str, what: &str, fix: &str, make: impl Fn() -> Option<Vec<u8>> + Send + Sync + 'a) {
        // Made once to be compared, and again when it is tried.
        if self.work.is_left()
            && let Some(bytes) = make()
            && self.seen.insert(hash_of(&bytes))
        {
            self.found.push(Body { cause: Cause::new(id, what, fix), make: Box::new(make) });
        }
    }

    fn line_endings(&mut self) {
        let received = self.received;
        let add = "A line break was added at the end of the body.";
        let removed = "A line break at the end of the body was taken away.";
        let raw = "Verify the bytes as they came in, before anything edits, logs or trims them.";
        for end in [&b"\r\n"[..], b"\n", b"\r"] {
            self.add("body_line_break_added", add, raw, move || received.strip_suffix(end).map(<[u8]>::to_vec));
            self.add("body_line_break_removed", removed, raw, move || Some([received, end].concat()));
        }
        for space in [&b" "[..], b"\t"] {
            let what = "White space was added behind the body.";
            self.add("body_white_space_added", what, raw, move || received.strip_suffix(space).map(<[u8]>::to_vec));
        }
        let escaped = "The body was escaped for HTML, as in `&quot;`.";
        self.add("body_html_escaped", escaped, raw, move || unescaped(received));
        self.add("body_white_space_added", "White space was added around the body.", raw, move || Some(received.trim_ascii().to_vec()));
        self.add("body_line_breaks_converted", "Line breaks of the body were converted from LF to CRLF.", raw, move || {
            Some(replace(received, b"\r\n", b"\n"))
        });
        self.add("body_line_breaks_converted", "Line breaks of the body were converted from CRLF to LF.", raw, move || {
            Some(replace(&replace(received, b"\r\n", b"\n"), b"\n", b"\r\n"))
        });
        self.add(
            "body_empty",
            "The sender signed an empty body.",
            "Look at what the sender signs: it may sign before the body is written.",
            || Some(Vec::new()),
        );
    }

    fn marks(&mut self) {
        let fix = "Verify the bytes as they came in, before they become text.";
        let received = self.received;
        let added = "A byte order mark was put in front of the body.";
        self.add("body_bom_added", added, fix, move || received.strip_prefix(MARK).map(<[u8]>::to_vec));
        let removed = "The byte order mark in front of the body was taken away.";
        self.add("body_bom_removed", removed, fix, move || (!received.starts_with(MARK)).then(|| [MARK, received].concat()));
    }

    fn charsets(&mut self) {
        let (received, fix) = (self.received, "Verify the bytes as they came in, and decode them afterwards.");
        self.add("body_charset", "The charset of the body was converted from UTF-8 to Latin-1.", fix, move || {
            Some(received.iter().map(|byte| char::from(*byte)).collect::<String>().into_bytes())
        });
        let twice = "The charset of the body was converted from Latin-1 to UTF-8, or its UTF-8 was encoded twice.";
        self.add("body_charset", twice, fix, move || {
            let text = std::str::from_utf8(received).ok()?;
            text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect()
        });
        for mark in ["", "\u{feff}"] {
            for to_bytes in [u16::to_le_bytes, u16::to_be_bytes] {
                self.add("body_charset", "The charset of the body was converted from UTF-16 to UTF-8.", fix, move || {
                    let text = std::str::from_utf8(received).ok()?;
                    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                    Some(mark.encode_utf16().chain(text.encode_utf16()).flat_map(to_bytes).collect())
                });
            }
        }
        for from_bytes in [u16::from_le_bytes, u16::from_be_bytes] {
            self.add("body_charset", "The charset of the body was converted from UTF-8 to UTF-16.", fix, move || {
                let (pairs, []) = received.as_chunks::<2>() else { return None };
                let text = char::decode_utf16(pairs.iter().map(|pair| from_bytes(*pair))).collect::<Result<String, _>>().ok()?;
                Some(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned().into_bytes())
            });
        }
    }

    fn compressed(&mut self) {
        let received = self.received;
        let fix = "Verify the decompressed body here, or have it not compressed on the way.";
        for format in [Compressed::Gzip, Compressed::Zlib, Compressed::Deflate] {
            self.add("body_compressed", "The body was compressed after it was signed.", fix, move || format.decompressed(received));
        }
        // No more than the writers of this library and of zlib at their usual levels can be tried.
        let fix = "Verify the bytes as they came in, before a proxy or the framework decompresses them.";
        for level in [Compression::default(), Compression::best(), Compression::fast()] {
            for system in [255, 3, 0, 19] {
                self.add("body_decompressed", "The body was decompressed on the way.", fix, move || {
                    let mut writer = flate2::GzBuilder::new().write(Vec::new(), level);
                    let mut packed = writer.write_all(received).and_then(|()| writer.finish()).ok()?;
                    packed.get_mut(9).into_iter().for_each(|byte| *byte = system);
                    Some(packed)
                });
            }
        }
    }

    fn json(&mut self, Parsed { value, sorted }: &'a Parsed) {
        let own = style_of(self.received, value);
        let fix = "Verify the bytes as they came in, and parse them afterwards.";
        for (value, how) in [(value, ""), (sorted, ", with its keys sorted")] {
            for (ascii, slashes) in [(false, false), (true, false), (false, true), (true, true)] {
                for spacing in SPACINGS {
                    // What is seldom combined need not be: each costs a hash of the body.
                    if slashes && (self.received.len() > SMALL || !matches!(spacing, Spacing::Compact | Spacing::Indented(4))) {
                        continue;
                    }
                    let style = Style { spacing, ascii, slashes, html: false };
                    let what = style.told(own, how);
                    // A large body is not tried in every way that is thinkable: it is to be found out soon.
                    let usual = matches!(spacing, Spacing::Compact | Spacing::Indented(2));
                    self.add("body_json", &what, fix, move || written(value, style));
                    if !slashes && (usual || self.received.len() <= SMALL) {
                        let what = what.replace("it was signed", "it was signed with a line break at its end, and");
                        self.add("body_json", &what, fix, move || {
                            written(value, style).map(|mut bytes| {
                                bytes.push(b'\n');
                                bytes
                            })
                        });
                    }
                }
            }
            // Last: without `&`, `<` and `>` it is what was tried before.
            let style = Style { spacing: Spacing::Compact, ascii: false, slashes: false, html: true };
            self.add("body_json", &style.told(own, how), fix, move || written(value, style));
        }
    }

    fn form(&mut self) {
        let received = self.received;
        let what = "The JSON was signed, and then sent as a form.";
        self.add("body_form", what, "Have the sender send JSON, and not a form.", move || {
            let plain = replace(received.strip_prefix(b"payload=")?, b"+", b" ");
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
            Some(decoded)
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
    fn decompressed(self, received: &[u8]) -> Option<Vec<u8>> {
        let reader: Box<dyn io::Read + '_> = match self {
            Self::Gzip => Box::new(flate2::read::MultiGzDecoder::new(received)),
            Self::Zlib => Box::new(flate2::read::ZlibDecoder::new(received)),
            Self::Deflate => Box::new(flate2::read::DeflateDecoder::new(received)),
        };
        let mut plain = Vec::new();
        reader.take(MOST_DECOMPRESSED).read_to_end(&mut plain).ok()?;
        (!plain.is_empty()).then_some(plain)
    }
}

/// The body without the escapes of HTML that libraries write, if it has any.
pub(crate) fn unescaped(bytes: &[u8]) -> Option<Vec<u8>> {
    let escapes: [(&[u8], &[u8]); 7] =
        [(b"&quot;", b"\""), (b"&#34;", b"\""), (b"&#39;", b"'"), (b"&#x27;", b"'"), (b"&lt;", b"<"), (b"&gt;", b">"), (b"&amp;", b"&")];
    let plain = escapes.iter().fold(bytes.to_vec(), |bytes, (escape, plain)| replace(&bytes, escape, plain));
    (plain != bytes).then_some(plain)
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

const SPACINGS: [Spacing; 5] = [Spacing::Compact, Spacing::Spaced, Spacing::Indented(2), Spacing::Indented(4), Spacing::Tabs];

impl Spacing {
    const fn name(self) -> &'static str {
        match self {
            Self::Compact => "without white space",
            Self::Spaced => "with a space behind each comma and colon, as Python writes it",
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
    /// Characters that HTML would heed are escaped, too.
    html: bool,
}

impl Style {
    /// What was signed, in words: how it differs from the body that was received, if that is in one of the styles itself.
    fn told(self, received: Option<Self>, how: &str) -> String {
        let Self { spacing, ascii, slashes, html } = self;
        let mut said = Vec::new();
        // White space that is the same on both sides is not what is the matter.
        if received.is_none_or(|received| received.spacing != spacing) {
            said.push(spacing.name());
        }
        if ascii {
            said.push("with `\\u` escapes");
        }
        if slashes {
            said.push("with `\\/`");
        }
        if html {
            said.push("with `\\u0026` and the like, as Go writes it");
        }
        if !ascii && !slashes && !html && received.is_some_and(|received| received.ascii || received.slashes || received.html) {
            said.push("with the characters themselves in place of escapes");
        }
        let said = if said.is_empty() { spacing.name().to_owned() } else { said.join(" and ") };
        format!("The JSON was parsed and written anew: it was signed {said}{how}.")
    }
}

/// The style that the body was written in, if it is one of those.
fn style_of(received: &[u8], value: &Value) -> Option<Style> {
    let escapes = (0..8_u8).map(|bits| (bits & 1 != 0, bits & 2 != 0, bits & 4 != 0));
    let styles = escapes.flat_map(|(ascii, slashes, html)| SPACINGS.map(|spacing| Style { spacing, ascii, slashes, html }));
    let received = received.trim_ascii_end();
    let mut styles = styles.filter(|_| received.len() <= SMALL);
    styles.find(|style| written(value, *style).is_some_and(|bytes| bytes == received))
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
