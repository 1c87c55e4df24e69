pub(crate) mod delivery;
pub(crate) mod json;
pub(crate) mod rejection;
