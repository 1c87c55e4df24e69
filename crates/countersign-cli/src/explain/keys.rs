use zeroize::Zeroizing;

use crate::explain::cause::Cause;
use crate::secrets::NamedSecret;

/// A secret as it was given, or as it may have been meant.
pub(crate) struct Key {
    pub(crate) cause: Option<Cause>,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// The secrets as they are, and after them what each may have been meant to be.
pub(crate) fn of(secrets: &[NamedSecret]) -> Vec<Key> {
    let mut keys: Vec<Key> = secrets.iter().map(|secret| Key { cause: None, bytes: secret.bytes.clone() }).collect();
    for NamedSecret { id, bytes } in secrets {
        let mut add = |cause: &'static str, what: &str, fix: &str, meant: Vec<u8>| {
            if !meant.is_empty() && keys.iter().all(|key| *key.bytes != meant) {
                let cause = Cause::new(cause, format!("The secret {id} {what}."), fix);
                keys.push(Key { cause: Some(cause), bytes: Zeroizing::new(meant) });
            }
        };
        let unquoted = |quote: u8| bytes.trim_ascii().strip_prefix(&[quote]).and_then(|text| text.strip_suffix(&[quote]));
        add("secret_white_space", "has white space at an end: a line break, a space or a tab", STRAY, bytes.trim_ascii().to_vec());
        for quote in *b"\"'`" {
            if let Some(text) = unquoted(quote) {
                add(
                    "secret_quotes",
                    "stands in quotes",
                    "Take the quotes away: where it was set, they were taken as part of it.",
                    text.to_vec(),
                );
            }
        }
        if let Some(text) = bytes.strip_prefix(b"\xef\xbb\xbf") {
            add("secret_bom", "begins with a byte order mark", "Save the file as UTF-8 without BOM.", text.trim_ascii().to_vec());
        }
        if let Some(text) = bytes.strip_suffix(b"\0") {
            add("secret_nul", "ends with a NUL byte", "Take it away.", text.to_vec());
        }
        let whole: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        add(
            "secret_white_space",
            "has white space in its middle, such as a line break where it was wrapped",
            "Take it away: `base64 -w0` writes one line.",
            whole,
        );
        let line = bytes.trim_ascii();
        let line = line.strip_prefix(b"export ").unwrap_or(line);
        if let Some(place) = line.iter().position(|byte| *byte == b'=') {
            let value = line.get(place.saturating_add(1)..).unwrap_or_default();
            let value = value.trim_ascii();
            let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
            add("secret_variable", "begins with the name of a variable", "Give what stands behind the `=` alone.", value.to_vec());
        }
        if let Some(place) = bytes.windows(2).position(|bytes| bytes == b" #") {
            let value = bytes.get(..place).unwrap_or_default();
            add("secret_comment", "has a comment behind it", "Take the comment away.", value.trim_ascii().to_vec());
        }
        match bytes.strip_prefix(b"whsec_") {
            Some(rest) => add(
                "secret_prefix",
                "begins with `whsec_` where the sender has it without",
                "Give both the same text, as the provider shows it.",
                rest.to_vec(),
            ),
            None => add(
                "secret_prefix",
                "lacks the `whsec_` that the sender has in front of it",
                "Give both the same text, as the provider shows it.",
                [b"whsec_", &bytes[..]].concat(),
            ),
        }
        for end in [&b"\n"[..], b"\r\n", b"\r", b" ", b"\t"] {
            add("secret_white_space_at_sender", "has white space at its end where the sender has it", AT_SENDER, [bytes, end].concat());
        }
        for space in [&b" "[..], b"\n"] {
            add("secret_white_space_at_sender", "has white space in front where the sender has it", AT_SENDER, [space, bytes].concat());
        }
        for quote in [&b"\""[..], b"'"] {
            let quoted = [quote, bytes, quote].concat();
            add(
                "secret_quotes_at_sender",
                "stands in quotes where the sender has it",
                "Set it anew at the sender, without quotes.",
                quoted,
            );
        }
        add(
            "secret_bom_at_sender",
            "begins with a byte order mark where the sender has it",
            AT_SENDER,
            [&b"\xef\xbb\xbf"[..], bytes].concat(),
        );
        add("secret_case", "has letters in the other case", "Copy it anew.", bytes.to_ascii_lowercase());
        add("secret_case", "has letters in the other case", "Copy it anew.", bytes.to_ascii_uppercase());
    }
    // Those that are likelier come first: a large body is tried with no more than them in pairs.
    keys.sort_by_key(Key::is_of_sender);
    keys
}

impl Key {
    /// Whether it is the sender whose secret has something odd; or none of them, but the copy.
    pub(crate) fn is_of_sender(&self) -> bool {
        self.cause.as_ref().is_some_and(|cause| cause.id.ends_with("_at_sender") || matches!(cause.id, "secret_case" | "secret_prefix"))
    }
}

const STRAY: &str =
    "Take it away, where it is set: of a file, one line break at the end is forgiven here, and perhaps not by the receiver.";

const AT_SENDER: &str = "Set it anew at the sender, without it; or give it to the receiver in the same way.";
