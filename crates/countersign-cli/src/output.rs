use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use countersign::one_line;

/// How much is said beside what was asked for.
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

/// The text in this style, where the terminal and `NO_COLOR` want it.
pub(crate) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Prints on standard error why a command could not be carried out.
pub(crate) fn fault(failure: &impl Display) {
    complain(&format!("{} {failure}", styled(BAD, "error:")));
}

pub(crate) fn warn(text: impl Display) {
    complain(&format!("{} {text}", styled(DOUBTFUL, "warning:")));
}

/// Prints what clap says of the arguments: help on standard output, errors on standard error. clap wraps help by itself, and its errors not at all.
pub(crate) fn misuse(error: &clap::Error) -> ExitCode {
    if error.use_stderr() {
        complain(error.render().ansi().to_string().trim_end());
    } else {
        let _ = error.print();
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

/// Prints on standard error, broken between words where the terminal ends.
fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{}", wrapped("", "", text, terminal_width(&io::stderr())));
}

/// Whether something could not be printed.
static LOST: AtomicBool = AtomicBool::new(false);

/// Prints a line.
pub(crate) fn line(text: impl Display) {
    note_loss(writeln!(anstream::stdout(), "{text}"));
}

/// Columns of the terminal, if standard output is one.
pub(crate) fn width() -> Option<usize> {
    terminal_width(&io::stdout())
}

fn terminal_width(stream: &impl io::IsTerminal) -> Option<usize> {
    stream.is_terminal().then(terminal_size::terminal_size).flatten().map(|(terminal_size::Width(columns), _)| columns.into())
}

/// Prints a text behind this many spaces, broken between words where the terminal ends.
pub(crate) fn text(indent: usize, text: &str) {
    let indent = " ".repeat(indent);
    line(wrapped(&indent, &indent, text, width()));
}

/// Prints an item of a list. Its further lines stand under its text.
pub(crate) fn item(text: &str) {
    line(wrapped("  - ", "    ", text, width()));
}

fn wrapped(first: &str, further: &str, text: &str, width: Option<usize>) -> String {
    match width {
        // Narrower than that, nothing can be read.
        Some(width) if width >= 40 => {
            let options = textwrap::Options::new(width).initial_indent(first).subsequent_indent(further).break_words(false);
            textwrap::fill(text, options)
        }
        _ => format!("{first}{text}"),
    }
}

/// A reader that has gone away, such as `head`, is no fault; a full disk is one.
fn note_loss(written: io::Result<()>) {
    if written.is_err_and(|error| error.kind() != io::ErrorKind::BrokenPipe) {
        LOST.store(true, Ordering::Relaxed);
    }
}

/// Whether all that was printed has arrived.
pub(crate) fn is_complete() -> bool {
    !LOST.load(Ordering::Relaxed)
}

/// Returns a stranger's text of several lines without characters that a terminal would obey or that change the direction of text.
pub(crate) fn shown(text: &str) -> String {
    let lines = text.split('\n').map(|line| line.split('\t').map(one_line).collect::<Vec<_>>().join("\t"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Characters of a stranger's text in a line.
const LONGEST_IN_LINE: usize = 120;

/// A stranger's text as a part of a line: without a line break, without characters that a terminal would obey or that change the direction of
/// text, and cut at a length.
pub(crate) fn in_line(text: &str) -> String {
    let cut = text.char_indices().nth(LONGEST_IN_LINE).and_then(|(place, _)| text.get(..place));
    match cut {
        Some(cut) => format!("{}…", one_line(cut)),
        None => one_line(text).into_owned(),
    }
}

/// Prints bytes or text that must reach a file as they are.
pub(crate) fn raw(bytes: &[u8]) {
    note_loss(io::stdout().lock().write_all(bytes));
}

/// Says something that nobody has asked for, on standard error.
pub(crate) fn note(text: impl Display) {
    complain(&styled(FAINT, text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_not_broken_at_the_edge_of_a_terminal() {
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
    fn several_lines_of_a_stranger_obey_nobody() {
        assert_eq!(shown("a\tb\n\u{1b}[2Jc\u{202e}d\r\n"), "a\tb\n\\u{1b}[2Jc\\u{202e}d\\r\n");
        assert_eq!(shown("{\"caf\u{e9}\":\n\t1}"), "{\"caf\u{e9}\":\n\t1}");
    }

    #[test]
    fn text_of_a_stranger_is_cut_and_on_one_line() {
        assert_eq!(in_line("a\nb"), "a\\nb");
        assert_eq!(in_line(&"\u{e4}".repeat(120)), "\u{e4}".repeat(120));
        assert_eq!(in_line(&"\u{e4}".repeat(121)), format!("{}\u{2026}", "\u{e4}".repeat(120)));
    }
}
