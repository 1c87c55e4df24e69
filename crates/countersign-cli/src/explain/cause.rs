/// Something that is the matter, in words for whoever has to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// For programs.
    pub(crate) id: &'static str,
    pub(crate) what: String,
    pub(crate) fix: String,
}

impl Cause {
    pub(crate) fn new(id: &'static str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { id, what: what.into(), fix: fix.into() }
    }
}
