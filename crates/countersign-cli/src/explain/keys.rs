use zeroize::Zeroizing;

use crate::explain::cause::Cause;
use crate::secrets::NamedSecret;

/// A secret as given, or a variant of a given secret.
pub(crate) struct Key {
    pub(crate) cause: Option<Cause>,
    pub(crate) bytes: Zeroizing<Vec<u8>>,
}

/// Returns the secrets as given, then variants of each.
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
        add(
            "secret_white_space",
            "has white space at the start or the end: a line break, a space or a tab",
            STRAY,
            bytes.trim_ascii().to_vec(),
        );
        for quote in *b"\"'`" {
            if let Some(text) = unquoted(quote) {
                add(
                    "secret_quotes",
                    "is in quotes",
                    "Remove the quotes where the secret is set: they became part of the secret.",
                    text.to_vec(),
                );
            }
        }
        if let Some(text) = bytes.strip_prefix(b"\xef\xbb\xbf") {
            add("secret_bom", "begins with a byte order mark", "Save the file as UTF-8 without BOM.", text.trim_ascii().to_vec());
        }
        if let Some(text) = bytes.strip_suffix(b"\0") {
            add("secret_nul", "ends with a NUL byte", "Remove the NUL byte.", text.to_vec());
        }
        let whole: Vec<u8> = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
        add(
            "secret_white_space",
            "has white space in the middle, such as a line break from wrapping",
            "Remove the white space: `base64 -w0` writes a single line.",
            whole,
        );
        let line = bytes.trim_ascii();
        let line = line.strip_prefix(b"export ").unwrap_or(line);
        if let Some(place) = line.iter().position(|byte| *byte == b'=') {
            let value = line.get(place.saturating_add(1)..).unwrap_or_default();
            let value = value.trim_ascii();
            let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
            add("secret_variable", "begins with the name of a variable", "Give only the text after the `=`.", value.to_vec());
        }
        if let Some(place) = bytes.windows(2).position(|bytes| bytes == b" #") {
            let value = bytes.get(..place).unwrap_or_default();
            add("secret_comment", "is followed by a comment", "Remove the comment.", value.trim_ascii().to_vec());
        }
        match bytes.strip_prefix(b"whsec_") {
            Some(rest) => add(
                "secret_prefix",
                "begins with `whsec_`, unlike the secret at the sender",
                "Use the same text on both sides, as shown by the provider.",
                rest.to_vec(),
            ),
            None => add(
                "secret_prefix",
                "lacks `whsec_` at the start, unlike the secret at the sender",
                "Use the same text on both sides, as shown by the provider.",
                [b"whsec_", &bytes[..]].concat(),
            ),
        }
        for end in [&b"\n"[..], b"\r\n", b"\r", b" ", b"\t"] {
            add("secret_white_space_at_sender", "has white space at the end at the sender", AT_SENDER, [bytes, end].concat());
        }
        for space in [&b" "[..], b"\n"] {
            add("secret_white_space_at_sender", "has white space at the start at the sender", AT_SENDER, [space, bytes].concat());
        }
        for quote in [&b"\""[..], b"'"] {
            let quoted = [quote, bytes, quote].concat();
            add("secret_quotes_at_sender", "is in quotes at the sender", "Set the secret at the sender again, without quotes.", quoted);
        }
        add("secret_bom_at_sender", "begins with a byte order mark at the sender", AT_SENDER, [&b"\xef\xbb\xbf"[..], bytes].concat());
        add("secret_case", "has letters in the wrong case", "Copy the secret again.", bytes.to_ascii_lowercase());
        add("secret_case", "has letters in the wrong case", "Copy the secret again.", bytes.to_ascii_uppercase());
    }
    // Likelier variants first: for a large body, only likely variants are tried in pairs.
    keys.sort_by_key(Key::is_unlikely);
    keys
}

impl Key {
    /// Returns whether the variant is an unlikely mistake: at the sender, or in copying.
    pub(crate) fn is_unlikely(&self) -> bool {
        self.cause.as_ref().is_some_and(|cause| cause.id.ends_with("_at_sender") || matches!(cause.id, "secret_case" | "secret_prefix"))
    }
}

const STRAY: &str =
    "Remove the white space where the secret is set. This command ignores one line break at the end of a file; the receiver may not.";

const AT_SENDER: &str = "Set the secret at the sender again, without the extra characters; or give the receiver the same text.";
