use std::error::Error;
use std::fmt;

use crate::Rejection;

/// One event for each refusal, with the cause for the operator and nothing that the sender wrote.
pub(crate) fn refusal(rejection: &Rejection) {
    let scheme = rejection.scheme();
    let cause = rejection.kind().as_str();
    let status = rejection.status_code();
    let source = rejection.source().map(|source| tracing::field::display(Chain(source)));
    tracing::warn!(target: "countersign", scheme, cause, status, source, "delivery refused: {rejection}");
}

/// An error and its sources in one line. A framework's outermost error often says only that there was one.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            // Wrappers that add nothing repeat what they wrap.
            if text != said {
                write!(f, ": {text}")?;
            }
            said = text;
            cause = error.source();
        }
        Ok(())
    }
}
