pub(crate) mod hint;
pub(crate) mod metadata;
pub(crate) mod rejection;
pub(crate) mod rejection_kind;
pub(crate) mod verified;
