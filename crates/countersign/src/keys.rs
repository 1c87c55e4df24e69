pub(crate) mod key_set;
pub(crate) mod secret;
pub(crate) mod wipe_stack;
