pub(crate) mod key_set;
pub(crate) mod key_status;
pub(crate) mod secret;
pub(crate) mod wipe_stack;
