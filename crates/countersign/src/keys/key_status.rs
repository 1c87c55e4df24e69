use std::time::SystemTime;

use crate::key_id::KeyId;

/// What is known of one key, made by [`Keys::list`](crate::Keys::list).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    pub(crate) id: KeyId,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) last_matched: Option<SystemTime>,
}

impl KeyStatus {
    /// The key's name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// From when on it is not accepted any more, if that has been said.
    #[must_use]
    pub const fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// When a delivery was last verified by it, to the second, by a clock that is some milliseconds late on Linux.
    ///
    /// `None` for never since it was built or added, by this name or, after [`replace`](crate::Keys::replace), by the one that its secret had
    /// before: an old secret of which this is long ago can be dropped.
    #[must_use]
    pub const fn last_matched(&self) -> Option<SystemTime> {
        self.last_matched
    }
}
