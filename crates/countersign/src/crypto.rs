pub(crate) mod candidates;
pub(crate) mod mac;
pub(crate) mod tag;
