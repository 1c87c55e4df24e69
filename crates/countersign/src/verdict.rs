pub(crate) mod hint;
pub(crate) mod rejection;
pub(crate) mod verified;
