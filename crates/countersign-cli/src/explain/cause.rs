/// A cause of a rejection, with a fix, in words for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Label for programs.
    pub(crate) id: &'static str,
    pub(crate) what: String,
    pub(crate) fix: String,
}

impl Cause {
    pub(crate) fn new(id: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { id, what: what.into(), fix: fix.into() }
    }
}
