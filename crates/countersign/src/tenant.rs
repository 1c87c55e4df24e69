pub(crate) mod decoy;
pub(crate) mod resolve;
pub(crate) mod resolve_future;
pub(crate) mod resolver;
pub(crate) mod source;
pub(crate) mod template;
