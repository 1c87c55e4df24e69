use std::borrow::Cow;
use std::fmt::{Display, Write as _};
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use countersign::observe::one_line;

/// The amount of output besides the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    Quiet,
    Usual,
    Verbose,
}

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
pub(crate) const FAINT: Style = Style::new().dimmed();

/// Adds the escape codes of a style. Printing drops the codes where colour is off.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints an error on standard error.
pub(crate) fn fault(failure: &impl Display) {
    complain(&format!("{} {failure}", styled(BAD, "error:")));
}

pub(crate) fn warn(text: impl Display) {
    complain(&format!("{} {text}", styled(DOUBTFUL, "warning:")));
}

/// Prints a message of clap: help on standard output, errors on standard error. clap wraps help,
/// but not errors.
pub(crate) fn misuse(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        complain(error.render().ansi().to_string().trim_end());
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Prints on standard error, wrapped at the width of the terminal.
fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", wrapped("", "", text, terminal_width(&io::stderr())));
}

/// Whether any output was lost.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line on standard output.
pub(crate) fn line(text: impl Display) {
    note_loss(writeln!(anstream::stdout(), "{text}"));
}

/// Returns the columns of the terminal, or `None` if standard output is no terminal.
pub(crate) fn width() -> Option<usize> {
    terminal_width(&io::stdout())
}

fn terminal_width(stream: &impl io::IsTerminal) -> Option<usize> {
    stream.is_terminal().then(terminal_size::terminal_size).flatten().map(|(terminal_size::Width(columns), _)| columns.into())
}

/// Prints an indented text, wrapped at the width of the terminal.
pub(crate) fn text(indent: usize, text: &str) {
    line(indented(indent, text));
}

/// Indents a text by this many spaces, and wraps the text at the width of the terminal.
pub(crate) fn indented(indent: usize, text: &str) -> String {
    let indent = " ".repeat(indent);
    wrapped(&indent, &indent, text, width())
}

/// Wraps a line that holds a stranger's text. Further rows are indented, so no row can pass for a
/// line.
pub(crate) fn hanging(text: &str) -> String {
    hung(text, width())
}

fn hung(text: &str, width: Option<usize>) -> String {
    match width {
        Some(width) if width >= 40 => textwrap::fill(text, textwrap::Options::new(width).subsequent_indent("    ")),
        _ => text.to_owned(),
    }
}

/// Prints an item of a list. Further rows align with the text.
pub(crate) fn item(text: &str) {
    line(wrapped("  - ", "    ", text, width()));
}

fn wrapped(first: &str, further: &str, text: &str, width: Option<usize>) -> String {
    match width {
        // In a narrower terminal, wrapped text is unreadable.
        Some(width) if width >= 40 => {
            let options = textwrap::Options::new(width).initial_indent(first).subsequent_indent(further).break_words(false);
            textwrap::fill(text, options)
        }
        _ => format!("{first}{text}"),
    }
}

