use std::borrow::Cow;
use std::fmt::{self, Write as _};

/// Returns `text` on one line, for logs and terminals. Characters that are not printable are
/// escaped, such as `\n` and `\u{202e}`.
///
/// A line break in a value forges the next line of a log. A character that changes the direction of
/// text (Unicode UAX #9) makes a line read as another. The function escapes:
/// - control characters,
/// - line and paragraph separators,
/// - format characters,
/// - spaces other than U+0020,
/// - private and unassigned characters.
///
/// Quotes and backslashes stay. Text without a character to escape is borrowed.
///
/// The events and spans of this crate escape foreign text with this function: names of tenants, key
/// ids, and the error texts of resolvers and bodies.
///
/// ```
/// use countersign::observe::one_line;
///
/// assert_eq!(one_line("acme"), "acme");
/// assert_eq!(one_line("acme\nINFO delivery verified"), "acme\\nINFO delivery verified");
/// ```
#[must_use]
pub fn one_line(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_printable) { Cow::Borrowed(text) } else { Cow::Owned(OneLine(text).to_string()) }
}

/// Displays any value as [`one_line`] displays a `str`.
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escape(f), "{}", self.0)
    }
}

struct Escape<'f, 'a>(&'f mut fmt::Formatter<'a>);

impl fmt::Write for Escape<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if is_printable(character) {
                self.0.write_char(character)?;
            } else {
                write!(self.0, "{}", character.escape_debug())?;
            }
        }
        Ok(())
    }
}

/// Returns whether a character is printable. Outside ASCII, the tables of the standard library
/// decide. For ASCII, these tables would escape quotes and backslashes as well.
fn is_printable(character: char) -> bool {
    // The character stands behind a letter, because a combining character is escaped only without a
    // letter to combine with.
    let in_text = || String::from_iter(['a', character]).escape_debug().count() == 2;
    matches!(character, ' '..='~') || (!character.is_ascii() && in_text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_text_is_borrowed() {
        for text in
            ["", "acme", "a \"quoted\" 'text' with \\", "caf\u{e9}/1", "cafe\u{301}", "\u{0e01}\u{0e35}", "\u{65e5}\u{672c} \u{1f980}"]
        {
            assert!(matches!(one_line(text), Cow::Borrowed(same) if same == text), "{text:?}");
            assert_eq!(OneLine(text).to_string(), text);
        }
    }

    #[test]
    fn unprintable_characters_are_escaped() {
        let cases = [
            ("a\nb", "a\\nb"),
            ("a\r\tb", "a\\r\\tb"),
            ("\0\u{1b}[2J\u{7f}", "\\0\\u{1b}[2J\\u{7f}"),
            ("\u{85}\u{2028}\u{2029}", "\\u{85}\\u{2028}\\u{2029}"),
            ("\u{a0}\u{3000}\u{ad}\u{e000}", "\\u{a0}\\u{3000}\\u{ad}\\u{e000}"),
            ("\u{202e}\u{2066}\u{200f}\u{61c}\u{feff}", "\\u{202e}\\u{2066}\\u{200f}\\u{61c}\\u{feff}"),
        ];
        for (text, expected) in cases {
            assert_eq!(one_line(text), expected);
            assert_eq!(OneLine(text).to_string(), expected);
        }
    }
}
