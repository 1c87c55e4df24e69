use std::fmt::Display;
use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};

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

/// Says why a command could not be carried out, on standard error.
pub(crate) fn fault(failure: &impl Display) {
    let _ = writeln!(anstream::stderr(), "{} {failure}", styled(BAD, "error:"));
}

pub(crate) fn warn(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{} {text}", styled(DOUBTFUL, "warning:"));
}

/// Prints a line. A reader that has gone away, such as `head`, is no fault.
pub(crate) fn line(text: impl Display) {
    let _ = writeln!(anstream::stdout(), "{text}");
}

/// Prints bytes or text that must reach a file as they are.
pub(crate) fn raw(bytes: &[u8]) -> io::Result<()> {
    io::stdout().lock().write_all(bytes)
}

/// Says something that nobody has asked for, on standard error.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(anstream::stderr(), "{}", styled(FAINT, text));
}
