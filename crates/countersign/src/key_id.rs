use std::fmt;
use std::sync::Arc;

/// The id of a key: a label for logs and metrics. The label tells which secret matched, such as
/// `2026-11` for a secret made in November 2026.
///
/// A key id is not secret, and nothing is derived from the label. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(Arc<str>);

impl KeyId {
    /// Returns the label as given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for KeyId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl From<&str> for KeyId {
    fn from(label: &str) -> Self {
        Self(label.into())
    }
}

impl From<String> for KeyId {
    fn from(label: String) -> Self {
        Self(label.into())
    }
}

impl PartialEq<str> for KeyId {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for KeyId {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_id_equals_its_label_and_no_other() {
        for label in ["2026-11", ""] {
            let id = KeyId::from(label);
            assert_eq!((id.as_str(), id.as_ref(), id.to_string()), (label, label, label.to_owned()));
            assert_eq!(format!("{id:?}"), format!("{label:?}"));
            let (same, other) = (KeyId::from(label.to_owned()), KeyId::from("2026-10"));
            assert!(id == same && id == label && id == *label && id != other && id != "2026-10" && id != *"2026-10");
        }
    }
}
