use std::time::SystemTime;

use crate::key_id::KeyId;

/// The status of a key, returned by [`Keys::list`](crate::Keys::list).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyStatus {
    pub(crate) id: KeyId,
    pub(crate) expires: Option<SystemTime>,
    pub(crate) last_matched: Option<SystemTime>,
}

impl KeyStatus {
    /// Returns the id of the key.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Returns the expiry, if set. The key is not accepted from this time on.
    #[must_use]
    pub const fn expires(&self) -> Option<SystemTime> {
        self.expires
    }

    /// Returns the time of the last verified delivery, in whole seconds. On Linux, the clock for
    /// this time is some milliseconds late.
    ///
    /// `None` means no match since the key was built or added. After
    /// [`replace`](crate::Keys::replace), matches of the same secret under an earlier id count too.
    /// An old secret without a recent match can be dropped.
    #[must_use]
    pub const fn last_matched(&self) -> Option<SystemTime> {
        self.last_matched
    }
}
