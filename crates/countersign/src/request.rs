pub(crate) mod clock;
pub(crate) mod head;
pub(crate) mod header_index;
pub(crate) mod timer;
