pub(crate) mod delivery;
pub(crate) mod error;
pub(crate) mod json;
