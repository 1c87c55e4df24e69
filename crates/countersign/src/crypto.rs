pub(crate) mod mac;
pub(crate) mod one_or_more;
pub(crate) mod tag;