/// Records lost output. A closed pipe, as with `head`, is no error. A full disk is an error.
fn note_loss(written: io::Result<()>) {
    if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Returns whether all output was written.
pub(crate) fn is_complete() -> bool {
    !LOST.load(Ordering::Relaxed)
}

/// Escapes a stranger's text of several lines: control characters, and characters changing the
/// direction of text.
pub(crate) fn shown(text: &str) -> String {
    let lines = text.split('\n').map(|line| line.split('\t').map(one_line).collect::<Vec<_>>().join("\t"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Limit of a stranger's text within a line, in characters.
const MAX_IN_LINE: usize = 120;

/// Limit of a stranger's text in JSON, and of a sentence that may quote a stranger, in characters.
const LONGEST: usize = 1000;

/// Escapes and cuts a stranger's text for use within a line: line breaks, control characters, and
/// characters changing the direction of text.
pub(crate) fn in_line(text: &str) -> String {
    let (cut, end) = cut(text, MAX_IN_LINE);
    format!("{}{end}", one_line(cut))
}

/// Escapes and cuts a sentence that may quote a stranger, for use within a line.
pub(crate) fn quoting(text: &str) -> String {
    let (cut, end) = cut(text, LONGEST);
    format!("{}{end}", one_line(cut))
}

/// Cuts a stranger's text for JSON output. Nothing is escaped.
pub(crate) fn for_json(text: &str) -> String {
    let (cut, end) = cut(text, LONGEST);
    format!("{cut}{end}")
}

/// Returns the first `characters` characters, and an ellipsis if more follow.
fn cut(text: &str, characters: usize) -> (&str, &'static str) {
    let cut = text.char_indices().nth(characters).and_then(|(place, _)| text.get(..place));
    cut.map_or((text, ""), |cut| (cut, "…"))
}

/// Prints JSON on a single line, safe for terminals. JSON itself does not escape control characters
/// beyond ASCII.
pub(crate) fn json(value: &serde_json::Value) -> String {
    let mut escaped = String::new();
    for character in value.to_string().chars() {
        if matches!(one_line(character.encode_utf8(&mut [0; 4])), Cow::Borrowed(_)) {
            escaped.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a `String` does not fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        }
    }
    escaped
}

/// Prints bytes unchanged, for a file.
pub(crate) fn raw(bytes: &[u8]) {
    note_loss(io::stdout().lock().write_all(bytes));
}

/// Prints a note on standard error.
pub(crate) fn note(text: impl Display) {
    complain(&styled(FAINT, text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_between_words() {
        let text = "The secret jira.secret has white space at an end: a line break, a space or a tab.";
        for width in 40..90 {
            let lines = wrapped("  ", "  ", text, Some(width));
            assert!(lines.lines().all(|line| line.starts_with("  ") && line.chars().count() <= width), "{width}: {lines}");
            assert_eq!(lines.split_whitespace().collect::<Vec<_>>(), text.split_whitespace().collect::<Vec<_>>());
        }
        assert_eq!(wrapped("  ", "  ", text, None), format!("  {text}"));
        assert_eq!(wrapped("  - ", "    ", "one two", Some(40)), "  - one two");
        let item = wrapped("  - ", "    ", text, Some(40));
        assert!(item.starts_with("  - The") && item.lines().skip(1).all(|line| line.starts_with("    ")), "{item}");
    }

    #[test]
    fn control_characters_in_several_lines_are_escaped() {
        assert_eq!(shown("a\tb\n\u{1b}[2Jc\u{202e}d\r\n"), "a\tb\n\\u{1b}[2Jc\\u{202e}d\\r\n");
        assert_eq!(shown("{\"caf\u{e9}\":\n\t1}"), "{\"caf\u{e9}\":\n\t1}");
    }

    #[test]
    fn json_escapes_control_characters_and_keeps_the_value() {
        let value = serde_json::json!({ "event": "\u{202e}\u{2028}\u{9b}31m\u{e0041}\u{e4}\n\"" });
        let text = json(&value);
        assert_eq!(text, r#"{"event":"\u202e\u2028\u009b31m\udb40\udc41ä\n\""}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn further_rows_of_a_line_are_indented() {
        for filler in [" ", "x", "x "] {
            for width in 40..90 {
                for length in 0..100 {
                    let text = format!("401 / jira {}200 /jira jira, 9 bytes, verified with k", filler.repeat(length));
                    let rows = hung(&text, Some(width));
                    assert!(rows.lines().skip(1).all(|row| row.starts_with("    ")), "{width}: {rows}");
                    assert!(rows.lines().all(|row| row.chars().count() <= width), "{width}: {rows}");
                }
            }
        }
    }

    #[test]
    fn strangers_text_is_cut_and_stays_on_one_line() {
        assert_eq!(in_line("a\nb"), "a\\nb");
        assert_eq!(in_line(&"\u{e4}".repeat(120)), "\u{e4}".repeat(120));
        assert_eq!(in_line(&"\u{e4}".repeat(121)), format!("{}\u{2026}", "\u{e4}".repeat(120)));
    }
}
