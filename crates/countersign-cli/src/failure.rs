use std::error::Error;
use std::fmt;

/// An error of a command, in words for the user: the problem and the remedy.
#[derive(Debug)]
pub(crate) struct Failure {
    text: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), cause: None }
    }

    pub(crate) fn because(text: impl Into<String>, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { text: text.into(), cause: Some(cause.into()) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        let mut cause = self.cause.as_deref().map(|cause| cause as &(dyn Error + 'static));
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl Error for Failure {}

impl From<countersign::ConfigError> for Failure {
    fn from(error: countersign::ConfigError) -> Self {
        Self::new(error.to_string())
    }
}
